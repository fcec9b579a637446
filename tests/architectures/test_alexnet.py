"""AlexNet against Krizhevsky et al. 2012 and the lectures' table of it."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model
from tests.architectures.chains import layers_by_name, maps_by_name

MAPS = {  # the lectures' table
    "conv1": (96, 55, 55),
    "pool1": (96, 27, 27),
    "norm1": (96, 27, 27),
    "conv2": (256, 27, 27),
    "pool2": (256, 13, 13),
    "norm2": (256, 13, 13),
    "conv3": (384, 13, 13),
    "conv4": (384, 13, 13),
    "conv5": (256, 13, 13),
    "pool3": (256, 6, 6),
    "fc6": (4096,),
    "fc7": (4096,),
    "fc8": (1000,),
}


def on_meta(name):
    with torch.device("meta"):
        return create_model(name)


@pytest.fixture(scope="module", params=["alexnet", "alexnet_two_gpus"])
def network(request):
    return on_meta(request.param)


def test_the_maps_have_the_sizes_of_the_lectures(network):
    maps = maps_by_name(network, torch.empty(1, 3, 227, 227, device="meta"))
    assert {name: maps[name] for name in MAPS} == MAPS
    assert [name for name in maps if name in MAPS] == list(MAPS)


def test_conv1_has_34848_weights_and_96_biases(network):
    conv1 = layers_by_name(network)["conv1"]
    assert (conv1.weight.numel(), conv1.bias.numel()) == (34_848, 96)


def test_two_gpus_hold_60965224_parameters_and_multiply_724406816_times():
    network = on_meta("alexnet_two_gpus")
    assert sum(parameter.numel() for parameter in network.parameters()) == 60_965_224
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, 227, 227, device="meta"))
    assert counter.get_total_flops() == 2 * 724_406_816  # torch counts a multiply and its addition as two


def test_one_column_doubles_the_weights_of_conv2_conv4_and_conv5_and_no_others():
    one, two = (dict(on_meta(name).named_parameters()) for name in ("alexnet", "alexnet_two_gpus"))
    ratio = {key: one[key].numel() / two[key].numel() for key in one if one[key].shape != two[key].shape}
    assert ratio == {"stage2.conv2.weight": 2, "stage3.conv4.weight": 2, "stage3.conv5.weight": 2}
    assert sum(parameter.numel() for parameter in one.values()) == 62_378_344


def test_every_trained_layer_but_the_last_is_followed_by_relu(network):
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear | nn.ReLU)]
    assert [isinstance(layer, nn.ReLU) for layer in layers] == [False, True] * 7 + [False]


def test_half_of_the_hidden_neurons_of_fc6_and_fc7_drop_out(network):
    named = layers_by_name(network)
    assert {name: layer.p for name, layer in named.items() if "dropout" in name} == {"dropout6": 0.5, "dropout7": 0.5}
    names = list(named)
    assert names.index("dropout6") < names.index("fc7") < names.index("dropout7") < names.index("fc8")


def test_weights_start_from_a_narrow_bell_and_some_biases_at_one():
    torch.manual_seed(0)
    network = create_model("alexnet_two_gpus", num_classes=10, size=67)
    for name, layer in layers_by_name(network).items():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.weight.std().item() == pytest.approx(0.01, rel=0.02), name
            assert layer.bias.unique().tolist() == [float(name in ("conv2", "conv4", "conv5", "fc6", "fc7"))], name


def test_the_papers_error_of_one_network_is_given_for_the_papers_network_alone():
    assert CATALOGUE["alexnet_two_gpus"].accuracy.top1 == 59.3
    assert CATALOGUE["alexnet"].accuracy is None
