"""Each layer gives the numbers and the gradients that were derived by hand."""

import numpy as np
import pytest
import torch

from striate import byhand
from striate.layers.activations import Maxout, Softmax
from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.pooling import L2Pool2d, MinPool2d
from striate.layers.separable import DepthwiseSeparableConv2d, SpatiallySeparableConv2d
from striate.layers.squeeze import SqueezeExcitation
from striate.layers.unpooling import BedOfNails

MAPS = (2, 4, 7, 9)


def turned(*axes):
    """Weights with their axes in the order that by hand has them."""
    return lambda weight: weight.permute(axes)


def plain(weight):
    return weight


def without_ones(weight):
    """(C, 1, F, F) as (C, F, F)."""
    return weight.squeeze(1)


CASES = {
    "softmax in base 2": (Softmax(base=2), byhand.Softmax(2), (5, 3), []),
    "L2 pooling": (L2Pool2d(3, stride=2, padding=1), byhand.L2Pooling(3, 2, 1), MAPS, []),
    "min pooling": (MinPool2d(3, stride=2, padding=1), byhand.MinPooling(3, 2, 1), MAPS, []),
    "bed of nails": (BedOfNails(3), byhand.BedOfNails(3), MAPS, []),
    "locally connected": (
        LocallyConnected2d(4, 3, size=(7, 9), kernel_size=3, stride=2, padding=1),
        byhand.LocallyConnected(2, 1),
        MAPS,
        [("weight", turned(2, 3, 0, 1, 4, 5)), ("bias", plain)],
    ),
    "separable": (
        SpatiallySeparableConv2d(4, 3, 3, stride=2, padding=1, rank=2),
        byhand.SeparableConvolution(2, 1),
        MAPS,
        [("vertical.weight", plain), ("horizontal.weight", plain), ("horizontal.bias", plain)],
    ),
    "depthwise separable": (
        DepthwiseSeparableConv2d(4, 3, 3, stride=2, padding=1),
        byhand.DepthwiseSeparableConvolution(2, 1),
        MAPS,
        [("depthwise.weight", without_ones), ("pointwise.weight", plain), ("pointwise.bias", plain)],
    ),
    "squeeze and excitation": (
        SqueezeExcitation(4, reduction=2),
        byhand.SqueezeAndExcitation(),
        MAPS,
        [(f"{layer}.{name}", plain) for layer in ("reduce", "expand") for name in ("weight", "bias")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_layer_is_what_was_derived_by_hand(case):
    layer, operation, shape, names = CASES[case]
    random = np.random.default_rng(0)
    layer = layer.double()
    x = torch.tensor(random.normal(size=shape), requires_grad=True)
    parameters = dict(layer.named_parameters())
    y = layer(x)
    dy = random.normal(size=y.shape)
    y.backward(torch.tensor(dy))
    given = [turn(parameters[name].detach()).numpy() for name, turn in names]
    assert np.allclose(y.detach(), operation.forward(x.detach().numpy(), *given), rtol=0, atol=1e-12)
    expected = [x.grad, *(turn(parameters[name].grad) for name, turn in names)]
    assert len(names) == len(parameters)
    for gradient, derived in zip(expected, operation.backward(dy), strict=False):
        assert np.allclose(gradient, derived, rtol=0, atol=1e-12)


def test_a_linear_layer_and_maxout_are_what_was_derived_by_hand():
    random = np.random.default_rng(0)
    x, W, b = random.normal(size=(5, 6)), random.normal(size=(3, 2, 6)), random.normal(size=(3, 2))
    linear = torch.nn.Linear(6, 6).double()
    linear.load_state_dict(
        {"weight": torch.tensor(W.transpose(1, 0, 2).reshape(6, 6)), "bias": torch.tensor(b.T.reshape(6))}
    )
    assert np.allclose(
        Maxout(2)(linear(torch.tensor(x))).detach(), byhand.Maxout().forward(x, W, b), rtol=0, atol=1e-12
    )
