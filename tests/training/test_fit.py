from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from striate.augmentation.variation import Variation
from striate.datasets.supply import Held
from striate.errors import RunError, StorageError
from striate.images.batches import Batch
from striate.images.preparation import Geometry, Preparation
from striate.machine.choice import choose
from striate.tasks.classification import Classification
from striate.training.course import Course
from striate.training.fit import fit
from striate.training.logbook import read_rows
from striate.training.recipe import Recipe
from striate.training.schedule import pace_at


class Spy:
    """Sees each step and epoch."""

    def __init__(self):
        self.steps, self.epochs, self.said = [], [], []
        self.step, self.epoch, self.say = self.steps.append, self.epochs.append, self.said.append


@pytest.fixture
def machine():
    return replace(choose("cpu"), threads=1)


@pytest.fixture
def course():
    """22 images of two classes, dark and bright, in batches of 8, 8 and 6."""
    generator = torch.Generator().manual_seed(1)
    targets = torch.arange(30) % 2
    images = (torch.randint(0, 120, (30, 1, 3, 3), generator=generator) + 100 * targets.view(-1, 1, 1, 1)).byte()
    preparation = Preparation(Geometry((3, 3), 1), (0.4,), (0.25,))
    recipe = Recipe(epochs=4, batch_size=8, rate=0.1)
    train, validation = Held(Batch(images[:22], targets[:22])), Held(Batch(images[22:], targets[22:]))
    return Course(train, validation, preparation, None, Classification(0.1), recipe, seed=3)


def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 2))


def test_the_loss_falls_and_the_classes_are_learnt(course, machine, tmp_path):
    spy = Spy()
    fit(linear(), course, machine, tmp_path, spy, lambda *_: None)
    assert spy.epochs[-1].train_loss < spy.epochs[0].train_loss / 2
    assert spy.epochs[-1].validation["accuracy"] == 1


def test_every_step_and_epoch_is_shown_and_logged(course, machine, tmp_path):
    spy = Spy()
    fit(linear(), course, machine, tmp_path, spy, lambda *_: None)
    assert spy.steps == list(range(1, 13))
    assert [(epoch.epoch, epoch.step) for epoch in spy.epochs] == [(1, 3), (2, 6), (3, 9), (4, 12)]
    assert read_rows(tmp_path) == [epoch.row() for epoch in spy.epochs]
    assert spy.epochs[-1].rate == pace_at(course.recipe, 11, 12).rate


def test_an_epoch_meets_each_image_once_and_its_last_batch_is_what_is_left(course):
    for epoch in range(3):
        order = course.order(epoch)
        assert sorted(order.tolist()) == list(range(22))
        batches = list(course.batches(3 * epoch))
        assert [len(targets) for _, targets, _ in batches] == [8, 8, 6]
        assert torch.equal(
            torch.cat([images for images, _, _ in batches]),
            course.preparation.normalise(course.train.batch.images[order]),
        )
        assert torch.equal(torch.cat([targets for _, targets, _ in batches]), course.train.batch.targets[order])


@pytest.mark.parametrize(
    ("images", "size", "batches"),
    [
        (9, 4, [4, 5]),
        (8, 4, [4, 4]),
        (10, 4, [4, 4, 2]),
        (3, 1, [1, 1, 1]),
        (1, 4, [1]),
        (4, 8, [4]),
        (5, 4, [5]),
        (3, 2, [3]),
    ],
)
def test_a_last_image_alone_joins_the_batch_before_it(course, images, size, batches):
    some = Batch(course.train.batch.images[:images], course.train.batch.targets[:images])
    small = replace(course, train=Held(some), recipe=replace(course.recipe, batch_size=size))
    assert (small.steps_per_epoch, small.steps) == (len(batches), 4 * len(batches))
    for epoch in range(2):
        order = small.order(epoch)
        made = list(small.batches(epoch * len(batches)))
        assert [len(targets) for _, targets, _ in made] == batches
        assert torch.equal(torch.cat([targets for _, targets, _ in made]), some.targets[order])


