"""Losses: torch's values and gradients, by what was computed and, for squares, by what was wanted."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.byhand import CrossEntropy, MulticlassSVM, SoftmaxCrossEntropy, SquaredError, SquaredNorm

shapes = some.lists(some.integers(1, 4), max_size=4).map(tuple)
sizes = {"N": some.integers(1, 5), "K": some.integers(2, 6), "seed": some.integers(0, 999)}


def classes(N, K, seed):
    return np.random.default_rng(seed).integers(0, K, N)


@settings(max_examples=40)
@given(shapes)
def test_the_squared_error_is_torchs_sum(agree, shape):
    agree(SquaredError(), lambda p, z: functional.mse_loss(p, z, reduction="sum"), shape, shape)


@settings(max_examples=40)
@given(shapes, some.floats(0, 10))
def test_the_squared_norm_is_torchs_sum_of_squares(agree, shape, strength):
    agree(SquaredNorm(strength), lambda W: strength * (W**2).sum(), shape)


@settings(max_examples=40)
@given(**sizes)
def test_cross_entropy_is_torchs_of_the_logarithms(agree, N, K, seed):
    p = np.random.default_rng(seed).dirichlet(np.ones(K), N)
    agree(CrossEntropy(), lambda p, y: functional.nll_loss(p.log(), y), p, classes(N, K, seed))


@settings(max_examples=40)
@given(**sizes)
def test_softmax_and_cross_entropy_in_one_are_torchs(agree, N, K, seed):
    agree(SoftmaxCrossEntropy(), functional.cross_entropy, (N, K), classes(N, K, seed))


@settings(max_examples=40)
@given(**sizes)
def test_the_loss_of_the_support_vector_machine_is_torchs_margin_times_k(agree, N, K, seed):
    agree(MulticlassSVM(), lambda s, y: functional.multi_margin_loss(s, y) * K, (N, K), classes(N, K, seed))


def test_scores_far_apart_neither_overflow_nor_give_the_logarithm_of_zero(agree):
    s, y = np.array([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]]), np.array([0, 1])
    agree(SoftmaxCrossEntropy(), functional.cross_entropy, s, y)
    agree(MulticlassSVM(), lambda s, y: functional.multi_margin_loss(s, y) * 3, s, y)


def test_the_mean_of_a_batch_does_not_grow_with_it():
    s, y = np.random.default_rng(0).normal(size=(4, 3)), classes(4, 3, 0)
    for loss in (SoftmaxCrossEntropy(), MulticlassSVM()):
        once, twice = loss.forward(s, y), loss.forward(np.tile(s, (2, 1)), np.tile(y, 2))
        np.testing.assert_allclose(twice, once)


def test_the_gradient_by_the_scores_is_p_minus_z():
    s, loss = np.random.default_rng(0).normal(size=(1, 4)), SoftmaxCrossEntropy()
    loss.forward(s, np.array([2]))
    ds, _ = loss.backward(np.array(1.0))
    np.testing.assert_allclose(ds, torch.softmax(torch.tensor(s), 1).numpy() - np.array([[0, 0, 1, 0]]), rtol=1e-12)
