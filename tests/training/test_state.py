import json
from dataclasses import asdict, fields
from typing import get_args

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from striate.errors import RunError
from striate.training import beginning
from striate.training.averaging import Average
from striate.training.optimizers import make_optimizer
from striate.training.recipe import OptimizerName, Recipe
from striate.training.state import STATE_FILE, Progress, State, read_progress

FAR = Progress(7, 2, 1 / 3, 0.1 + 0.2, 2 / 7, waited=3, flat=1, cuts=2, trouble={"level": 2.3})
OPTIMIZERS = get_args(OptimizerName)


def state(width=3, optimizer="sgd"):
    network = nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Linear(width, 2))
    return State(network, make_optimizer(network, Recipe(optimizer=optimizer, rate=0.1)), Average(network, 0.9))


def step(one, images):
    one.optimizer.zero_grad()
    one.network(images).square().sum().backward()
    one.optimizer.step()
    one.average.update(1)


@pytest.fixture
def saved(tmp_path):
    """A state after one step, and its folder."""
    one = state()
    step(one, torch.rand(4, 2))
    one.progress = FAR
    one.save(tmp_path)
    return one, tmp_path


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_restored_state_goes_on_to_the_same_bits(tmp_path, optimizer):
    """Weights, averages, momenta, counters: two more steps end in the same bits as without the break."""
    images = torch.rand(5, 4, 2)
    before = state(optimizer=optimizer)
    for own in images[:3]:
        step(before, own)
    before.save(tmp_path)
    after = state(optimizer=optimizer)
    after.restore(tmp_path)
    for own in images[3:]:
        step(before, own)
        step(after, own)
    for mine, its in ((after.network, before.network), (after.judged, before.judged)):
        ours, theirs = mine.state_dict(), its.state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_progress_comes_back_to_the_last_bit(saved):
    after = state()
    after.restore(saved[1])
    assert after.progress == FAR == read_progress(saved[1])


def test_a_state_before_the_first_step_comes_back_too(tmp_path):
    state().save(tmp_path)
    after = state()
    after.restore(tmp_path)
    assert after.progress == Progress()
    assert not any("momentum_buffer" in after.optimizer.state[one] for one in after.network.parameters())


def test_the_average_is_what_is_judged_if_there_is_one():
    one = state()
    assert one.judged is one.average.network
    assert State(one.network, one.optimizer).judged is one.network


def test_a_plateau_cuts_the_rate_after_so_many_epochs_without_a_better_loss():
    """With a patience of 2, by hand: 3 and 3 are not below 3, then 2.9 is; 5 and 4 are not; nor are 3 and 2.95."""
    progress, cuts, better = Progress(), [], []
    for loss in (3.0, 3.0, 3.0, 2.9, 5.0, 4.0, 3.0, 2.95, 1.0):
        better.append(progress.judge(loss, 2))
        cuts.append(progress.cuts)
    assert better == [True, False, False, True, False, False, False, False, True]
    assert cuts == [0, 0, 1, 1, 1, 2, 2, 3, 3]
    assert (progress.lowest, progress.waited) == (1.0, 0)


def test_a_run_without_a_state_is_at_its_beginning(tmp_path):
    assert read_progress(tmp_path) == Progress()


@pytest.mark.parametrize("content", [b"", b"cut off", b"\x10" + bytes(7) + b'{"__metadata__":', bytes(100)])
@pytest.mark.parametrize(
    "read", [lambda folder: state().restore(folder), read_progress], ids=["restore", "read_progress"]
)
def test_a_state_that_is_not_whole_is_refused_with_the_repair(tmp_path, content, read):
    (tmp_path / STATE_FILE).parent.mkdir()
    (tmp_path / STATE_FILE).write_bytes(content)
    with pytest.raises(RunError, match=r"cannot be gone on from .* start the run anew with --config") as caught:
        read(tmp_path)
    assert str(tmp_path / STATE_FILE) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("metadata", [None, {}, {"striate": "[]"}, {"striate": "{"}])
def test_a_state_of_another_program_is_refused_with_the_repair(saved, metadata):
    _, folder = saved
    save_file(load_file(folder / STATE_FILE), folder / STATE_FILE, metadata)
    with pytest.raises(RunError, match="cannot be gone on from"):
        state().restore(folder)


@pytest.mark.parametrize("lost", [field.name for field in fields(Progress)])
def test_a_state_of_another_version_is_refused_with_the_repair(saved, lost):
    _, folder = saved
    progress = {name: value for name, value in asdict(FAR).items() if name != lost}
    save_file(load_file(folder / STATE_FILE), folder / STATE_FILE, {"striate": json.dumps(progress)})
    with pytest.raises(RunError, match="cannot be gone on from"):
        state().restore(folder)


def test_a_state_of_another_network_is_refused_in_one_line(saved):
    with pytest.raises(RunError, match="cannot be gone on from") as caught:
        state(width=4).restore(saved[1])
    assert "\n" not in str(caught.value)


def test_weights_that_are_no_numbers_are_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(beginning, "SAVE_EVERY", 0.0)
    one = state()
    one.save(tmp_path)
    saver = beginning.Saver(one, tmp_path, leads=True)
    one.network[0].weight.data[0, 0] = torch.nan
    one.progress.step = 5
    saver.save_if_due()
    assert read_progress(tmp_path).step == 0
    one.network[0].weight.data[0, 0] = 1.0
    saver.save_if_due()
    assert read_progress(tmp_path).step == 5
