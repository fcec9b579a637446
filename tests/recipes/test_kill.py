"""Runs that are killed at any moment, alone or one of two processes, end in the bytes of one that nobody disturbs."""

import os
import random
import signal
import subprocess
import time
from contextlib import suppress

import pytest

import striate
from tests.recipes.started import expect_same, start, start_two, wait_for_epochs, worker

SETTINGS = ("digits", "--epochs", "6", "--size", "16")


def begin_or_resume(folder):
    return start("--resume", folder) if (folder / "run.toml").exists() else start(*SETTINGS, "--out", folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The directory of a run that nobody disturbs."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    return striate.train("digits", epochs=6, size=16, out=str(out), quiet=True).folder


@pytest.fixture(scope="module")
def two_undisturbed(tmp_path_factory):
    """That of two processes."""
    home = tmp_path_factory.mktemp("two undisturbed")
    with start_two(home, *SETTINGS) as process:
        assert process.wait() == 0, (home / "said.txt").read_text()
    return home / "runs" / "digits-lenet5"


def test_a_run_that_is_killed_in_its_second_and_fourth_epoch_ends_in_the_same_bytes(undisturbed, tmp_path):
    folder = tmp_path / "two words"
    for epochs in (1, 3):
        with begin_or_resume(folder) as process:
            wait_for_epochs(folder, epochs, process)
            process.kill()
        assert process.returncode == -signal.SIGKILL
    with begin_or_resume(folder) as process:
        assert process.wait() == 0
    expect_same(folder, undisturbed)


@pytest.mark.slow
def test_one_of_two_processes_that_is_killed_is_started_again_and_all_ends_in_the_same_bytes(two_undisturbed, tmp_path):
    folder, said = tmp_path / "runs" / "digits-lenet5", tmp_path / "said.txt"
    with start_two(tmp_path, *SETTINGS, restarts=1) as process:
        victim = worker(tmp_path, 0, 1, process)
        wait_for_epochs(folder, 2, process)
        os.kill(victim, signal.SIGKILL)
        assert process.wait() == 0, said.read_text()
    assert f"restart 1: going on with {folder}, from step " in said.read_text()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["digits-lenet5"]
    expect_same(folder, two_undisturbed)


def kills_of(sample, many):
    """A sample in every run, and all by hand, which takes some minutes."""
    marks = (pytest.mark.slow, pytest.mark.exhaustive)
    return pytest.mark.parametrize(
        "count", [pytest.param(n, marks=m) for n, m in zip((sample, many), marks, strict=True)]
    )


@kills_of(3, 20)
def test_kills_at_random_moments_change_no_byte(undisturbed, tmp_path, count):
    chance, kills, run, began = random.Random(0), 0, 0, time.monotonic()
    with begin_or_resume(tmp_path / "whole") as process:
        assert process.wait() == 0
    duration = time.monotonic() - began
    while kills < count:
        folder, run = tmp_path / f"run {run}", run + 1
        returncode = None
        while returncode != 0:
            with begin_or_resume(folder) as process:
                try:
                    process.wait(chance.uniform(0, duration) if kills < count else None)
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
            returncode = process.returncode
            assert returncode in (0, -signal.SIGKILL)
        expect_same(folder, undisturbed)


@kills_of(2, 10)
def test_kills_of_one_of_two_processes_at_random_moments_change_no_byte(two_undisturbed, tmp_path, count):
    chance, kills, run, began = random.Random(1), 0, 0, time.monotonic()
    with start_two(tmp_path / "whole", *SETTINGS) as process:
        assert process.wait() == 0
    duration = time.monotonic() - began
    while kills < count:
        home, run, before = tmp_path / f"run {run}", run + 1, kills
        with start_two(home, *SETTINGS, restarts=10) as process:
            while kills < count and (victim := worker(home, kills - before, chance.randrange(2), process)):
                try:
                    process.wait(chance.uniform(0, duration))
                except subprocess.TimeoutExpired:
                    with suppress(ProcessLookupError):  # it has just ended by itself
                        os.kill(victim, signal.SIGKILL)
                        kills += 1
            assert process.wait() == 0, (home / "said.txt").read_text()
        assert [path.name for path in (home / "runs").iterdir()] == ["digits-lenet5"]
        expect_same(home / "runs" / "digits-lenet5", two_undisturbed)
