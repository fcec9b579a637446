"""Squeeze-and-excitation networks against Hu et al. 2017 and against timm's published counts."""

import csv

import pytest
import torch
from torch import nn

from striate.architectures.resnet import basic
from striate.architectures.senet import deep_stem, excited
from striate.layers.squeeze import SqueezeExcitation
from tests.architectures.measuring import on_meta, parameters

WITHOUT = {  # the network of which it is made, and the layers with weights of which its name speaks
    **{f"seresnet{depth}": (f"resnet{depth}", depth) for depth in (18, 34, 50, 101, 152)},
    **{"seresnext50_32x4d": ("resnext50_32x4d", 50), "seresnext101_32x4d": ("resnext101_32x4d", 101)},
    **{"seresnext101_32x8d": ("resnext101_32x8d", 101), "seresnext101_64x4d": ("resnext101_64x4d", 101)},
}
TIMMS = {  # rows of its table of results; its networks of He's units with excitation have other names there
    **{"seresnet18": "legacy_seresnet18.in1k", "seresnet34": "legacy_seresnet34.in1k"},
    **{"seresnet50": "seresnet50.ra2_in1k", "seresnet101": "legacy_seresnet101.in1k"},
    **{"seresnet152": "legacy_seresnet152.in1k", "seresnext50_32x4d": "seresnext50_32x4d.gluon_in1k"},
    **{"seresnext101_32x4d": "seresnext101_32x4d.gluon_in1k", "seresnext101_32x8d": "seresnext101_32x8d.ah_in1k"},
    **{"seresnext101_64x4d": "seresnext101_64x4d.gluon_in1k", "senet154": "senet154.gluon_in1k"},
}


@pytest.fixture(scope="module")
def timms(shared):
    with (shared / "oracle" / "results-imagenet.csv").open() as file:
        return {row["model"]: row["param_count"] for row in csv.DictReader(file)}


@pytest.mark.parametrize("name", TIMMS)
def test_parameters_are_timms(timms, name):
    assert f"{parameters(on_meta(name)) / 1e6:.2f}" == timms[TIMMS[name]]


@pytest.mark.parametrize("name", WITHOUT)
def test_excitation_is_all_that_is_added_to_the_network_it_is_made_of(name):
    other, depth = WITHOUT[name]
    added = set(on_meta(name).state_dict()) - set(on_meta(other).state_dict())
    assert added == {key for key in on_meta(name).state_dict() if ".se." in key}
    units = sum(isinstance(layer, SqueezeExcitation) for layer in on_meta(name).modules())
    assert units == (depth - 2) // (2 if depth < 50 else 3)


def test_se_resnet_50_has_the_excitations_of_table_1():
    widths = {
        stage: {tuple(layer.reduce.weight.shape) for layer in part.modules() if isinstance(layer, SqueezeExcitation)}
        for stage, part in on_meta("seresnet50").stages.named_children()
    }
    assert widths == {
        **{"stem": set(), "layer1": {(16, 256)}, "layer2": {(32, 512)}},
        **{"layer3": {(64, 1024)}, "layer4": {(128, 2048)}},
    }
    assert parameters(on_meta("seresnet50")) - parameters(on_meta("resnet50")) == pytest.approx(
        2.5e6, rel=0.02
    )  # section 4


def test_senet154_is_built_as_its_appendix_says():
    network = on_meta("senet154")
    convolutions = {key: layer for key, layer in network.named_modules() if isinstance(layer, nn.Conv2d)}
    shortcuts = {key: layer for key, layer in convolutions.items() if "shortcut" in key}
    assert len(convolutions) - len(shortcuts) + 1 == 154
    assert [layer.kernel_size[0] for layer in shortcuts.values()] == [1, 3, 3, 3]
    change = network.get_submodule("layer3.1.change")
    assert (change.conv1.out_channels, change.conv2.out_channels, change.conv2.groups) == (512, 1024, 64)
    assert network.head.dropout.p == 0.2


def test_the_deep_stem_halves_once_in_three_3x3():
    stem = deep_stem(3, 128)
    kinds = [layer.kernel_size for layer in stem if isinstance(layer, nn.Conv2d)]
    assert kinds == [(3, 3)] * 3
    assert stem(torch.zeros(2, 3, 224, 224)).shape == (2, 128, 112, 112)


def test_a_change_is_multiplied_map_by_map_by_what_was_excited():
    torch.manual_seed(0)
    change = excited(basic)(128, 128, 1).eval()
    maps = torch.randn(2, 128, 4, 4)
    nn.init.zeros_(change.se.expand.weight)
    nn.init.zeros_(change.se.expand.bias)
    nn.init.constant_(change.se.expand.bias[:64].data, 50.0)
    plain = change[:-1](maps)
    torch.testing.assert_close(change(maps)[:, :64], plain[:, :64])
    torch.testing.assert_close(change(maps)[:, 64:], plain[:, 64:] / 2)
