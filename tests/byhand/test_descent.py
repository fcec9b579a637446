"""Gradient descent and the plateau: step by step as torch's SGD and ReduceLROnPlateau."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from striate.byhand import GradientDescent, Plateau
from striate.errors import SettingsError


@settings(max_examples=20)
@given(some.floats(0, 1), some.floats(0, 0.99), some.floats(0, 0.5), some.integers(0, 999))
def test_twenty_steps_lead_where_torchs_lead(same, rate, momentum, decay, seed):
    random = np.random.default_rng(seed)
    ours = {"W": random.normal(size=(3, 2)), "b": random.normal(size=3)}
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in ours.items()}
    descent = GradientDescent(rate, momentum, decay)
    optimizer = torch.optim.SGD(theirs.values(), lr=rate, momentum=momentum, weight_decay=decay)
    for _ in range(20):
        gradients = {name: random.normal(size=array.shape) for name, array in ours.items()}
        for name, array in theirs.items():
            array.grad = torch.tensor(gradients[name])
        descent.step(ours, gradients)
        optimizer.step()
        for name, array in ours.items():
            same(array, theirs[name])


def test_weights_are_changed_in_place_so_that_the_graph_sees_it():
    W = np.ones(2)
    seen = W[:]
    GradientDescent(0.5).step({"W": W}, {"W": np.array([1.0, 2.0])})
    assert seen.tolist() == [0.5, 0]


losses = some.lists(some.floats(-2, 2) | some.sampled_from([1.0, 1 - 5e-5, 1 - 2e-4]), max_size=30)


@given(losses, some.floats(0.1, 0.9), some.integers(0, 4))
def test_on_a_plateau_the_rate_falls_when_torchs_does(losses, factor, patience):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=factor, patience=patience, eps=0)
    ours = Plateau(GradientDescent(1.0), factor, patience)
    for loss in losses:
        theirs.step(loss)
        ours.see(loss)
        assert ours.descent.rate == optimizer.param_groups[0]["lr"]


def test_by_itself_it_waits_as_long_and_falls_as_far_as_torchs():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs, ours = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer), Plateau(GradientDescent(1.0))
    for _ in range(30):
        theirs.step(0.5)
        ours.see(0.5)
        assert ours.descent.rate == optimizer.param_groups[0]["lr"]


def test_alexnets_rate_is_cut_by_ten_after_more_epochs_than_its_patience():
    plateau = Plateau(GradientDescent(0.01), patience=2)
    rates = []
    for loss in (1.0, 0.5, 0.5, 0.6, 0.5, 0.4):
        plateau.see(loss)
        rates.append(round(plateau.descent.rate, 6))
    assert rates == [0.01, 0.01, 0.01, 0.01, 0.001, 0.001]


@pytest.mark.parametrize(
    ("weights", "gradients", "sentence"),
    [
        ({"W": np.ones(2)}, {}, "W has no gradient"),
        ({"W": np.ones(2)}, {"W": np.ones(1)}, r"W is float64 \(2,\) and its gradient \(1,\)"),
        ({"W": np.array([1, 2])}, {"W": np.ones(2)}, r"W is int64 \(2,\) .*expected floats"),
    ],
)
def test_a_gradient_that_does_not_fit_its_weights_is_refused(weights, gradients, sentence):
    with pytest.raises(SettingsError, match=sentence):
        GradientDescent(0.1).step(weights, gradients)


@pytest.mark.parametrize(
    "make",
    [
        lambda: GradientDescent(-0.1),
        lambda: GradientDescent(float("nan")),
        lambda: GradientDescent(0.1, momentum=1.0),
        lambda: GradientDescent(0.1, decay=-1e-4),
        lambda: Plateau(GradientDescent(0.1), factor=1.5),
        lambda: Plateau(GradientDescent(0.1), patience=-1),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(make):
    with pytest.raises(SettingsError, match=r"expected 0"):
        make()


def test_a_step_that_is_refused_changes_nothing():
    weights = {"W": np.ones(2), "V": np.ones(3)}
    with pytest.raises(SettingsError, match="V is float64"):
        GradientDescent(rate=0.1).step(weights, {"W": np.ones(2), "V": np.ones(4)})
    assert (weights["W"] == 1).all()
