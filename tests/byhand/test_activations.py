"""Activations and the linear layer: torch's values and gradients, where they are curved, flat, and far out."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.byhand import ELU, LeakyReLU, Linear, Maxout, ReLU, Sigmoid, Softmax, Tanh

shapes = some.lists(some.integers(1, 4), min_size=1, max_size=4).map(tuple)
few = some.integers(1, 4)
slopes = some.floats(-1, 0.9)
FAR = np.array([[-1e4, -800.0, -40.0, -1e-9, 1e-9, 40.0, 800.0, 1e4]])


@pytest.mark.parametrize(
    ("kind", "reference"), [(Sigmoid, torch.sigmoid), (Tanh, torch.tanh), (ReLU, torch.relu), (ELU, functional.elu)]
)
@settings(max_examples=30)
@given(shapes)
def test_an_activation_is_torchs(agree, kind, reference, shape):
    agree(kind(), reference, shape)
    agree(kind(), reference, FAR)


@settings(max_examples=40)
@given(shapes, slopes)
def test_a_leaky_relu_is_torchs_at_every_slope(agree, shape, slope):
    agree(LeakyReLU(slope), lambda s: functional.leaky_relu(s, slope), shape)


@settings(max_examples=40)
@given(shapes, some.floats(0.1, 3))
def test_an_elu_is_torchs_at_every_alpha(agree, shape, alpha):
    agree(ELU(alpha), lambda s: functional.elu(s, alpha), shape)


@pytest.mark.parametrize(("kind", "slope"), [(ReLU(), 0), (LeakyReLU(), 0.1), (ELU(2.0), 1)])
def test_where_two_pieces_meet_the_gradient_is_that_of_the_piece_that_is_named(kind, slope):
    kind.forward(np.zeros(1))
    assert kind.backward(np.ones(1))[0] == slope


@settings(max_examples=40)
@given(few, few, few, some.booleans())
def test_a_linear_layer_is_torchs(agree, N, D, K, biased):
    inputs = (N, D), (K, D), (K,)
    agree(Linear(), functional.linear, *inputs[: 2 + biased])


@settings(max_examples=40)
@given(few, few, few, few)
def test_maxout_is_the_largest_of_torchs_linear_pieces(agree, N, D, K, pieces):
    def reference(x, W, b):
        return functional.linear(x, W.flatten(0, 1), b.flatten()).reshape(N, K, pieces).max(dim=2).values

    agree(Maxout(), reference, (N, D), (K, pieces, D), (K, pieces))


@settings(max_examples=40)
@given(few, few, some.floats(1.1, 20))
def test_softmax_to_any_base_is_torchs_of_scores_times_its_logarithm(agree, N, K, base):
    agree(Softmax(base), lambda s: torch.softmax(s * log(base), dim=1), (N, K))


def test_softmax_does_not_overflow(agree):
    agree(Softmax(), lambda s: torch.softmax(s, dim=1), FAR)
    agree(Softmax(), lambda s: torch.softmax(s, dim=1), np.array([[1e4, 1e4 - 1, 1e4 - 2]]))


@settings(max_examples=40)
@given(some.integers(2, 5))
def test_the_gradient_of_softmax_is_the_lectures_jacobian(K):
    softmax = Softmax()
    p = softmax.forward(np.random.default_rng(K).normal(size=(1, K)))[0]
    D = [[p[a] * ((a == b) - p[b]) for b in range(K)] for a in range(K)]
    for b, dp in enumerate(np.eye(K)):
        np.testing.assert_allclose(softmax.backward(dp[None])[0][0], [D[a][b] for a in range(K)], atol=1e-15)
