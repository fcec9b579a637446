"""Pre-activation and wide ResNets against He et al. 2016, Zagoruyko & Komodakis 2016 and timm's published counts."""

import csv

import pytest
import torch
from torch import nn

from striate.architectures.catalogue import create_model
from tests.architectures.measuring import on_meta, parameters

DEPTHS = {f"resnetv2_{depth}": depth for depth in (18, 34, 50, 101, 152, 200, 110, 164, 1001)}
MILLIONS = {  # Zagoruyko & Komodakis 2016, Tables 4, 5 and 8
    **{"wrn_40_1": 0.6, "wrn_40_2": 2.2, "wrn_40_4": 8.9, "wrn_40_8": 35.7, "wrn_28_10": 36.5, "wrn_28_12": 52.5},
    **{"wrn_22_8": 17.2, "wrn_22_10": 26.8, "wrn_16_8": 11.0, "wrn_16_10": 17.1, "wrn_28_10_dropout": 36.5},
    **{"resnetv2_110": 1.7, "resnetv2_164": 1.7, "resnetv2_200": 64.7},
}
TIMMS = {  # rows of its table of results
    **{f"resnetv2_{depth}": f"resnetv2_{depth}.ra4_e3600_r224_in1k" for depth in (18, 34)},
    **{f"resnetv2_{depth}": f"resnetv2_{depth}.a1h_in1k" for depth in (50, 101)},
}


def convolutions(name):
    return {key: layer for key, layer in on_meta(name).named_modules() if isinstance(layer, nn.Conv2d)}


@pytest.mark.parametrize("name", DEPTHS)
def test_a_network_is_as_deep_as_its_name_says(name):
    assert sum("shortcut" not in key for key in convolutions(name)) + 1 == DEPTHS[name]


@pytest.mark.parametrize("name", [name for name in MILLIONS if name.startswith("wrn")])
def test_wrn_d_k_has_d_convolutions_with_those_of_shortcuts_and_k_times_the_maps(name):
    depth, k = (int(number) for number in name.split("_")[1:3])
    found = list(convolutions(name).values())
    assert len(found) == (depth if k > 1 else depth - 1)  # of 16 maps the first stage needs no shortcut
    assert sorted({layer.out_channels for layer in found}) == sorted({16, 16 * k, 32 * k, 64 * k})


@pytest.mark.parametrize("name", MILLIONS)
def test_parameters_are_those_of_the_papers_tables(name):
    assert parameters(on_meta(name)) / 1e6 == pytest.approx(MILLIONS[name], abs=0.051)


def test_resnet_1001_has_10_point_2_million_weights_in_its_convolutions():
    """He et al. 2016, Table 4, gives 10.2 million in all; normalisation adds 0.1."""
    assert sum(layer.weight.numel() for layer in convolutions("resnetv2_1001").values()) / 1e6 == pytest.approx(
        10.2, abs=0.05
    )


@pytest.mark.parametrize("name", TIMMS)
def test_parameters_are_timms(shared, name):
    with (shared / "oracle" / "results-imagenet.csv").open() as file:
        timms = {row["model"]: row["param_count"] for row in csv.DictReader(file)}
    assert f"{parameters(on_meta(name)) / 1e6:.2f}" == timms[TIMMS[name]]


@pytest.mark.parametrize(("name", "sides"), [("resnetv2_50", [112, 56, 28, 14, 7]), ("wrn_16_4", [32, 32, 16, 8])])
def test_maps_are_halved_at_the_beginning_of_a_stage(name, sides):
    side = 224 if len(sides) == 5 else 32
    features = on_meta(name).features(torch.empty(1, 3, side, side, device="meta"))
    assert [feature.maps.shape[2] for feature in features] == sides


def test_a_unit_whose_change_is_nothing_gives_its_input_back_with_its_negative_values():
    unit = create_model("resnetv2_18", size=32).get_submodule("layer1.0").eval()
    nn.init.zeros_(unit.change.conv2.weight)
    maps = torch.randn(1, 64, 4, 4)
    assert torch.equal(unit(maps), maps)


def test_a_shortcut_of_another_shape_starts_from_the_activation():
    torch.manual_seed(0)
    unit = create_model("wrn_16_4").get_submodule("layer2.0").eval()
    nn.init.zeros_(unit.change.conv2.weight)
    maps = torch.randn(1, 64, 4, 4)
    activation = (maps / (1 + unit.bn.eps) ** 0.5).relu()
    torch.testing.assert_close(unit(maps), unit.shortcut(activation))


def test_the_first_unit_of_resnet_110_splits_after_its_activation_and_the_others_before():
    """He et al. 2016, appendix."""
    network = create_model("resnetv2_110").eval()
    maps = torch.randn(1, 16, 4, 4)
    for place, expected in (("layer1.0", (maps / (1 + 1e-5) ** 0.5).relu()), ("layer1.1", maps)):
        unit = network.get_submodule(place)
        nn.init.zeros_(unit.change.conv2.weight)
        torch.testing.assert_close(unit(maps), expected)


def test_the_last_maps_are_normalised_and_none_is_negative():
    network = create_model("resnetv2_18", size=32).eval()
    with torch.no_grad():
        maps = network.features(torch.randn(2, 3, 32, 32))
    assert (maps[-1].maps >= 0).all()
    assert (maps[-2].maps < 0).any()


def test_dropout_stands_between_the_convolutions_of_a_unit():
    change = on_meta("wrn_28_10_dropout").get_submodule("layer1.0.change")
    assert list(dict(change.named_children())) == ["conv1", "bn1", "relu1", "dropout", "conv2"]
    assert change.dropout.p == 0.3
    assert not any(isinstance(layer, nn.Dropout) for layer in on_meta("wrn_28_10").modules())
