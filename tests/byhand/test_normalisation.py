"""Batch norm, response norm and dropout: torch's values, gradients and running averages."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.byhand import BatchNormalisation, Dropout, LocalResponseNormalisation

few = some.integers(1, 4)
places = some.lists(few, max_size=3)
shapes = some.tuples(some.integers(3, 6), few, places).map(lambda shape: (*shape[:2], *shape[2]))
constants = some.tuples(some.sampled_from([1, 3, 5, 7]), some.floats(0.5, 3), some.floats(0, 2), some.floats(0.1, 2))


@settings(max_examples=60)
@given(shape=shapes, momentum=some.floats(0, 1), epsilon=some.sampled_from([1e-5, 1e-3, 0.1]))
def test_batch_norm_is_torchs_in_training_and_its_averages_run_along(agree, same, shape, momentum, epsilon):
    (B, C, *places) = shape
    ours = BatchNormalisation(epsilon, momentum)
    mean, variance = torch.zeros(C, dtype=torch.float64), torch.ones(C, dtype=torch.float64)

    def theirs(x, gamma, beta):
        return functional.batch_norm(x, mean, variance, gamma, beta, ours.training, momentum, epsilon)

    for more in range(3):  # three batches, each of another size
        agree(ours, theirs, (B + more, C, *places), (C,), (C,))
        same(ours.mean, mean)
        same(ours.variance, variance)
    ours.training = False
    agree(ours, theirs, (B, C, *places), (C,), (C,))


@settings(max_examples=40)
@given(some.integers(2, 5), few, places)
def test_in_a_test_batch_norm_takes_what_it_is_given(agree, B, C, places):
    mean, variance = np.linspace(-1, 1, C), np.linspace(0.5, 2, C)
    ours = BatchNormalisation(mean=mean, variance=variance)
    ours.training = False
    given_them = torch.tensor(mean), torch.tensor(variance)
    agree(ours, lambda x, gamma, beta: functional.batch_norm(x, *given_them, gamma, beta), (B, C, *places), (C,), (C,))
    assert ours.mean is mean


@settings(max_examples=60)
@given(constants, few, some.integers(1, 8))
def test_response_norm_is_torchs_whose_alpha_is_divided_by_n(agree, constants, B, C):
    n, k, alpha, beta = constants
    ours = LocalResponseNormalisation(n, k, alpha, beta)
    agree(ours, lambda H: functional.local_response_norm(H, n, alpha * n, beta, k), (B, C, 3, 2))


def test_alexnets_constants_are_those_of_its_paper(agree):
    agree(LocalResponseNormalisation(), lambda H: functional.local_response_norm(H, 5, 5e-4, 0.75, 2.0), (2, 9, 4))


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.5, 0.9])
def test_dropout_silences_its_part_and_keeps_the_mean(probability):
    x = np.ones((400, 500))
    y = Dropout(np.random.default_rng(0), probability).forward(x)
    assert set(np.unique(y)) <= {0, 1 / (1 - probability)}
    spread = np.sqrt(probability / (1 - probability) / x.size)  # of the mean of that many
    assert abs(y.mean() - 1) <= 5 * spread
    assert abs((y == 0).mean() - probability) <= 5 * np.sqrt(probability * (1 - probability) / x.size)


def test_dropouts_gradient_passes_where_the_value_did():
    random, dropout = np.random.default_rng(1), Dropout(np.random.default_rng(0), 0.4)
    for _ in range(3):  # drawn anew each time
        x, dy = random.normal(size=(2, 20, 30))
        mask = dropout.forward(x) / x
        np.testing.assert_allclose(dropout.backward(dy)[0], torch.tensor(mask) * torch.tensor(dy), rtol=1e-15)


def test_dropout_draws_anew_each_time_and_from_one_seed_the_same():
    x, once, again = np.ones((8, 8)), Dropout(np.random.default_rng(0)), Dropout(np.random.default_rng(0))
    first, second = once.forward(x), once.forward(x)
    assert (first != second).any()
    assert (again.forward(x) == first).all()
    assert (again.forward(x) == second).all()


def test_in_a_test_dropout_changes_nothing(agree):
    dropout = Dropout(np.random.default_rng(0), 0.7)
    dropout.training = False
    agree(dropout, lambda x: x.clone(), (3, 4, 5))
