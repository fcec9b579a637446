"""What a recipe can ask of the loop, each against a sum done by hand or against the loop without it."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from striate.datasets.supply import Held
from striate.errors import RunError
from striate.images.batches import Batch
from striate.images.preparation import Geometry, Preparation
from striate.machine.choice import choose
from striate.tasks.classification import Classification
from striate.training import beginning
from striate.training.course import Course
from striate.training.fit import fit
from striate.training.logbook import read_rows
from striate.training.recipe import Recipe
from striate.training.state import read_progress

generator = torch.Generator().manual_seed(2)
IMAGES, TARGETS = torch.randint(0, 256, (30, 1, 8, 8), generator=generator).byte(), torch.arange(30) % 3
PLAIN = Recipe(epochs=3, batch_size=8, rate=0.05)


class Watch:
    """Hears everything."""

    def __init__(self):
        self.epochs, self.said = [], []
        self.epoch, self.say = self.epochs.append, self.said.append

    def step(self, step):
        pass


def course(**changes):
    return Course(
        train=Held(Batch(IMAGES[:22], TARGETS[:22])),
        validation=Held(Batch(IMAGES[22:], TARGETS[22:])),
        preparation=Preparation(Geometry((8, 8), 1), (0.5,), (0.3,)),
        augmentation=None,
        task=Classification(0.1),
        recipe=replace(PLAIN, **changes),
        seed=5,
    )


def network(*, norm=False, dropout=0.0):
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4) if norm else nn.Identity(), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))


def go(folder, learner, own):
    """Train, and give what was heard and what was kept, in order."""
    watch, kept = Watch(), []

    def keep(judged, _):
        kept.append({name: tensor.clone() for name, tensor in judged.state_dict().items()})

    fit(learner, own, replace(choose("cpu"), threads=1), folder, watch, keep)
    return watch, kept


def same(one, other, **tolerance):
    ours, theirs = one.state_dict(), other.state_dict()
    return all(torch.allclose(ours[name], theirs[name], **tolerance) for name in theirs)


@pytest.mark.parametrize("parts", [2, 3, 4, 50])
def test_a_batch_in_parts_teaches_what_the_batch_teaches(tmp_path, parts):
    whole, taken = network(), network()
    watch, _ = go(tmp_path / "whole", whole, course())
    again, _ = go(tmp_path / "parts", taken, course(accumulate=parts))
    assert same(taken, whole, rtol=1e-4, atol=1e-6)
    for one, other in zip(watch.epochs, again.epochs, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-5)


def test_a_clipped_gradient_is_no_longer_than_it_may_be(tmp_path):
    """Without momentum and decay a step is the rate times the gradient: none is longer than 0.05 times 0.001."""
    learner = network()
    before = nn.utils.parameters_to_vector(learner.parameters()).detach()
    own = course(epochs=1, momentum=0.0, decay=0.0, clip=1e-3, schedule="constant", warmup=0.0)
    go(tmp_path, learner, own)
    moved = (nn.utils.parameters_to_vector(learner.parameters()).detach() - before).norm()
    assert 0 < moved <= 3 * 0.05 * 1e-3 * (1 + 1e-3)


def test_the_average_of_the_weights_is_kept_and_it_is_the_one_of_the_formula(tmp_path):
    """v moves by 1 - min(0.9, (1 + n) / (10 + n)) towards the weights after step n; these are those of shorter runs."""
    constant = {"schedule": "constant", "warmup": 0.0, "average": 0.9}
    expected = nn.utils.parameters_to_vector(network().parameters()).detach()
    for steps in range(1, 4):
        learner = network()
        watch = Watch()
        watch.step = lambda step, last=steps: 1 / (step - last)
        with pytest.raises(ZeroDivisionError):
            fit(learner, course(**constant), replace(choose("cpu"), threads=1), tmp_path / str(steps), watch, None)
        weights = nn.utils.parameters_to_vector(learner.parameters()).detach()
        expected += (1 - min(0.9, (1 + steps) / (10 + steps))) * (weights - expected)
    _, kept = go(tmp_path / "whole", network(), course(epochs=1, **constant))
    found = torch.cat([tensor.flatten() for tensor in kept[-1].values()])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_a_run_that_gets_no_better_stops_early_and_says_so(tmp_path, monkeypatch):
    losses = iter([1.0, 0.5, 0.6, 0.7, 0.8, 0.4])
    monkeypatch.setattr(Classification, "measure", lambda *_: {"loss": next(losses)})
    watch, kept = go(tmp_path, network(), course(epochs=6, stop=2))
    assert [epoch.epoch for epoch in watch.epochs] == [1, 2, 3, 4]
    assert len(kept) == 2
    assert any("has not fallen for 2 epochs" in text for text in watch.said)


def test_a_run_that_stopped_early_stays_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(Classification, "measure", lambda *_: {"loss": 1.0})
    go(tmp_path, network(), course(epochs=6, stop=2))
    watch, kept = go(tmp_path, network(), course(epochs=6, stop=2))
    assert (watch.epochs, kept) == ([], [])


def test_the_rate_falls_tenfold_on_a_plateau(tmp_path, monkeypatch):
    losses = iter([1.0, 1.0, 1.0, 1.0, 1.0])
    monkeypatch.setattr(Classification, "measure", lambda *_: {"loss": next(losses)})
    watch, _ = go(tmp_path, network(), course(epochs=5, schedule="plateau", warmup=0.0, patience=2))
    assert [epoch.rate for epoch in watch.epochs] == pytest.approx([0.05, 0.05, 0.05, 0.005, 0.005])


def test_images_grow_over_the_epochs(tmp_path):
    seen = []
    learner = network()
    learner.register_forward_hook(
        lambda layer, given, _: seen.append(tuple(given[0].shape[2:])) if layer.training else None
    )
    go(tmp_path, learner, course(progressive=0.5))
    assert list(dict.fromkeys(seen)) == [(4, 4), (6, 6), (8, 8)]


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_dropout_averages_and_parts_go_on_to_the_same_bits(tmp_path, monkeypatch, optimizer):
    monkeypatch.setattr(beginning, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(beginning, "SAVING", 1e9)
    own = course(optimizer=optimizer, average=0.9, accumulate=2, clip=1.0, progressive=0.5)
    undisturbed = network(norm=True, dropout=0.5)
    go(tmp_path / "undisturbed", undisturbed, own)
    for step in (2, 3, 7):
        watch = Watch()
        watch.step = lambda done, last=step: 1 / (done - last)
        with pytest.raises(ZeroDivisionError):
            fit(
                network(norm=True, dropout=0.5),
                own,
                replace(choose("cpu"), threads=1),
                tmp_path / "run",
                watch,
                lambda *_: None,
            )
    resumed = network(norm=True, dropout=0.5)
    go(tmp_path / "run", resumed, own)
    assert all(
        torch.equal(*pair)
        for pair in zip(resumed.state_dict().values(), undisturbed.state_dict().values(), strict=True)
    )
    losses = [[row["train_loss"] for row in read_rows(tmp_path / name)] for name in ("run", "undisturbed")]
    assert losses[0] == losses[1]


class Hungry(nn.Module):
    """Has no memory for more than two images at once in training, as torch would say it on a processor."""

    def __init__(self):
        super().__init__()
        self.inside = network()

    def forward(self, images):
        if self.training and len(images) > 2:
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
            )
        return self.inside(images)


def test_memory_that_runs_out_halves_what_is_taken_at_once_until_it_fits(tmp_path):
    learner, plain = Hungry(), network()
    watch, _ = go(tmp_path / "hungry", learner, course())
    assert [text.split(" with ")[1].split(" ")[0] for text in watch.said] == ["4", "2"]
    assert read_progress(tmp_path / "hungry").parts == 4
    go(tmp_path / "plain", plain, course())
    assert same(learner.inside, plain, rtol=1e-4, atol=1e-6)


def test_memory_that_is_too_small_for_two_images_ends_the_run_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(Hungry, "forward", lambda *_: (_ for _ in ()).throw(MemoryError("no room")))
    with pytest.raises(RunError, match=r"memory ran out with 2 images at once .*; use a smaller --size"):
        go(tmp_path, Hungry(), course())


def test_an_error_that_is_not_about_memory_is_not_taken_for_one(tmp_path):
    learner = network()
    learner[0].register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        go(tmp_path, learner, course())


def test_the_laps_of_an_epoch_are_the_parts_of_its_time(tmp_path):
    watch, _ = go(tmp_path, network(), course())
    times = [0.0, *(epoch.seconds for epoch in watch.epochs)]
    for epoch, before, after in zip(watch.epochs, times, times[1:], strict=False):
        assert set(epoch.laps) == {"data", "forward", "backward", "optimizer"}
        assert 0 < sum(epoch.laps.values()) <= after - before
    assert {"data_seconds", "optimizer_seconds"} <= read_rows(tmp_path)[0].keys()
