"""ResNet against He et al. 2015, Table 1, its kin against their papers' tables, all against torchvision's counts."""

import json
from functools import cache, partial

import pytest
import torch
from torch import nn
from torch.nn.functional import batch_norm, conv2d
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model, declare
from striate.architectures.resnet import bottleneck, grouped, projection, residual, resnet
from tests.architectures.measuring import on_meta, parameters

LAYERS = {
    **{f"resnet{depth}": depth for depth in (18, 34, 50, 101, 152, 200)},
    **{"plain18": 18, "plain34": 34, "wide_resnet50_2": 50, "wide_resnet101_2": 101, "resnext50_32x4d": 50},
    **{f"resnext101_{groups}": 101 for groups in ("32x4d", "32x8d", "64x4d")},
}
MULTIPLIES = {"resnet18": 1.8, "resnet34": 3.6, "resnet50": 3.8, "resnet101": 7.6, "resnet152": 11.3}  # Table 1, in 1e9
TORCHVISIONS = [*MULTIPLIES, *(name for name in LAYERS if name.startswith(("wide", "resnext")))]
TORCHVISIONS.remove("resnext101_32x4d")
STATES = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d"]
MILLIONS = {  # Zagoruyko & Komodakis 2016, Tables 7 and 8; Xie et al. 2016, Table 1
    **{"resnet18": 11.7, "resnet34": 21.8, "resnet50": 25.6, "resnet101": 44.5, "resnet152": 60.2, "resnet200": 64.7},
    **{"wide_resnet50_2": 68.9, "resnext50_32x4d": 25.0},
}
SIDES = {"stem": 112, "layer1": 56, "layer2": 28, "layer3": 14, "layer4": 7}


