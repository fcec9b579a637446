import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from striate.architectures.catalogue import build, declare
from striate.augmentation.variation import Variation
from striate.datasets.supply import Held
from striate.images.batches import Batch
from striate.images.preparation import Geometry, Preparation
from striate.machine.choice import choose
from striate.tasks.classification import Classification
from striate.training import beginning
from striate.training.course import Course
from striate.training.fit import fit
from striate.training.logbook import read_rows
from striate.training.recipe import Recipe
from striate.training.state import STATE_FILE

generator = torch.Generator().manual_seed(2)
IMAGES, TARGETS = torch.randint(0, 256, (14, 1, 16, 16), generator=generator).byte(), torch.arange(14) % 3
COURSE = Course(  # 3 epochs of 3 steps, the last of them smaller
    train=Held(Batch(IMAGES[:10], TARGETS[:10])),
    validation=Held(Batch(IMAGES[10:], TARGETS[10:])),
    preparation=Preparation(Geometry((16, 16), 1), (0.5,), (0.3,)),
    augmentation=Variation(),
    task=Classification(0.1),
    recipe=Recipe(epochs=3, batch_size=4, rate=0.05),
    seed=5,
)


class Stop(Exception):  # noqa: N818 - it stands for a kill, not for an error
    """Ends a run."""


class Watch:
    """Ends the run after a step, or after an epoch."""

    def __init__(self, *, step=None, epoch=None):
        self._step, self._epoch = step, epoch

    def step(self, step):
        if step == self._step:
            raise Stop

    def epoch(self, epoch):
        if epoch.epoch == self._epoch:
            raise Stop

    def say(self, text):
        raise AssertionError(text)


def go(folder, watch, stop_in_keep=None):
    """Go on with the run in a folder and give the weights that it ends in, and the epochs kept with their weights."""
    network, kept = build(declare("lenet5", num_classes=3, size=16)), {}

    def keep(judged, epoch):
        kept[epoch.epoch] = {name: tensor.clone() for name, tensor in judged.state_dict().items()}
        if epoch.epoch == stop_in_keep:
            raise Stop

    try:
        fit(network, COURSE, replace(choose("cpu"), threads=1), folder, watch, keep)
    except Stop:
        return None, kept
    return network.state_dict(), kept


def outcome(folder):
    """All that a run leaves but the time it took: state, momentum, and its logbook."""
    timeless = [{name: value for name, value in row.items() if "second" not in name} for row in read_rows(folder)]
    return {name: tensor.numpy().tobytes() for name, tensor in load_file(folder / STATE_FILE).items()}, timeless


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    torch.manual_seed(0)
    weights, kept = go(folder, Watch())
    return weights, kept, outcome(folder)


@pytest.fixture(params=[0.0, math.inf], ids=["saved at each step", "never saved in between"])
def begun(request, monkeypatch, tmp_path):
    """A folder where a run begins from the weights of the undisturbed one, saving often or not."""
    monkeypatch.setattr(beginning, "SAVE_EVERY", request.param)
    torch.manual_seed(0)
    return tmp_path


def check(folder, undisturbed, *parts):
    weights, kept, left = undisturbed
    last = parts[-1][0]
    assert all(torch.equal(last[name], weights[name]) for name in weights)
    assert outcome(folder) == left
    best = max(max(part[1], default=0) for part in parts)
    ours = next(part[1][best] for part in reversed(parts) if best in part[1])
    assert best == max(kept)
    assert all(torch.equal(ours[name], kept[best][name]) for name in ours)


@pytest.mark.parametrize("step", range(1, 10))
def test_a_run_stopped_at_a_step_goes_on_to_the_same_bits(begun, undisturbed, step):
    check(begun, undisturbed, go(begun, Watch(step=step)), go(begun, Watch()))


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_run_stopped_at_an_epochs_end_goes_on_to_the_same_bits(begun, undisturbed, epoch):
    check(begun, undisturbed, go(begun, Watch(epoch=epoch)), go(begun, Watch()))


def test_a_run_stopped_while_its_best_network_is_kept_goes_on_to_the_same_bits(begun, undisturbed):
    best = max(undisturbed[1])
    check(begun, undisturbed, go(begun, Watch(), stop_in_keep=best), go(begun, Watch()))


def test_a_run_stopped_again_and_again_goes_on_to_the_same_bits(begun, undisturbed):
    parts = [go(begun, Watch(step=step)) for step in (2, 3, 5, 5, 9)]
    check(begun, undisturbed, *parts, go(begun, Watch()))


def test_a_finished_run_has_nothing_left_to_do(tmp_path, undisturbed):
    torch.manual_seed(0)
    go(tmp_path, Watch())
    weights, kept = go(tmp_path, Watch(step=9))
    assert kept == {}
    assert all(torch.equal(weights[name], undisturbed[0][name]) for name in weights)
    assert outcome(tmp_path) == undisturbed[2]
