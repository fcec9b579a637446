import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from striate.errors import RunError
from striate.training.state import STATE_FILE, State, read_step

PROGRESS = {"step": 1, "seconds": 0.5, "loss_sum": 2.0, "lowest": 1.0}


def state(width=3):
    network = nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))
    return State(network, torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True))


@pytest.fixture
def saved(tmp_path):
    """A state after one step, and its folder."""
    one = state()
    one.network(torch.rand(4, 2)).square().sum().backward()
    one.optimizer.step()
    one.step, one.seconds, one.loss_sum, one.lowest = 7, 1 / 3, 0.1 + 0.2, 2 / 7
    one.save(tmp_path)
    return one, tmp_path


def test_a_state_comes_back_with_weights_counts_momentum_and_progress(saved):
    before, folder = saved
    after = state()
    after.restore(folder)
    ours, theirs = after.network.state_dict(), before.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    for mine, its in zip(after.network.parameters(), before.network.parameters(), strict=True):
        momenta = (after.optimizer.state[mine], before.optimizer.state[its])
        assert torch.equal(*(momentum["momentum_buffer"] for momentum in momenta))
    assert (after.step, after.seconds, after.loss_sum, after.lowest) == (7, 1 / 3, 0.1 + 0.2, 2 / 7)
    assert read_step(folder) == 7


def test_a_state_before_the_first_step_comes_back_too(tmp_path):
    state().save(tmp_path)
    after = state()
    after.restore(tmp_path)
    assert after.step == 0
    assert after.lowest == float("inf")
    assert not any("momentum_buffer" in after.optimizer.state[one] for one in after.network.parameters())


def test_a_run_without_a_state_is_at_step_0(tmp_path):
    assert read_step(tmp_path) == 0


@pytest.mark.parametrize("content", [b"", b"cut off", b"\x10" + bytes(7) + b'{"__metadata__":', bytes(100)])
@pytest.mark.parametrize("read", [lambda folder: state().restore(folder), read_step], ids=["restore", "read_step"])
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


@pytest.mark.parametrize("lost", PROGRESS)
def test_a_state_of_another_version_is_refused_with_the_repair(saved, lost):
    _, folder = saved
    progress = {name: value for name, value in PROGRESS.items() if name != lost}
    save_file(load_file(folder / STATE_FILE), folder / STATE_FILE, {"striate": json.dumps(progress)})
    with pytest.raises(RunError, match="cannot be gone on from"):
        state().restore(folder)


def test_a_state_of_another_network_is_refused_in_one_line(saved):
    with pytest.raises(RunError, match="cannot be gone on from") as caught:
        state(width=4).restore(saved[1])
    assert "\n" not in str(caught.value)
