"""DenseNet against Huang et al. 2016, Tables 1 and 2, and against torchvision's counts and state dicts."""

import json

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model
from tests.architectures.measuring import on_meta, parameters

TORCHVISIONS = {"densenet121": 121, "densenet161": 161, "densenet169": 169, "densenet201": 201}  # depth
LAYERS = TORCHVISIONS | {"densenet264": 265}  # 1 + 2 (6 + 12 + 64 + 48) + 3 + 1 by Table 1, whatever its name says
CIFAR = {  # Table 2: depth, parameters in millions
    "densenet_40_12": (40, 1.0),
    "densenet_100_12": (100, 7.0),
    "densenet_100_24": (100, 27.2),
    "densenet_bc_100_12": (100, 0.8),
    "densenet_bc_250_24": (250, 15.3),
    "densenet_bc_190_40": (190, 25.6),
}
MAPS = {  # Table 1 with a growth of 32: channels after stem and blocks (32 times the layers, half at transitions), side
    "stem": (64, 56),
    "stage1": (64 + 6 * 32, 56),
    "stage2": (128 + 12 * 32, 28),
    "stage3": (256 + 24 * 32, 14),
    "stage4": (512 + 16 * 32, 7),
}


@pytest.mark.parametrize(("name", "depth"), [*LAYERS.items(), *((name, depth) for name, (depth, _) in CIFAR.items())])
def test_a_network_is_as_deep_as_its_name_says(name, depth):
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in on_meta(name).modules()) == depth


@pytest.mark.parametrize("name", CIFAR)
def test_networks_for_cifar_have_the_parameters_of_table_2(name):
    assert round(parameters(on_meta(name)) / 1e6, 1) == CIFAR[name][1]


def test_densenet264_has_the_parameters_that_eca_net_counts():
    """Wang et al. 2020, "ECA-Net", arXiv:1910.03151, Table 3: 31.79 M, with M = 2^20."""
    assert round(parameters(on_meta("densenet264")) / 2**20, 2) == 31.79


@pytest.mark.parametrize("name", TORCHVISIONS)
def test_names_shapes_and_parameters_are_torchvisions(shared, name):
    expected = json.loads((shared / "oracle" / "torchvision_0.28.0_state_dict_shapes.json").read_text())[name]
    tensors = on_meta(name).state_dict()
    names = CATALOGUE[name].names["torchvision"](list(tensors))
    shapes = [list(tensor.shape) for tensor in tensors.values()]
    assert list(map(list, zip(names, shapes, strict=True))) == expected["state_dict"]
    assert parameters(on_meta(name)) == expected["params"]


@pytest.mark.parametrize("name", ["densenet121", "densenet161"])
def test_multiplies_are_those_that_torchvision_states(shared, name):
    meta = json.loads((shared / "oracle" / "torchvision_0.28.0_meta.json").read_text())[name]["IMAGENET1K_V1"]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(name)(torch.empty(1, 3, 224, 224, device="meta"))
    assert counter.get_total_flops() / 2e9 == pytest.approx(meta["_ops"], abs=0.0006)


def test_torchvisions_first_files_write_a_dot_within_a_layer():
    """As densenet121-a639ec97.pth of 2017 does; torchvision turns these names into today's when it loads it."""
    first = CATALOGUE["densenet121"].names["torchvision_2017"]
    ours = ["stem.norm0.bias", "stage1.denseblock1.denselayer1.norm1.weight", "stage2.transition1.conv.weight"]
    theirs = [
        "features.norm0.bias",
        "features.denseblock1.denselayer1.norm.1.weight",
        "features.transition1.conv.weight",
    ]
    assert first([*ours, "stage4.norm5.weight", "head.fc.bias"]) == [
        *theirs,
        "features.norm5.weight",
        "classifier.bias",
    ]


def test_the_maps_have_the_sizes_of_table_1():
    with torch.no_grad():
        maps = on_meta("densenet121").maps(torch.empty(1, 3, 224, 224, device="meta"))
    assert {name: tuple(values.shape[1:3]) for name, values in maps.items()} == MAPS


def test_for_cifar_three_blocks_see_32_16_and_8_pixels():
    """Section 3, "Implementation details"; 16 maps before the first block, then 12 more for each of 12 layers."""
    with torch.no_grad():
        maps = on_meta("densenet_40_12").maps(torch.empty(1, 3, 32, 32, device="meta"))
    assert [tuple(values.shape[1:]) for values in maps.values()] == [
        (16, 32, 32),
        (16 + 144, 32, 32),
        (16 + 288, 16, 16),
        (16 + 432, 8, 8),
    ]


def test_a_layer_keeps_its_input_and_adds_its_own_maps_below():
    layer = create_model("densenet_40_12").stage1.denseblock1.denselayer1.eval()
    maps = torch.rand(1, 16, 5, 4) - 0.5
    added = layer.conv1(maps.relu() / (1 + layer.norm1.eps) ** 0.5)  # batch normalisation as it starts
    torch.testing.assert_close(layer(maps), torch.cat([maps, added], dim=1))


def test_the_last_layer_of_a_block_sees_the_image_that_the_first_saw():
    """The input of a block reaches its end whole, past layers that are silent."""
    block = create_model("densenet_bc_100_12").stage1.denseblock1.eval()
    for layer in block:
        nn.init.zeros_(layer.conv2.weight)
    maps = torch.rand(1, 24, 3, 3)
    torch.testing.assert_close(block(maps), torch.cat([maps, torch.zeros(1, 16 * 12, 3, 3)], dim=1))


def test_the_smallest_image_is_torchvisions(shared):
    meta = json.loads((shared / "oracle" / "torchvision_0.28.0_meta.json").read_text())["densenet121"]["IMAGENET1K_V1"]
    smallest = meta["min_size"][0]
    with torch.no_grad():
        assert on_meta("densenet121")(torch.empty(1, 3, smallest, smallest, device="meta")).shape == (1, 1000)
        with pytest.raises(RuntimeError, match="too small"):
            on_meta("densenet121")(torch.empty(1, 3, smallest - 1, smallest - 1, device="meta"))
