"""Runs that are killed at any moment, alone or one of two processes, end in the bytes of one that nobody disturbs."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

import striate
from striate.training.logbook import read_rows

SETTINGS = ("digits", "--epochs", "6", "--size", "16")
STRIATE = """
import os
from pathlib import Path
import striate.training.fit as fit
import striate.__main__ as main
fit.SAVE_EVERY, fit._SAVING = 0.05, 0.5
if "PIDS" in os.environ:
    name = "-".join(os.environ[part] for part in ("TORCHELASTIC_RESTART_COUNT", "RANK"))
    Path(os.environ["PIDS"], name).write_text(str(os.getpid()))
main.run()
"""


def start(*arguments):
    """`striate train` as a process of its own, which saves its state often."""
    command = [sys.executable, "-c", STRIATE, "train", *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)


def begin_or_resume(folder):
    return start("--resume", folder) if (folder / "run.toml").exists() else start(*SETTINGS, "--out", folder)


def start_two(home, *, restarts):
    """The same as two processes under torchrun, in `home`, which writes their numbers and what they say there."""
    (home / "pids").mkdir(parents=True)
    (home / "worker.py").write_text(STRIATE)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, f"--max-restarts={restarts}", "worker.py", "train", *SETTINGS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PIDS": str(home / "pids")}
    with (home / "said.txt").open("w") as said:
        return subprocess.Popen(command, env=environment, cwd=home, stderr=said)


def worker(home, count, rank, process):
    """The number of a process of the start after `count` restarts, once it is there; None when all has ended."""
    place = home / "pids" / f"{count}-{rank}"
    while not place.exists() or not place.read_text():
        if process.poll() is not None:
            return None
        time.sleep(0.01)
    return int(place.read_text())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The directory of a run that nobody disturbs."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    return striate.train("digits", epochs=6, size=16, out=str(out), quiet=True).folder


@pytest.fixture(scope="module")
def two_undisturbed(tmp_path_factory):
    """That of two processes."""
    home = tmp_path_factory.mktemp("two undisturbed")
    with start_two(home, restarts=0) as process:
        assert process.wait() == 0, (home / "said.txt").read_text()
    return home / "runs" / "digits-lenet5"


def timeless(folder):
    return [
        {name: value for name, value in row.items() if "second" not in name or "validation" in name}
        for row in read_rows(folder)
    ]


def check(folder, undisturbed):
    assert (folder / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()
    assert {path.name for path in folder.iterdir()} == {path.name for path in undisturbed.iterdir()}
    assert timeless(folder) == timeless(undisturbed)


def test_a_run_that_is_killed_in_its_second_and_fourth_epoch_ends_in_the_same_bytes(undisturbed, tmp_path):
    folder, logbook = tmp_path / "two words", tmp_path / "two words" / "metrics.csv"
    for epochs in (1, 3):
        with begin_or_resume(folder) as process:
            while not logbook.exists() or len(logbook.read_text().splitlines()) <= epochs:
                assert process.poll() is None
                time.sleep(0.01)
            process.kill()
        assert process.returncode == -signal.SIGKILL
    with begin_or_resume(folder) as process:
        assert process.wait() == 0
    check(folder, undisturbed)


@pytest.mark.slow
def test_one_of_two_processes_that_is_killed_is_started_again_and_all_ends_in_the_same_bytes(two_undisturbed, tmp_path):
    logbook = tmp_path / "runs" / "digits-lenet5" / "metrics.csv"
    with start_two(tmp_path, restarts=1) as process:
        victim = worker(tmp_path, 0, 1, process)
        while not logbook.exists() or len(logbook.read_text().splitlines()) < 3:
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)
        assert process.wait() == 0, (tmp_path / "said.txt").read_text()
    assert "restart 1: going on with" in (tmp_path / "said.txt").read_text()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["digits-lenet5"]
    check(tmp_path / "runs" / "digits-lenet5", two_undisturbed)


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_no_byte(undisturbed, tmp_path):
    chance, kills, run, began = random.Random(0), 0, 0, time.monotonic()
    with begin_or_resume(tmp_path / "whole") as process:
        assert process.wait() == 0
    duration = time.monotonic() - began
    while kills < 20:
        folder, run = tmp_path / f"run {run}", run + 1
        returncode = None
        while returncode != 0:
            with begin_or_resume(folder) as process:
                try:
                    process.wait(chance.uniform(0, duration) if kills < 20 else None)
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
            returncode = process.returncode
            assert returncode in (0, -signal.SIGKILL)
        check(folder, undisturbed)


@pytest.mark.slow
def test_ten_kills_of_one_of_two_processes_at_random_moments_change_no_byte(two_undisturbed, tmp_path):
    chance, kills, run, began = random.Random(1), 0, 0, time.monotonic()
    with start_two(tmp_path / "whole", restarts=0) as process:
        assert process.wait() == 0
    duration = time.monotonic() - began
    while kills < 10:
        home, run, before = tmp_path / f"run {run}", run + 1, kills
        with start_two(home, restarts=10) as process:
            while kills < 10 and (victim := worker(home, kills - before, chance.randrange(2), process)):
                try:
                    process.wait(chance.uniform(0, duration))
                except subprocess.TimeoutExpired:
                    os.kill(victim, signal.SIGKILL)
                    kills += 1
            assert process.wait() == 0, (home / "said.txt").read_text()
        assert [path.name for path in (home / "runs").iterdir()] == ["digits-lenet5"]
        check(home / "runs" / "digits-lenet5", two_undisturbed)
