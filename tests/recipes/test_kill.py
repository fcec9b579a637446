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
STRIATE = "import striate.training.fit as fit; fit.SAVE_EVERY = 0.05; import striate.__main__ as main; main.run()"


def start(*arguments):
    """`striate train` as a process of its own, which saves its state twenty times a second."""
    command = [sys.executable, "-c", STRIATE, "train", *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)


def begin_or_resume(folder):
    return start("--resume", folder) if (folder / "run.toml").exists() else start(*SETTINGS, "--out", folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The directory of a run that nobody disturbs."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    return striate.train("digits", epochs=6, size=16, out=str(out), quiet=True).folder


def check(folder, undisturbed):
    assert (folder / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()
    assert {path.name for path in folder.iterdir()} == {path.name for path in undisturbed.iterdir()}
    timeless = [
        [{**row, "seconds": 0, "images_per_second": 0} for row in read_rows(one)] for one in (folder, undisturbed)
    ]
    assert timeless[0] == timeless[1]


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
