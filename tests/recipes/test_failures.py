"""What goes wrong outside of striate is named in one sentence, ends a run with code 2, and lets it be gone on with."""

import csv
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import striate
from striate.training.logbook import read_rows
from tests.recipes.started import expect_same, start, start_two, wait_for_epochs, worker

SETTINGS = ("digits", "--epochs", "6", "--size", "16")
LONG = ("digits", "--epochs", "300", "--size", "16")


@pytest.fixture
def plenty(photos, draw):
    """The same photographs and twenty more of each kind."""
    for pattern, name in enumerate(sorted(path.name for path in photos.iterdir())):
        draw(photos / name, pattern, 20, first=12)
    return photos


def trained_on(folder, count):
    """Some files that a run learns from."""
    with (folder / "split.csv").open(encoding="utf-8", newline="") as file:
        return [Path(row["path"]) for row in csv.DictReader(file) if row["split"] == "train"][:count]


def sentences(said):
    return [line for line in said.read_text().splitlines() if line.startswith("striate: ")]


def finish(folder):
    with start("--resume", folder) as process:
        assert process.wait() == 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The directory of a run that nobody disturbs."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    return striate.train("digits", epochs=6, size=16, out=str(out), quiet=True).folder


@pytest.fixture
def disk(tmp_path):
    """A disk of two megabytes; only the administrator of a machine may have one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_fills_up_in_the_middle_of_a_run_is_named_and_costs_nothing(disk, undisturbed, tmp_path):
    folder, said = disk / "run", tmp_path / "said.txt"
    with said.open("w") as file, start(*SETTINGS, "--out", folder, said=file) as process:
        wait_for_epochs(folder, 1, process)
        with pytest.raises(OSError, match="No space"), (disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(1024))
        assert process.wait() == 2
    (sentence,) = sentences(said)
    assert "No space left on device" in sentence and f"go on with: striate train --resume {folder}" in sentence
    (disk / "filler").unlink()
    finish(folder)
    expect_same(folder, undisturbed)


def test_a_disk_that_may_no_longer_be_written_is_named_and_the_run_goes_on_when_it_may(disk, undisturbed, tmp_path):
    folder, said = disk / "run", tmp_path / "said.txt"
    with said.open("w") as file, start(*SETTINGS, "--out", folder, said=file) as process:
        wait_for_epochs(folder, 1, process)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert process.wait() == 2
    (sentence,) = sentences(said)
    assert "Read-only file system" in sentence and f"go on with: striate train --resume {folder}" in sentence
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    finish(folder)
    expect_same(folder, undisturbed)


def test_a_file_that_may_not_grow_any_longer_is_named_and_the_run_goes_on_when_it_may(undisturbed, tmp_path):
    """All of this run fits but its largest file, the report."""
    largest = max(undisturbed.rglob("*.*"), key=lambda path: path.stat().st_size)
    assert largest.name == "report.html"
    size = largest.stat().st_size // 2
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
    folder, said = tmp_path / "run", tmp_path / "said.txt"
    with said.open("w") as file, start(*SETTINGS, "--out", folder, said=file, before=limit) as process:
        assert process.wait() == 2
    (sentence,) = sentences(said)
    assert "File too large" in sentence and f"go on with: striate train --resume {folder}" in sentence
    finish(folder)
    expect_same(folder, undisturbed)


def test_a_run_directory_that_cannot_be_made_is_named_before_anything_is_trained(tmp_path):
    (tmp_path / "file").write_text("")
    said = tmp_path / "said.txt"
    with said.open("w") as file, start("digits", "--out", tmp_path / "file" / "run", said=file) as process:
        assert process.wait() == 2
    (sentence,) = sentences(said)
    assert "cannot make the run directory" in sentence and "choose another --out" in sentence


def test_an_image_that_vanishes_and_one_that_turns_corrupt_are_left_out_by_name(plenty, tmp_path):
    said, folder = tmp_path / "said.txt", tmp_path / "run"
    arguments = (plenty, "--epochs", "12", "--size", "16", "--cache", "none", "--out", folder)
    with said.open("w") as file, start(*arguments, said=file) as process:
        wait_for_epochs(folder, 1, process)
        vanished, corrupt = trained_on(folder, 2)
        vanished.unlink()
        corrupt.write_bytes(b"no picture")
        assert process.wait() == 0, said.read_text()
    text = said.read_text()
    assert f"left out {vanished.relative_to(plenty)}, which could be read before: no such file" in text
    assert f"left out {corrupt.relative_to(plenty)}, which could be read before: " in text


@pytest.mark.slow
def test_an_image_that_vanishes_is_named_whichever_of_two_processes_misses_it(plenty, tmp_path):
    folder = tmp_path / "run"
    arguments = (plenty, "--epochs", "30", "--size", "16", "--cache", "none", "--out", folder)
    with start_two(tmp_path / "home", *arguments) as process:
        wait_for_epochs(folder, 1, process)
        (vanished,) = trained_on(folder, 1)
        vanished.unlink()
        assert process.wait() == 0, (tmp_path / "home" / "said.txt").read_text()
        after = len((folder / "metrics.csv").read_text().splitlines())
    text = (tmp_path / "home" / "said.txt").read_text()
    assert text.count(f"left out {vanished.relative_to(plenty)}, which could be read before: no such file") > after / 2


def test_images_that_are_all_gone_end_the_run_in_one_sentence(photos, tmp_path):
    said, folder = tmp_path / "said.txt", tmp_path / "run"
    arguments = (photos, "--epochs", "300", "--size", "16", "--cache", "none", "--out", folder)
    with said.open("w") as file, start(*arguments, said=file) as process:
        wait_for_epochs(folder, 1, process)
        shutil.rmtree(photos)
        assert process.wait() == 2
    (sentence,) = sentences(said)
    assert "no image of a batch can be read any more" in sentence


@pytest.mark.slow
def test_a_process_that_hangs_is_named_by_the_other(tmp_path):
    said = tmp_path / "said.txt"
    with start_two(tmp_path, *LONG, STRIATE_ANSWER_WITHIN="5") as process:
        hanging = worker(tmp_path, 0, 1, process)
        wait_for_epochs(tmp_path / "runs" / "digits-lenet5", 1, process)
        os.kill(hanging, signal.SIGSTOP)
        while not sentences(said):
            assert process.poll() is None
        os.kill(hanging, signal.SIGKILL)  # as torchrun does after half a minute
        assert process.wait() != 0
    (sentence,) = sentences(said)
    assert "process 1 of this run is gone or does not answer" in sentence and "--resume" in sentence


@pytest.mark.slow
def test_what_stops_one_of_two_processes_is_said_once(photos, tmp_path):
    folder = tmp_path / "run"
    arguments = (photos, "--epochs", "300", "--size", "16", "--cache", "none", "--out", folder)
    with start_two(tmp_path / "home", *arguments) as process:
        wait_for_epochs(folder, 1, process)
        shutil.rmtree(photos)
        assert process.wait() != 0
    (sentence,) = sentences(tmp_path / "home" / "said.txt")
    assert "no image of a batch can be read any more" in sentence


NARROW = """
import resource
import sys
import torch._dynamo
import striate.__main__
import striate.recipes.train
size = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (1024 * size + 600_000_000,) * 2)
"""
WIDE = (
    "INPUT 1x32x32 -> CONV 64 3x3 -> RELU -> POOL global -> FC"  # 262 kB an image, twice, and once more on the way back
)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much a process has")
def test_a_batch_that_does_not_fit_is_taken_in_parts_and_what_does_not_fit_at_all_is_said(tmp_path):
    """0.6 GB: for a batch of all 1,259 digits 330 MB would be needed thrice. What is left at the end varies."""
    said, folder = tmp_path / "said.txt", tmp_path / "run"
    arguments = ("digits", "--model", WIDE, "--batch-size", "1259", "--epochs", "2", "--workers", "0", "--out", folder)
    with said.open("w") as file, start(*arguments, said=file, before=NARROW) as process:
        ended = process.wait()
    text = said.read_text()
    assert "memory ran out: going on from step 0 with 630 images at once, steps as before" in text
    assert [row["step"] for row in read_rows(folder)] == [1, 2]
    if ended:
        assert ended == 2, text
        (sentence,) = sentences(said)
        assert "memory ran out while the result was measured" in sentence and f"--resume {folder}" in sentence
        finish(folder)
    assert (folder / "report.html").exists()
