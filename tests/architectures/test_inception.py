"""Inception-v3, v4 and Inception-ResNet against Szegedy et al. 2015 and 2016, torchvision and timm."""

import csv
import json
from functools import cache

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model

MAPS = {  # channels and side of the grids that the papers' figures name
    "inception_v3": {"stage3": (288, 35), "stage4": (768, 17), "stage5": (2048, 8)},
    "inception_v4": {"stage3": (384, 35), "stage4": (1024, 17), "stage5": (1536, 8)},
    "inception_resnet_v2": {"stage3": (320, 35), "stage4": (1088, 17), "stage5": (1536, 8)},  # the release's
}
STEMS = {"stage1": 147, "stage2": 71}  # sides, of all five
PARAMETERS = {
    "inception_v3_aux": 27_161_264,  # torchvision 0.28, Inception_V3_Weights, num_params
    "inception_v4": 42_679_816,  # of timm's definition, in whose table they are 42.68 millions
    "inception_resnet_v2": 55_843_464,  # of timm's definition, in whose table they are 55.84 millions
}


@cache
def on_meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options).eval()


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def multiplies(network):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, 299, 299, device="meta"))
    return counter.get_total_flops() / 2e9


@pytest.mark.parametrize("name", MAPS)
def test_the_maps_have_the_sizes_of_the_papers_figures(name):
    maps = on_meta(name).maps(torch.empty(1, 3, 299, 299, device="meta"))
    assert {stage: maps[stage].shape[2] for stage in STEMS} == STEMS
    assert {stage: maps[stage].shape[1:3] for stage in MAPS[name]} == MAPS[name]


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_the_published_ones(name):
    assert parameters(on_meta(name)) == PARAMETERS[name]


@pytest.mark.parametrize("name", ["inception_v3", "inception_v4", "inception_resnet_v2"])
def test_millions_of_parameters_are_those_of_timms_table(shared, name):
    table = csv.DictReader((shared / "oracle" / "results-imagenet.csv").read_text().splitlines())
    expected = {row["param_count"] for row in table if row["model"].split(".")[0] == name}
    assert {f"{parameters(on_meta(name)) / 1e6:.2f}"} == expected


@pytest.mark.parametrize(("name", "dialect"), [("inception_v3", "torchvision"), ("googlenet_bn", "torchvision")])
def test_names_and_shapes_are_torchvisions(shared, name, dialect):
    oracle = json.loads((shared / "oracle" / "torchvision_0.28.0_state_dict_shapes.json").read_text())
    own = on_meta(name).state_dict()
    named = zip(CATALOGUE[name].names[dialect](list(own)), own.values(), strict=True)
    expected = oracle[name.removesuffix("_bn")]["state_dict"]
    assert {key: list(tensor.shape) for key, tensor in named} == {
        key: shape for key, shape in expected if not key.startswith(("aux", "AuxLogits"))
    }


def test_multiplies_of_v3_are_torchvisions_and_the_papers_5_billion(shared):
    meta = json.loads((shared / "oracle" / "torchvision_0.28.0_meta.json").read_text())["inception_v3"]
    counted = multiplies(on_meta("inception_v3"))
    assert counted == pytest.approx(meta["IMAGENET1K_V1"]["_ops"], abs=0.0006)
    assert counted == pytest.approx(5, rel=0.15)  # the paper's abstract


def test_multiplies_of_v4_are_near_openvinos():
    """Open Model Zoo, googlenet-v4-tf: 24.584e9 operations, two of them a multiplication and its addition."""
    assert multiplies(on_meta("inception_v4")) == pytest.approx(24.584 / 2, rel=0.005)


@pytest.mark.parametrize("name", ["inception_v3", "inception_v3_aux"])
def test_75_pixels_are_the_least_that_inception_v3_takes_as_torchvision_says(name):
    network = on_meta(name, size=75)
    assert network(torch.empty(1, 3, 75, 75, device="meta")).shape == (1, 1000)
    with pytest.raises(RuntimeError, match="greater than actual input size"):
        network(torch.empty(1, 3, 74, 74, device="meta"))


def test_the_auxiliary_classifier_sees_5x5_places_of_the_last_17x17_maps():
    """Figure 8: 17x17x768, pooled to 5x5x768, to 5x5x128; the release then has a window of 5x5."""
    network = on_meta("inception_v3_aux")
    assert list(network.auxiliary) == ["stage4"]
    sides, values = {}, torch.empty(2, 768, 17, 17, device="meta")
    for name, layer in network.auxiliary.stage4.named_children():
        values = sides[name] = layer(values)
    shapes = {name: tuple(sides[name].shape[1:]) for name in ("pool", "conv0", "conv1", "fc")}
    assert shapes == {"pool": (768, 5, 5), "conv0": (128, 5, 5), "conv1": (768, 1, 1), "fc": (1000,)}


@pytest.mark.parametrize("side", [75, 96, 107, 139])
def test_where_less_than_its_windows_is_left_the_auxiliary_classifier_has_a_border(side):
    with torch.device("meta"):
        network = create_model("inception_v3_aux", size=(side, 150))
    scores, auxiliary = network(torch.empty(2, 3, side, 150, device="meta"))
    assert [given.shape for given in (scores, *auxiliary)] == [(2, 1000), (2, 1000)]


@pytest.fixture(scope="module")
def residual():
    return create_model("inception_resnet_v2", size=75).stage3.block35[0].eval()


def test_a_residual_whose_change_is_nothing_gives_its_input_back(residual):
    nn.init.zeros_(residual.expansion.weight)
    maps = torch.rand(1, 320, 4, 4)
    torch.testing.assert_close(residual(maps), maps)


def test_residuals_are_scaled_before_they_are_added(residual):
    nn.init.zeros_(residual.expansion.weight)
    nn.init.ones_(residual.expansion.bias)
    torch.testing.assert_close(residual(torch.ones(1, 320, 2, 2)), torch.full((1, 320, 2, 2), 1.17))
