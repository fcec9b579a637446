"""MobileNet against its papers' tables, torchvision's shapes, and TensorFlow's weights on photographs."""

import csv

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from striate.architectures.architecture import HALF, Declaration
from striate.architectures.blocks import SamePadding
from striate.architectures.catalogue import CATALOGUE, create_model
from striate.architectures.mobilenet import mobilenet_v1, mobilenet_v2
from striate.images.preparation import Geometry
from striate.images.reading import read_image
from striate.layers.folding import fold
from tests.architectures.measuring import maps_of, multiplies, on_meta, oracle, parameters, shapes_by_torchvisions_names

COUNTS = {  # millions of multiplies and of parameters: Howard et al., Tables 6 and 7; Sandler et al., Table 4
    "mobilenet_v1": (569, 4.2),
    "mobilenetv1_100": (569, 4.2),
    "mobilenetv1_075": (325, 2.6),
    "mobilenetv1_050": (149, 1.3),
    "mobilenetv1_025": (41, 0.5),
    "mobilenet_v2": (300, 3.5),  # the table says 3.4
    "mobilenetv2_140": (582, 6.1),  # the table says 585 and 6.9, the authors' code makes these
    "tf_mobilenetv1_025": (14, 0.47),  # TensorFlow's slim, of MobileNet_v1_0.25_128
    "tf_mobilenet_v2": (300, 3.5),
}
FILES = {
    "tf_mobilenet_v2": "mobilenet_v2_1.0_224_folded_float.npz",
    "tf_mobilenetv1_025": "mobilenet_v1_0.25_128_folded_float.npz",
}
RIGHT = {"tf_mobilenet_v2": (36, 39), "tf_mobilenetv1_025": (22, 30)}  # of 41: at first, among five; as measured


