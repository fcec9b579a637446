import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from striate.errors import StorageError
from striate.writing import sweep, write_whole

FULL_DISK = """
import resource, signal
from pathlib import Path
from striate.writing import write_whole

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
write_whole(Path("weights"), b"x" * 5000)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fail(error):
    """Stands in for a system call that fails."""

    def call(*_):
        raise error

    return call


def test_a_file_is_written_with_the_folders_that_it_needs(tmp_path):
    write_whole(tmp_path / "a" / "b" / "file", b"content")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"


def test_a_file_is_replaced_by_a_shorter_one(tmp_path):
    write_whole(tmp_path / "file", b"long content")
    write_whole(tmp_path / "file", b"short")
    assert (tmp_path / "file").read_bytes() == b"short"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (os, "fdopen"), (Path, "replace"), (Path, "chmod")])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_write_that_fails_changes_nothing_and_says_where(tmp_path, monkeypatch, owner, call, old):
    path = tmp_path / "weights"
    if old is not None:
        path.write_bytes(old)
    before = names(tmp_path)
    monkeypatch.setattr(owner, call, fail(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    with pytest.raises(StorageError) as caught:
        write_whole(path, b"new")
    monkeypatch.undo()
    assert names(tmp_path) == before
    assert old is None or path.read_bytes() == old
    assert str(path) in str(caught.value)
    assert "No space left on device" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_write_that_is_interrupted_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", fail(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "weights", b"new")
    assert names(tmp_path) == []


def test_a_disk_that_is_really_full_leaves_the_old_file(tmp_path):
    (tmp_path / "weights").write_bytes(b"old")
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.stderr.splitlines()[-1].startswith(
        "striate.errors.StorageError: cannot write weights: File too large"
    )
    assert (tmp_path / "weights").read_bytes() == b"old"
    assert names(tmp_path) == ["weights"]


@pytest.mark.parametrize("place", ["folder", "file/below"])
def test_a_place_that_cannot_be_a_file_is_refused(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(StorageError, match=place):
        write_whole(tmp_path / place, b"new")
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_the_new_file_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    calls = []
    for owner, name in ((os, "fsync"), (Path, "replace")):
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given, name=name, real=real: (calls.append(name), real(*given)))
    write_whole(tmp_path / "file", b"content")
    assert calls[:2] == ["fsync", "replace"]


def test_leftovers_of_killed_writes_are_swept_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # as if killed before the clean-up
    monkeypatch.setattr(os, "fsync", fail(KeyboardInterrupt()))
    for name in ("a", "last/b"):
        with pytest.raises(KeyboardInterrupt):
            write_whole(tmp_path / name, b"half")
    monkeypatch.undo()
    write_whole(tmp_path / "last" / "state", b"whole")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3
    sweep(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "last" / "state"]
