"""What a person may hand over as an image, and a file as a stream: opened once, and never one that blocks."""

import io
import os
import stat
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.errors import ImageError

ImageSource = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.generic]

_MOST_BYTES = 2**32
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_source(source: str | os.PathLike[str] | bytes) -> BinaryIO:
    """The bytes of a file or of memory, to be read from the start. Raises ImageError for what is no regular file."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        kind = stat.S_IFMT(os.stat(source).st_mode)  # noqa: PTH116 - a million of them
        if kind != stat.S_IFREG:
            raise ImageError(f"{_KINDS.get(kind, 'no regular file')}, not an image")
        return open(source, "rb", opener=_without_waiting)  # which Path.open cannot be told
    except (OSError, ValueError) as error:
        raise ImageError(_reason(error)) from error


def read_whole(stream: BinaryIO) -> bytes:
    """All that it holds. Raises ImageError for more than 4 GiB, which no image is."""
    size = stream.seek(0, os.SEEK_END)
    if size > _MOST_BYTES:
        raise ImageError(f"the file has {size:,} bytes; at most {_MOST_BYTES:,} are read")
    stream.seek(0)
    return stream.read()


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that has just taken the place of a file would else hold us until somebody writes into it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "it may not be read: permission denied"
    if isinstance(error, OSError):
        return f"it cannot be opened: {error.strerror or error}"
    return "no such file: its name holds a zero byte"
