"""A folder outside every data set that keeps prepared images: named by their content, whole or not there, bounded.

An entry's name is a digest of the bytes of all its files, in order, and of what is done to them: an entry cannot be
out of date. It is filled in a folder of its own, which is renamed when it is whole: two processes that fill the same
entry do not meet, and one that is killed leaves a folder that the next one removes, since nobody holds its lock.
The folder is $STRIATE_CACHE, else striate/ in $XDG_CACHE_HOME or ~/.cache.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PARTIAL = "partial-"
_LOCK = "lock"
_SHARE = 0.5  # of the disk's free room, and of what is kept already
_RECENT = 3600.0  # seconds for which an entry is not removed after its use: a run fills several, one after another


def cache_folder() -> Path:
    """Where entries are kept; it need not exist yet."""
    if given := os.environ.get("STRIATE_CACHE"):
        return Path(given) / "images"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "striate" / "images"


def find_entry(key: str) -> Path | None:
    """The entry of a name, if it is there; it becomes the one used last."""
    entry = cache_folder() / key
    if not entry.is_dir():
        return None
    with suppress(OSError):  # a cache that may only be read is as good
        os.utime(entry)
    return entry


def make_room(needed: int) -> bool:
    """Whether so many bytes may be kept; entries that were not used for longest, nor of late, make room for them."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    entries = sorted(_entries(folder), key=lambda entry: entry.stat().st_mtime)
    sizes = {entry: _size(entry) for entry in entries}
    used = sum(sizes.values())
    limit = int(_SHARE * (shutil.disk_usage(folder).free + used))
    if needed > limit:
        return False
    for entry in entries:
        if used + needed <= limit or time.time() - entry.stat().st_mtime < _RECENT:
            break
        shutil.rmtree(entry, ignore_errors=True)
        used -= sizes[entry]
    return used + needed <= limit


@contextmanager
def filling(key: str) -> Iterator[Path]:
    """A folder to fill, which becomes the entry of that name if the body ends well, and else is removed.

    Raises OSError where nothing can be written.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=folder))
    try:
        with (partial / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield partial
            _to_disk(partial)
            with suppress(OSError):  # another process was first: its entry is as good as ours
                partial.rename(folder / key)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def new_pixels(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, int]:
    """Make a .npy file of that shape with all its room on the disk: (descriptor, where its pixels begin).

    Raises OSError if the disk has not that much room: better now than in the middle, where a map would be killed.
    """
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        begin = file.tell()
    descriptor = os.open(path, os.O_RDWR)
    try:
        size = begin + int(np.prod(shape)) * dtype.itemsize
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:  # macOS: a full disk is then found by the write that meets it
            os.ftruncate(descriptor, size)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor, begin


def open_pixels(path: Path) -> NDArray[Any]:
    """A map of the file, private to this process: what would be written to it does not reach the disk."""
    pixels: NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    return pixels


def _to_disk(partial: Path) -> None:
    """Whole also after the machine itself has died."""
    for path in partial.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(_PARTIAL)]


def _size(entry: Path) -> int:
    return sum(path.stat().st_size for path in entry.iterdir())


def _sweep(folder: Path) -> None:
    """Remove what processes that died have begun: they hold no lock any more."""
    for partial in folder.glob(f"{_PARTIAL}*"):
        with suppress(OSError), (partial / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(partial, ignore_errors=True)
