import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from striate.datasets import cache, keeping
from striate.datasets.keeping import keep_images
from striate.datasets.loading import Loading, Unwatched, fingerprints
from striate.datasets.opening import open_dataset
from striate.errors import DataError
from striate.images.preparation import Geometry

GEOMETRY = Geometry((8, 8))
CLASSES = ["cat", "dog"]
PROCESS = """
import sys, time
from striate.datasets import keeping
from striate.datasets.keeping import keep_images
from striate.datasets.opening import open_dataset
from striate.images.preparation import Geometry
real = Geometry.prepare
def slowly(self, source):
    time.sleep(float(sys.argv[2]))
    return real(self, source)
Geometry.prepare = slowly
print("begun", flush=True)
kept = keep_images(open_dataset(sys.argv[1]), Geometry((8, 8)), ["cat", "dog"], "disk")
print(kept.images.images[:].sum(), kept.where, flush=True)
"""


class Told(Unwatched):
    """Keeps what it is told."""

    def __init__(self):
        self.texts, self.done = [], 0
        self.say = self.texts.append

    def advance(self, count=1):
        self.done += count


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where the cache of a test is."""
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


@pytest.fixture
def photos(tmp_path):
    """Ten noisy images in colour, and one file that is none."""
    noise = np.random.default_rng(0)
    for number in range(10):
        path = tmp_path / "photos" / CLASSES[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (11, 9, 3), dtype=np.uint8)).save(path)
    (tmp_path / "photos/dog/broken.png").write_bytes(b"no image")
    return tmp_path / "photos"


def kept(photos, keep, watch=None):
    return keep_images(open_dataset(photos), GEOMETRY, CLASSES, keep, Loading(watch=watch or Told()))


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("keep", ["disk", "none"])
def test_wherever_images_are_kept_they_are_the_same(photos, keep):
    memory = kept(photos, "memory")
    for _ in range(2):  # made, then found
        other = kept(photos, keep)
        assert np.array_equal(memory.images.images, other.images.images[:])
        assert memory.images.targets.tolist() == other.images.targets.tolist()
        assert list(memory.images.names) == list(other.images.names)
        assert memory.images.marks.tolist() == other.images.marks.tolist()
        assert list(memory.images.facts) == list(other.images.facts)
        assert memory.skipped == other.skipped and len(other.skipped) == 1


def test_what_is_kept_is_found_again_without_decoding(photos, monkeypatch):
    first = kept(photos, "disk")
    monkeypatch.setattr(Geometry, "prepare", lambda *_: pytest.fail("decoded again"))
    watch = Told()
    again = kept(photos, "disk", watch)
    assert np.array_equal(first.images.images[:], again.images.images[:])
    assert "put there now" in first.where and "found there" in again.where
    assert watch.done == 11
    assert isinstance(again.images.images.stack, np.memmap)


@pytest.mark.parametrize("change", ["pixels", "order", "removed", "added", "repaired", "geometry"])
def test_any_change_of_the_images_makes_another_entry(photos, change, folder):
    kept(photos, "disk")
    geometry, path = GEOMETRY, photos / "cat/0.png"
    before = path.stat()
    if change == "pixels":
        Image.fromarray(np.full((11, 9, 3), 7, np.uint8)).save(path)
        path.write_bytes(path.read_bytes().ljust(before.st_size, b"\0"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if it had never been touched
    elif change == "order":
        path.rename(photos / "cat/9.5.png")
    elif change == "removed":
        path.unlink()
    elif change == "added":
        shutil.copy(path, photos / "cat/new.png")
    elif change == "repaired":
        shutil.copy(path, photos / "dog/broken.png")
    else:
        geometry = Geometry((8, 8), fit="pad")
    dataset = open_dataset(photos)
    again = keep_images(dataset, geometry, CLASSES, "disk", Loading(watch=Told()))
    assert "put there now" in again.where
    assert np.array_equal(
        again.images.images[:], keep_images(dataset, geometry, CLASSES, "memory", Loading()).images.images
    )
    assert len(entries(folder)) == 2


def test_a_name_is_no_content(photos, tmp_path):
    kept(photos, "disk")
    photos.rename(tmp_path / "moved")
    assert "found there" in kept(tmp_path / "moved", "disk").where


def test_what_is_decoded_anew_is_told_if_it_has_changed(photos):
    images = kept(photos, "none").images
    (photos / "cat/0.png").write_bytes(b"broken now")
    with pytest.raises(DataError, match=r"cat/0.png could be read before and now cannot: not an image"):
        images.images[0]


def test_a_cache_that_may_not_be_written_is_told_and_done_without(photos, folder, tmp_path):
    folder.parent.write_text("a file where the folder should be")
    watch = Told()
    other = kept(photos, "disk", watch)
    assert "decoded anew each time" in other.where
    assert len(watch.texts) == 2 and all("cannot be kept" in text for text in watch.texts[:1])
    assert np.array_equal(kept(photos, "memory").images.images, other.images.images[:])


def test_a_full_disk_is_told_and_done_without_and_leaves_nothing(photos, folder):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    watch = Told()
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, before[1]))
        other = kept(photos, "disk", watch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert "decoded anew each time" in other.where
    assert any("File too large" in text for text in watch.texts)
    assert entries(folder) == []
    assert np.array_equal(kept(photos, "memory").images.images, other.images.images[:])


def test_more_than_the_disk_has_room_for_is_not_begun(photos, folder, monkeypatch):
    usage = shutil.disk_usage(photos)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3000))
    watch = Told()
    other = kept(photos, "disk", watch)
    assert "decoded anew each time" in other.where
    assert any("has no room for" in text for text in watch.texts)


def test_the_entries_that_were_not_used_for_longest_make_room(photos, folder, monkeypatch):
    usage = shutil.disk_usage(photos)
    for side in (8, 9):
        keep_images(open_dataset(photos), Geometry((side, side)), CLASSES, "disk", Loading())
    old, young = sorted(folder.iterdir(), key=lambda entry: entry.stat().st_mtime)
    os.utime(old, (1, 1))
    used = sum(path.stat().st_size for entry in (old, young) for path in entry.iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=used))  # so used bytes are the limit
    keep_images(open_dataset(photos), Geometry((7, 7)), CLASSES, "disk", Loading())
    assert not old.exists() and young.exists() and len(entries(folder)) == 2


def run_process(photos, pause):
    command = [sys.executable, "-c", PROCESS, str(photos), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_that_fill_one_entry_are_both_right(photos, folder):
    both = [run_process(photos, 0.05) for _ in range(2)]
    answers = [process.communicate(timeout=60) for process in both]
    expected = int(kept(photos, "memory").images.images.sum())
    for (out, error), process in zip(answers, both, strict=True):
        assert process.returncode == 0, error
        assert out.splitlines()[1].startswith(f"{expected} mapped from")
    assert len(entries(folder)) == 1


def test_a_process_that_is_killed_leaves_no_entry_and_its_remains_are_swept(photos, folder):
    process = run_process(photos, 0.5)
    assert process.stdout.readline() == "begun\n"
    for _ in range(600):
        if folder.is_dir() and any(folder.glob("partial-*/pixels.npy")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(entries(folder)) == 1 and entries(folder)[0].startswith("partial-")
    other = kept(photos, "disk")
    assert "put there now" in other.where
    assert len(entries(folder)) == 1 and entries(folder)[0].endswith("-pixels")
    assert np.array_equal(kept(photos, "memory").images.images, other.images.images[:])


def test_what_another_process_is_filling_is_not_swept(photos, folder):
    with cache.filling("somebody-pixels") as partial:
        assert cache.make_room(1)
        assert partial.is_dir()
    assert entries(folder) == ["somebody-pixels"]


def test_filling_that_fails_leaves_nothing(folder):
    with pytest.raises(KeyboardInterrupt), cache.filling("key") as partial:
        (partial / "pixels.npy").write_bytes(b"half")
        raise KeyboardInterrupt
    assert entries(folder) == []


def test_a_grey_set_is_kept_as_a_grey_one(tmp_path):
    for label in CLASSES:
        (tmp_path / "grey" / label).mkdir(parents=True)
        Image.new("L", (8, 8), len(label)).save(tmp_path / "grey" / label / "a.png")
        Image.new("L", (8, 8), 9).save(tmp_path / "grey" / label / "b.png")
    for keep in ("memory", "disk", "none"):
        assert kept(tmp_path / "grey", keep).images.images.shape == (4, 1, 8, 8)


@pytest.mark.parametrize("keep", ["disk", "none"])
def test_strictness_holds_for_what_was_found_out_before(photos, keep):
    kept(photos, keep)
    with pytest.raises(DataError, match=r"dog/broken.png: not an image of a known format; repair or remove it"):
        keep_images(open_dataset(photos), GEOMETRY, CLASSES, keep, Loading(strict=True))


@pytest.mark.parametrize("keep", ["memory", "disk", "none"])
def test_a_pipe_is_named_and_never_waited_for(photos, keep):
    (photos / "cat/0.png").unlink()
    os.mkfifo(photos / "cat/0.png")
    dataset = open_dataset(photos)
    pipe = dataset.at([0])
    pipe = replace(pipe, fetch=lambda _: str(photos / "cat/0.png"))
    both = keep_images(pipe, GEOMETRY, CLASSES, keep, Loading(workers=0))
    assert [file.reason for file in both.skipped] == ["a pipe, not an image"]


@pytest.mark.parametrize("first", ["L", "RGB"])
@pytest.mark.parametrize("keep", ["memory", "disk", "none"])
def test_grey_and_coloured_images_of_a_range_stand_in_three_channels_with_their_own_marks(tmp_path, keep, first):
    for number, mode in enumerate((first, "RGB", "L", "RGB", "L")):
        path = tmp_path / "mixed" / CLASSES[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, (8, 8), (9, 8, 7) if mode == "RGB" else 5 + number).save(path)
    geometry = Geometry((8, 8), range=(0, 255))
    images = keep_images(open_dataset(tmp_path / "mixed"), geometry, CLASSES, keep).images
    assert images.images.shape == (5, 3, 8, 8)
    assert images.marks.tolist() == fingerprints(images.images).tolist()
    again = keep_images(open_dataset(tmp_path / "mixed"), replace(geometry, channels=3), CLASSES, "memory").images
    assert images.marks.tolist() == again.marks.tolist()


def test_an_entry_that_goes_away_while_it_is_looked_at_is_made_again(photos, monkeypatch):
    kept(photos, "disk")
    monkeypatch.setattr(keeping, "_read_survey", lambda folder: (folder / "gone").read_bytes())
    assert "put there now" in kept(photos, "disk").where
