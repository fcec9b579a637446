"""LeNet-5 against LeCun et al. 1998, figure 2, and against torch's own functions."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from striate.architectures.catalogue import create_model
from tests.architectures.chains import layers_by_name, maps_by_name

PARAMETERS = {"c1": 156, "c3": 2416, "c5": 48_120, "f6": 10_164, "output": 850}
MAPS = {"c1": (6, 28, 28), "s2": (6, 14, 14), "c3": (16, 10, 10), "s4": (16, 5, 5), "c5": (120,), "f6": (84,)}


@pytest.fixture(scope="module")
def lenet():
    torch.manual_seed(0)
    return create_model("lenet5")


@pytest.mark.parametrize("layer", PARAMETERS)
def test_a_layer_has_the_parameters_of_the_paper(lenet, layer):
    assert sum(parameter.numel() for parameter in layers_by_name(lenet)[layer].parameters()) == PARAMETERS[layer]


def test_there_are_61706_parameters_in_all(lenet):
    assert sum(parameter.numel() for parameter in lenet.parameters()) == sum(PARAMETERS.values()) == 61_706


def test_the_maps_have_the_sizes_of_the_paper(lenet):
    maps = maps_by_name(lenet, torch.rand(1, 1, 32, 32))
    assert {name: maps[name] for name in MAPS} == MAPS


def test_the_scores_are_those_of_the_formula(lenet):
    images = torch.rand(3, 1, 32, 32)
    values = images
    for layer in (lenet.stage1.c1, lenet.stage2.c3):
        values = functional.conv2d(values, layer.weight, layer.bias).tanh()
        values = values.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean((3, 5))  # average of 2x2 fields
    values = values.flatten(1)
    for layer in (lenet.head.c5, lenet.head.f6):
        values = (values @ layer.weight.T + layer.bias).tanh()
    torch.testing.assert_close(lenet(images), values @ lenet.head.output.weight.T + lenet.head.output.bias)


def test_c5_is_the_convolution_over_all_that_is_left(lenet):
    maps = torch.rand(2, 16, 5, 5)
    c5 = lenet.head.c5
    convolved = functional.conv2d(maps, c5.weight.view(120, 16, 5, 5), c5.bias)
    assert convolved.shape == (2, 120, 1, 1)
    torch.testing.assert_close(c5(maps.flatten(1)), convolved.flatten(1))


@pytest.mark.parametrize(("side", "inputs"), [(28, 16 * 4 * 4), (16, 16), (40, 16 * 7 * 7)])
def test_c5_takes_in_whatever_is_left_of_other_sizes(side, inputs):
    network = create_model("lenet5", size=side)
    assert network.head.c5.in_features == inputs
    assert network(torch.rand(2, 1, side, side)).shape == (2, 10)


def test_each_trained_layer_but_the_last_is_followed_by_tanh(lenet):
    layers = [layer for layer in lenet.modules() if isinstance(layer, nn.Conv2d | nn.Linear | nn.Tanh)]
    assert [isinstance(layer, nn.Tanh) for layer in layers] == [False, True] * 4 + [False]