@cache
def billions(name):
    """The multiplies of one image."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(name)(torch.empty(1, 3, 224, 224, device="meta"))
    return counter.get_total_flops() / 2e9


@pytest.mark.parametrize("name", LAYERS)
def test_a_network_is_as_deep_as_its_name_says(name):
    trained = [key for key, module in on_meta(name).named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert sum("shortcut" not in key for key in trained) == LAYERS[name]


@pytest.mark.parametrize("name", MILLIONS)
def test_parameters_are_those_of_the_papers_tables(name):
    assert parameters(on_meta(name)) / 1e6 == pytest.approx(MILLIONS[name], abs=0.06)


@pytest.mark.parametrize("name", TORCHVISIONS)
def test_parameters_and_multiplies_are_torchvisions(shared, name):
    meta = json.loads((shared / "oracle" / "torchvision_0.28.0_meta.json").read_text())[name]["IMAGENET1K_V1"]
    assert parameters(on_meta(name)) == meta["num_params"]
    assert billions(name) == pytest.approx(meta["_ops"], abs=0.0006)


@pytest.mark.parametrize("name", STATES)
def test_names_and_shapes_are_torchvisions(shared, name):
    states = json.loads((shared / "oracle" / "torchvision_0.28.0_state_dict_shapes.json").read_text())
    tensors = on_meta(name).state_dict()
    names = CATALOGUE[name].names["torchvision"](list(tensors))
    shapes = [list(value.shape) for value in tensors.values()]
    assert [[key, shape] for key, shape in zip(names, shapes, strict=True)] == states[name]["state_dict"]


@pytest.mark.parametrize("name", MULTIPLIES)
def test_multiplies_are_near_the_papers(name):
    assert billions(name) == pytest.approx(MULTIPLIES[name], rel=0.09)  # the paper halves in the first 1x1


@pytest.mark.parametrize("name", ["resnet34", "resnet50", "plain34", "resnext50_32x4d"])
def test_the_maps_have_the_sizes_of_the_paper(name):
    features = on_meta(name).features(torch.empty(1, 3, 224, 224, device="meta"))
    assert {feature.name: feature.maps.shape[-1] for feature in features} == SIDES
    assert [feature.stride for feature in features] == [2, 4, 8, 16, 32]


def test_a_unit_whose_change_is_nothing_gives_its_input_back():
    unit = create_model("resnet18", size=32).get_submodule("layer1.0").eval()
    nn.init.zeros_(unit.change.bn2.weight)
    maps = torch.rand(1, 64, 4, 4)
    torch.testing.assert_close(unit(maps), maps)


def test_a_plain_net_is_its_resnet_without_what_is_added_to():
    plain, residual = on_meta("plain34").state_dict(), on_meta("resnet34").state_dict()
    assert list(plain) == [name for name in residual if "shortcut" not in name]
    unit = create_model("plain18", size=32).get_submodule("layer1.0").eval()
    nn.init.zeros_(unit.change.bn2.weight)
    assert unit(torch.rand(1, 64, 4, 4)).unique().tolist() == [0]


def test_a_grouped_bottleneck_is_the_sum_of_as_many_narrow_paths():
    """Xie et al. 2016, figure 3: a and c are the same."""
    torch.manual_seed(0)
    change = bottleneck(256, 256, 1, groups=8, group_width=4).eval()
    maps, total = torch.randn(2, 256, 5, 5), torch.zeros(2, 256, 5, 5)
    for group in range(8):
        own = slice(4 * group, 4 * group + 4)
        narrow = change.bn1(conv2d(maps, change.conv1.weight))[:, own].relu()
        seen = conv2d(narrow, change.conv2.weight[own], padding=1)
        norm = change.bn2
        seen = batch_norm(seen, norm.running_mean[own], norm.running_var[own], norm.weight[own], norm.bias[own])
        total += conv2d(seen.relu(), change.conv3.weight[:, own])
    torch.testing.assert_close(change(maps), change.bn3(total))


@pytest.mark.parametrize(("groups", "width"), [(1, 64), (2, 40), (4, 24), (8, 14), (32, 4)])
def test_more_groups_can_have_the_weights_of_fewer_wide_ones(groups, width):
    """Xie et al. 2016, Table 2: about 70 thousand in the 256-channel bottleneck of conv2."""
    change = grouped(groups, width)(256, 256, 1)
    weights = sum(layer.weight.numel() for layer in change if isinstance(layer, nn.Conv2d))
    assert weights == groups * (256 * width + 9 * width**2 + width * 256)
    assert weights == pytest.approx(70_000, rel=0.03)


def test_a_builder_takes_depths_widths_and_groups_of_ones_own():
    build = partial(resnet, unit=residual(grouped(8, 16)), depths=(1, 2, 1), width=128, stem_width=24)
    with torch.device("meta"):
        network = build(declare("resnet50", num_classes=7)).eval()
    features = network.features(torch.empty(1, 3, 64, 64, device="meta"))
    assert [(feature.stride, feature.channels) for feature in features] == [(2, 24), (4, 128), (8, 256), (16, 512)]
    assert {layer.groups for layer in network.modules() if isinstance(layer, nn.Conv2d)} == {1, 8}
    assert network.head.fc.weight.shape == (7, 512)


def test_a_shortcut_has_a_kernel_only_where_it_halves():
    assert isinstance(residual(bottleneck)(64, 64, 1).shortcut, nn.Identity)
    assert projection(64, 128, 1, kernel=3)[0].kernel_size == (1, 1)
    assert projection(64, 128, 2, kernel=3)[0].kernel_size == (3, 3)
    assert projection(64, 64, 2)(torch.zeros(1, 64, 7, 7)).shape == (1, 64, 4, 4)


def test_convolutions_start_by_their_fan_out_and_normalisations_at_one():
    torch.manual_seed(0)
    network = create_model("resnet18", size=32)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = layer.weight.shape[0] * layer.weight[0, 0].numel()
            assert layer.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
        elif isinstance(layer, nn.BatchNorm2d):
            assert layer.weight.unique().tolist() == [1.0]
            assert layer.bias.unique().tolist() == [0.0]
