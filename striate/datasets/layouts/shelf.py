"""Open shards: any stretch of any of them with one read, by many threads at once, and never the wrong bytes."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from striate.errors import DataError

_OPEN = 128  # shards; beside them there is room in the usual limit of 1,024


class State(NamedTuple):
    """What changes when a file is written: asked again after every read."""

    size: int  # bytes
    changed: int  # ns
    inode: int


def state(descriptor: int) -> State:
    """That of an open file."""
    status = os.fstat(descriptor)
    return State(status.st_size, status.st_mtime_ns, status.st_ino)


class Shelf:
    """Shards, each of which must be as it was when its index was made."""

    def __init__(self, paths: Sequence[Path], states: Sequence[State]) -> None:
        self._paths, self._states = tuple(paths), tuple(states)
        taken = self._paths
        # one that is put away while a thread reads from it is closed when that thread lets go of it
        self._opened = lru_cache(maxsize=_OPEN)(lambda shard: _Descriptor(taken[shard]))

    def read(self, shard: int, offset: int, size: int) -> bytes:
        """The bytes of a stretch. Raises DataError if the shard is no longer the file that was indexed."""
        path, expected = self._paths[shard], self._states[shard]
        try:
            opened = self._opened(shard)
            content = os.pread(opened.number, size, offset)
            now = state(opened.number)  # after the read: what changes later does no harm
        except OSError as error:
            raise DataError(f"{path} cannot be read any more: {error.strerror}; put it back and start again") from error
        if now != expected or len(content) != size:
            raise DataError(
                f"{path} has changed while it was in use: it had {expected.size:,} bytes and has {now.size:,} now, "
                "perhaps of another time; leave it alone and start again"
            )
        return content


class _Descriptor:
    """A file open for reading, closed when nobody holds it any more."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if hasattr(self, "number"):  # else it could not be opened
            os.close(self.number)
