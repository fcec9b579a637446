"""SqueezeNet against Iandola et al. 2016, Table 1, torchvision, and photographs that the authors' weights name."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model

PARAMETERS = {  # Table 1, "#parameter before pruning": a layer of 1x1 weights or a Fire module
    "conv1": 14_208,
    "fire2": 11_920,
    "fire3": 12_432,
    "fire4": 45_344,
    "fire5": 49_440,
    "fire6": 104_880,
    "fire7": 111_024,
    "fire8": 188_992,
    "fire9": 197_184,
    "conv10": 513_000,
}
MAPS = {  # Table 1, "output size"
    "conv1": (96, 111, 111),
    "fire2": (128, 55, 55),
    "fire3": (128, 55, 55),
    "fire4": (256, 55, 55),
    "fire5": (256, 27, 27),
    "fire6": (384, 27, 27),
    "fire7": (384, 27, 27),
    "fire8": (512, 27, 27),
    "fire9": (512, 13, 13),
    "conv10": (1000, 13, 13),
    "avgpool": (1000, 1, 1),
}
MEAN = torch.tensor([104.0, 117.0, 123.0]).view(3, 1, 1)  # of blue, green and red, subtracted by the authors


def on_meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options)


def layers(network):
    return [row for stage in network for row in stage.named_children()]


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_are_those_of_the_papers_table():
    network = on_meta("squeezenet1_0")
    assert {name: parameters(layer) for name, layer in layers(network) if parameters(layer)} == PARAMETERS
    assert parameters(network) == 1_248_424  # its total


def test_the_maps_have_the_sizes_of_the_papers_table_on_227_pixels():
    maps, values = {}, torch.empty(1, 3, 227, 227, device="meta")
    for name, layer in layers(on_meta("squeezenet1_0", size=227).eval()):
        values = layer(values)
        maps[name] = tuple(values.shape[1:])
    assert {name: maps[name] for name in MAPS} == MAPS


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
def test_names_shapes_parameters_and_multiplies_are_torchvisions(shared, name):
    oracle = shared / "oracle"
    shapes = json.loads((oracle / "torchvision_0.28.0_state_dict_shapes.json").read_text())[name]
    meta = json.loads((oracle / "torchvision_0.28.0_meta.json").read_text())[name]["IMAGENET1K_V1"]
    network = on_meta(name).eval()
    own = network.state_dict()
    names = CATALOGUE[name].names["torchvision"](list(own))
    assert [[key, list(value.shape)] for key, value in zip(names, own.values(), strict=True)] == shapes["state_dict"]
    assert parameters(network) == meta["num_params"]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, 224, 224, device="meta"))
    assert counter.get_total_flops() / 2e9 == pytest.approx(meta["_ops"], abs=0.0006)


@pytest.mark.parametrize(("name", "least"), [("squeezenet1_0", 21), ("squeezenet1_1", 17)])
def test_the_smallest_image_is_the_one_that_torchvision_says(name, least):
    assert on_meta(name, size=least).eval()(torch.empty(1, 3, least, least, device="meta")).shape == (1, 1000)


def prepared(path):
    """Blue, green and red (3, 227, 227), as the authors' network was trained on them."""
    pixels = np.asarray(Image.open(path).convert("RGB").resize((227, 227), Image.Resampling.BILINEAR), np.float32)
    return torch.from_numpy(pixels[:, :, ::-1].copy()).permute(2, 0, 1) - MEAN


def test_the_authors_images_are_those_that_the_catalogue_states():
    """Its mean and std are of red, green and blue from 0 to 1."""
    entry = CATALOGUE["squeezenet1_0_caffe"]
    colours, mean, std = torch.tensor([[10.0, 200.0, 30.0], entry.mean, entry.std]).unbind()
    assert set(CATALOGUE["squeezenet1_0_caffe"].names) == {"caffe"}
    torch.testing.assert_close(((colours / 255 - mean) / std).flip(0), colours.flip(0) - MEAN.flatten())


def test_the_authors_weights_name_photographs(shared):
    """36 of 41 are among the five likeliest, 26 the likeliest itself; the paper's 80.3 % and 57.5 % are of 50,000."""
    network, entry = create_model("squeezenet1_0_caffe").eval(), CATALOGUE["squeezenet1_0_caffe"]
    own = network.state_dict()
    names = entry.names["caffe"](list(own))
    with np.load(shared / "weights" / "squeezenet1_0_deep_compression.npz", allow_pickle=False) as weights:
        assert set(names) == set(weights.files)
        network.load_state_dict({key: torch.from_numpy(weights[name]) for key, name in zip(own, names, strict=True)})
    folder = shared / "data" / "imagenet_sample"
    labels = (folder / "imagenet_labels_1001.txt").read_text().splitlines()[1:]  # without the background
    places = []
    for path in sorted(folder.glob("*.JPEG")):
        name = path.stem.split("_", 1)[1].replace("_", " ")
        target = next(number for number, label in enumerate(labels) if name in re.split(", ", label))
        with torch.no_grad():
            places.append(network(prepared(path)[None])[0].argsort(descending=True).tolist().index(target))
    assert len(places) == 41
    assert sum(place == 0 for place in places) >= 26
    assert sum(place < 5 for place in places) >= 36