def convolutions(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


@pytest.mark.parametrize("name", COUNTS)
def test_it_multiplies_and_weighs_as_published(name):
    given = multiplies(on_meta(name), CATALOGUE[name].size[0]) / 1e6, parameters(on_meta(name)) / 1e6
    assert given[0] == pytest.approx(COUNTS[name][0], abs=1)
    assert given[1] == pytest.approx(COUNTS[name][1], abs=0.05)


@pytest.mark.parametrize(("side", "millions"), [(192, 418), (160, 290), (128, 186)])
def test_smaller_images_cost_as_much_less_as_in_table_7(side, millions):
    assert multiplies(on_meta("mobilenet_v1"), side) / 1e6 == pytest.approx(millions, abs=1)


@pytest.mark.parametrize("name", ["mobilenetv1_100", "mobilenetv2_050", "mobilenetv2_140"])
def test_there_are_as_many_parameters_as_in_timms_table(shared, name):
    rows = csv.DictReader((shared / "oracle" / "results-imagenet.csv").read_text().splitlines())
    published = {float(row["param_count"]) for row in rows if row["model"].partition(".")[0] == name}
    assert published == {round(parameters(on_meta(name)) / 1e6, 2)}


def test_names_and_shapes_are_torchvisions(shared):
    assert shapes_by_torchvisions_names("mobilenet_v2") == oracle(shared, "mobilenet_v2")[1]


def test_only_networks_whose_weights_timm_publishes_have_its_names():
    """By `timm.list_pretrained("mobilenet*")` of 1.0.31; it has version 1 with ReLU6 alone."""
    named = {name for name, entry in CATALOGUE.items() if "mobilenet" in name and "timm" in entry.names}
    assert named == {"mobilenetv1_100", "mobilenet_v2", "mobilenetv2_050", "mobilenetv2_140"}


def test_weights_from_googles_recipes_were_shown_values_from_minus_1_to_1():
    """TensorFlow's slim: RGB / 127.5 - 1; timm 1.0.31: `get_pretrained_cfg("mobilenetv1_100")`."""
    halves = {name for name, entry in CATALOGUE.items() if "mobilenet" in name and entry.mean == entry.std == HALF}
    assert halves == {"mobilenetv1_100", "tf_mobilenetv1_025", "tf_mobilenet_v2"}


@pytest.mark.parametrize(
    ("name", "maps"),
    [
        ("mobilenet_v1", [(64, 112), (128, 56), (256, 28), (512, 14), (1024, 7)]),  # Howard et al., Table 1
        ("mobilenet_v2", [(16, 112), (24, 56), (32, 28), (96, 14), (1280, 7)]),  # Sandler et al., Table 2
    ],
)
def test_the_maps_have_the_sizes_of_the_paper(name, maps):
    assert list(maps_of(name).values()) == maps


def test_version_1_has_28_layers_as_its_paper_counts_them():
    assert len(convolutions(on_meta("mobilenet_v1"))) + 1 == 28


@pytest.mark.parametrize("build", [mobilenet_v1, mobilenet_v2])
def test_any_width_is_built_in_channels_that_divide_by_8(build):
    with torch.device("meta"):
        network = build(Declaration("narrow", 5, 1, (96, 96)), width=0.35)
    assert all(layer.out_channels % 8 == 0 for layer in convolutions(network))
    assert network(torch.empty(2, 1, 96, 96, device="meta")).shape == (2, 5)


def test_the_papers_version_1_does_not_clip_and_its_authors_does():
    kinds = {name: {type(layer) for layer in on_meta(name).modules()} for name in ("mobilenet_v1", "mobilenetv1_100")}
    assert nn.ReLU in kinds["mobilenet_v1"] and nn.ReLU6 not in kinds["mobilenet_v1"]
    assert nn.ReLU6 in kinds["mobilenetv1_100"] and nn.ReLU not in kinds["mobilenetv1_100"]


def test_a_depthwise_convolution_lets_no_map_see_another():
    torch.manual_seed(0)
    depthwise = create_model("mobilenetv1_025", size=32).stage3.blocks3[0].depthwise.eval()
    maps = torch.rand(1, 32, 8, 8)
    changed = maps.index_fill(1, torch.tensor([5]), 0)
    differs = (depthwise(maps) != depthwise(changed)).flatten(2).any(2)[0]
    assert differs.nonzero().flatten().tolist() == [5]


def test_an_inverted_residual_whose_change_is_nothing_gives_its_input_back():
    block = create_model("mobilenetv2_050", size=32).stage3.blocks3[1].eval()
    nn.init.zeros_(block.project.bn.weight)
    maps = torch.randn(1, 16, 4, 4)
    torch.testing.assert_close(block(maps), maps)


def test_narrow_maps_are_not_cut_at_zero_and_wide_ones_lie_between_0_and_6():
    torch.manual_seed(0)
    block = create_model("mobilenetv2_050", size=32).stage2.blocks2[0].eval()
    wide = block.depthwise(block.expand(20 * torch.randn(4, 8, 16, 16)))
    assert (wide.min(), wide.max()) == (0, 6)
    assert block.project(wide).min() < -1


@pytest.mark.parametrize("side", range(1, 12))
def test_tensorflows_padding_lays_a_first_window_where_the_last_one_fits(side):
    """With stride 2 its places are those of stride 1 from the second on an even side, from the first on an odd one."""
    torch.manual_seed(0)
    maps, kernel = torch.randn(1, 1, side, 7), torch.randn(1, 1, 3, 3)
    every = conv2d(maps, kernel, padding=1)
    expected = every[:, :, (side + 1) % 2 :: 2, ::2]
    torch.testing.assert_close(conv2d(SamePadding(3, 2)(maps), kernel, stride=2), expected)


def test_tensorflows_form_is_the_folded_network_wherever_padding_is_the_same_on_all_sides():
    torch.manual_seed(0)
    ours, theirs = (create_model(key, num_classes=7, size=33).eval() for key in ("mobilenet_v2", "tf_mobilenet_v2"))
    for layer in ours.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.1, 0.1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    images = torch.randn(2, 3, 33, 33)  # sides 33, 17, 9, 5, 3, 2: odd ones are halved
    theirs.load_state_dict(fold(ours, images).state_dict())
    with torch.no_grad():
        torch.testing.assert_close(theirs(images), ours(images), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", FILES)
def test_with_published_weights_photographs_are_named(shared, one_thread, name):
    """Weights of TensorFlow's slim, through an int8 file; of each photograph the square in the middle."""
    network, entry = create_model(name).eval(), CATALOGUE[name]
    load(network, np.load(shared / "weights" / FILES[name]), entry.names["tensorflow"])
    folder = shared / "data" / "imagenet_sample"
    labels = [line.partition(",")[0] for line in (folder / "imagenet_labels_1001.txt").read_text().splitlines()]
    files = sorted(folder.glob("*.JPEG"))
    targets = torch.tensor([labels.index(file.stem.partition("_")[2].replace("_", " ")) for file in files])
    whole = Geometry(entry.size, channels=3)
    images = torch.stack([torch.from_numpy(whole.apply(read_image(file))) for file in files])
    mean, std = (torch.tensor(values)[:, None, None] for values in (entry.mean, entry.std))
    with torch.no_grad():
        five = network((images / 255 - mean) / std).topk(5).indices
    hits, (first, among) = five == targets[:, None], RIGHT[name]
    assert len(files) == 41
    assert hits[:, 0].sum() >= first
    assert hits.sum() >= among


def load(network, tensors, dialect):
    own = network.state_dict()
    names = dialect(list(own))
    assert sorted(names) == sorted(tensors.files)
    network.load_state_dict(
        {key: torch.from_numpy(tensors[name]).reshape(own[key].shape) for key, name in zip(own, names, strict=True)}
    )
