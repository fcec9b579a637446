"""Networks of torchvision and timm, folded: the same outputs, and batch norm left only where it has to be."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from striate.layers.folding import fold

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
LEFT = {  # batch norms that cannot be folded, by why
    "densenet121": (62, "58 before the layers of the blocks, 3 of transitions, 1 behind all blocks"),
    "googlenet": (2, "in the heads that help in training alone"),
    "tf_efficientnet_b0": (5, "behind a convolution that pads as TensorFlow does, by a forward of its own"),
}


def trained(network):
    """The network with statistics, scales and shifts as of a training."""
    chance = torch.Generator().manual_seed(0)
    for norm in (module for module in network.modules() if isinstance(module, _BatchNorm)):
        nn.init.normal_(norm.running_mean, 0, 0.1, generator=chance)
        nn.init.uniform_(norm.running_var, 0.5, 2, generator=chance)
        nn.init.uniform_(norm.weight, 0.5, 1.5, generator=chance)
        nn.init.normal_(norm.bias, 0, 0.1, generator=chance)
    return network.eval()


def assert_folds(network, left):
    folded = fold(trained(network), IMAGES)
    with torch.no_grad():
        expected, given = network(IMAGES), folded(IMAGES)
    assert (given - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert sum(isinstance(module, _BatchNorm) for module in folded.modules()) == left


@pytest.mark.parametrize(
    "name",
    [
        *("resnet18", "mobilenet_v2", "mobilenet_v3_small", "vgg11_bn", "densenet121", "googlenet"),
        *("shufflenet_v2_x0_5", "regnet_y_400mf"),
    ],
)
def test_a_network_of_torchvision_folds_as_far_as_it_can(torchvision, name):
    torch.manual_seed(0)
    how = {"init_weights": False} if name in ("googlenet", "vgg11_bn") else {}  # slow, and the one warns without it
    assert_folds(torchvision.get_model(name, **how), LEFT.get(name, (0,))[0])


@pytest.mark.parametrize("name", ["efficientnet_b0", "tf_efficientnet_b0", "resnet26d"])
def test_a_network_of_timm_folds_as_far_as_it_can(timm, name):
    torch.manual_seed(0)
    assert_folds(timm.create_model(name), LEFT.get(name, (0,))[0])
