"""What families share: the sizes that are left, against torch; local response normalisation, against NumPy; starts."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from striate.architectures.architecture import Declaration
from striate.architectures.network import left
from striate.architectures.normalisation import local_response_normalisation
from striate.architectures.starting import by_fan_out, start
from striate.errors import SizeError

convolutions = st.builds(
    lambda *options: nn.Conv2d(1, 1, *options, device="meta"),
    st.integers(1, 7),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(1, 2),
)
poolings = st.builds(
    lambda kind, window, stride, ceil: kind(window, min(stride, window), ceil_mode=ceil),
    st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]),
    st.integers(1, 4),
    st.integers(1, 4),
    st.booleans(),
)


@given(st.lists(convolutions | poolings, min_size=1, max_size=4), st.integers(1, 40), st.integers(1, 40))
def test_what_remains_is_what_torch_leaves(layers, height, width):
    chain, asked = nn.Sequential(*layers), Declaration("chain", 1, 1, (height, width))
    try:
        expected = chain(torch.empty(1, 1, height, width, device="meta")).shape[1:]
    except RuntimeError:
        with pytest.raises(SizeError, match=r"chain cannot take a side of \d+ .*; use a size of \d+ or more"):
            left(asked, chain)
    else:
        assert left(asked, chain) == expected


def test_too_small_a_side_is_refused_with_its_layer_and_the_smallest_that_is_not():
    layers = nn.Sequential(OrderedDict(first=nn.MaxPool2d(2), relu=nn.ReLU(), second=nn.MaxPool2d(3)))
    assert left(Declaration("net", 1, 1, (6, 6)), layers) == (1, 1, 1)
    with pytest.raises(SizeError, match=r"net cannot take a side of 5 .* at second 2 are left, .* of 3; .* 6 or more"):
        left(Declaration("net", 1, 1, (6, 5)), layers)


def test_local_response_normalisation_is_the_formula_of_the_paper():
    maps = torch.randn(2, 9, 3, 4) * 50
    values, expected = maps.double().numpy(), np.empty((2, 9, 3, 4))
    for i in range(9):
        energy = (values[:, max(0, i - 2) : min(8, i + 2) + 1] ** 2).sum(axis=1)
        expected[:, i] = values[:, i] / (2 + 1e-4 * energy) ** 0.75
    np.testing.assert_allclose(local_response_normalisation()(maps), expected, rtol=1e-5)


def test_a_start_draws_weights_and_silences_biases_of_trained_layers_alone():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))
    kept = network[3].weight.clone()
    start(network, nn.init.ones_, linear=False)
    assert network[0].weight.eq(1).all() and not network[0].bias.any()
    assert torch.equal(network[3].weight, kept)
    start(network, nn.init.ones_)
    assert network[3].weight.eq(1).all() and not network[3].bias.any()
    assert network[1].weight.eq(1).all()


@pytest.mark.parametrize(("draws", "fan"), [((), 64), ((by_fan_out,), 256)])
def test_a_start_is_he_s_by_the_fan_in_unless_another_is_asked_for(draws, fan):
    """He et al. 2015, equations 10 and 14: a variance of 2 / fan."""
    torch.manual_seed(0)
    layer = nn.Linear(64, 256)
    start(layer, *draws)
    assert layer.weight.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.02)