def test_batch_normalisation_trains_on_a_number_of_images_that_leaves_one_over(course, machine, tmp_path):
    nine = replace(course, train=Held(Batch(course.train.batch.images[:9], course.train.batch.targets[:9])))  # 8 and 1
    network = nn.Sequential(nn.Flatten(), nn.Linear(9, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    spy = Spy()
    fit(network, nine, machine, tmp_path, spy, lambda *_: None)
    assert spy.steps == [1, 2, 3, 4]


def test_the_order_is_another_in_each_epoch_and_with_each_seed(course):
    orders = [course.order(0), course.order(1), replace(course, seed=4).order(0)]
    assert len({tuple(order.tolist()) for order in orders}) == 3
    assert torch.equal(course.order(1), replace(course).order(1))


def test_an_epoch_can_be_begun_at_any_step(course):
    whole = list(course.batches(3))
    for step in range(3):
        for (images, targets, _), (again, same, _) in zip(whole[step:], course.batches(3 + step), strict=True):
            assert torch.equal(images, again) and torch.equal(targets, same)


def test_an_image_is_varied_by_its_epoch_and_place_alone(course):
    """Whatever the batch size: the order of an epoch is the same, so all its images can be laid end to end."""
    varied = replace(course, augmentation=Variation())
    whole = [torch.cat([images for images, _, _ in varied.batches(3 * epoch)]) for epoch in (0, 1)]
    smaller = replace(varied, recipe=replace(course.recipe, batch_size=5))
    assert torch.equal(whole[0], torch.cat([images for images, _, _ in smaller.batches(0)]))
    plain = [torch.cat([images for images, _, _ in course.batches(3 * epoch)]) for epoch in (0, 1)]
    moved = [(whole[epoch] - plain[epoch])[course.order(epoch).argsort()] for epoch in (0, 1)]
    assert not torch.equal(moved[0], moved[1])
    assert (moved[0].abs().amax((1, 2, 3)) > 0).all()


def test_steps_are_nesterovs_by_the_formula(course, machine, tmp_path):
    """v = m v + g, w = w - r (g + m v), with the decay in g; the gradient of the softmax by hand, in float64."""
    network, recipe = linear(), course.recipe
    weight = np.hstack(
        [network[1].weight.detach().double().numpy(), network[1].bias.detach().double().numpy()[:, None]]
    )
    velocity = np.zeros_like(weight)
    for step in range(course.steps):
        images, targets, _ = next(course.batches(step))
        x = np.hstack([images.flatten(1).double().numpy(), np.ones((len(images), 1))])  # (M, 10)
        scores = np.exp(x @ weight.T)
        wanted = np.eye(2)[targets.numpy()] * (1 - 0.1) + 0.1 / 2
        gradient = (scores / scores.sum(1, keepdims=True) - wanted).T @ x / len(x) + recipe.decay * weight
        velocity = recipe.momentum * velocity + gradient
        weight = weight - pace_at(recipe, step, 12).rate * (gradient + recipe.momentum * velocity)
    fit(network, course, machine, tmp_path, Spy(), lambda *_: None)
    np.testing.assert_allclose(network[1].weight.detach().numpy(), weight[:, :-1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(network[1].bias.detach().numpy(), weight[:, -1], rtol=1e-4, atol=1e-6)


def test_epochs_are_kept_when_their_validation_loss_is_the_lowest_so_far(course, machine, tmp_path, monkeypatch):
    losses, kept = iter([0.5, 0.7, 0.5, 0.4]), []
    monkeypatch.setattr(Classification, "measure", lambda *_: {"loss": next(losses), "accuracy": 0.5})
    fit(linear(), course, machine, tmp_path, Spy(), lambda _, epoch: kept.append(epoch))
    assert [epoch.epoch for epoch in kept] == [1, 4]  # of equals the first


def test_a_loss_that_is_no_number_stops_with_its_step_and_rate(course, machine, tmp_path):
    wild, spy = replace(course, recipe=replace(course.recipe, rate=1e30)), Spy()
    with pytest.raises(RunError, match="train with --rate") as caught:
        fit(linear(), wild, machine, tmp_path, spy, lambda *_: None)
    done = len(spy.steps)
    assert f"at step {done + 1}: " in str(caught.value)
    assert f"at a rate of {pace_at(wild.recipe, done, 12).rate:.3g}, " in str(caught.value)


def test_weights_that_overflow_in_the_very_last_step_are_not_passed_off_as_trained(course, machine, tmp_path):
    wild = replace(course, recipe=Recipe(epochs=1, batch_size=22, rate=1e38))
    with pytest.raises(RunError, match="lower --rate"):
        fit(linear(), wild, machine, tmp_path, Spy(), lambda *_: None)


def test_the_process_gets_its_threads_back_also_when_a_step_fails(course, machine, tmp_path, monkeypatch):
    before = torch.get_num_threads()
    spy = Spy()
    spy.step = lambda _: 1 / 0
    with pytest.raises(ZeroDivisionError):
        fit(linear(), course, replace(machine, threads=before + 1), tmp_path, spy, lambda *_: None)
    assert torch.get_num_threads() == before


def test_a_disk_that_fills_up_while_keeping_ends_the_run_with_its_own_sentence(course, machine, tmp_path):
    def full(*_):
        raise StorageError("no room")

    with pytest.raises(StorageError, match="no room"):
        fit(linear(), course, machine, tmp_path, Spy(), full)
    assert read_rows(tmp_path) == []
