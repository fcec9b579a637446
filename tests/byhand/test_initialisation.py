"""How trained arrays begin: torch's variances, and what thirty layers do to a signal."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.byhand import Linear, ReLU, Tanh, he, xavier

SHAPES = [(300, 200), (100, 400), (64, 32, 5, 3), (24, 96, 3), (16, 8, 3, 3, 5)]
BY_TORCH = {xavier: nn.init.xavier_normal_, he: nn.init.kaiming_normal_}  # kaiming_normal_: fan in, for ReLU


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("start", [xavier, he])
def test_weights_begin_with_torchs_variance_around_zero(start, shape):
    ours = start(shape, np.random.default_rng(0))
    theirs = BY_TORCH[start](torch.empty(shape), generator=torch.Generator().manual_seed(0))
    spread = np.sqrt(2 / ours.size)  # of the variance of that many normal numbers, relative
    assert ours.shape == shape
    assert ours.var() == pytest.approx(theirs.var().item(), rel=6 * spread)
    assert abs(ours.mean()) < 5 * np.sqrt(ours.var() / ours.size)


def test_the_variances_are_those_of_the_papers():
    random = np.random.default_rng(0)
    for K, C, *kernel in SHAPES:
        F = int(np.prod(kernel))
        assert xavier((K, C, *kernel), random).var() == pytest.approx(2 / (C * F + K * F), rel=0.06)
        assert he((K, C, *kernel), random).var() == pytest.approx(2 / (C * F), rel=0.06)


def strength_after(layers, start, activation, width=256):
    """The mean square of a signal behind so many layers, for 1 in front of them."""
    random = np.random.default_rng(0)
    x = random.normal(size=(64, width))
    for _ in range(layers):
        x = activation.forward(Linear().forward(x, start((width, width), random)))
    return (x**2).mean()


def test_behind_thirty_layers_of_relu_hes_signal_is_as_strong_and_xaviers_is_lost():
    assert 0.2 < strength_after(30, he, ReLU()) < 5
    assert strength_after(30, xavier, ReLU()) < 1e-7  # ReLU halves it each time: 2⁻³⁰ is 1e-9


def test_behind_thirty_layers_of_tanh_xaviers_signal_is_still_there():
    assert strength_after(30, xavier, Tanh()) > 0.01


def test_a_start_is_drawn_from_the_generator_that_is_given():
    once, again, other = (he((3, 4), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (once == again).all()
    assert (once != other).any()
