"""The kernels of normalising.c, compiled once by this machine's own C compiler and kept; where there is none, without.

They are kept as striate/kernels in the cache folder ($STRIATE_CACHE, else $XDG_CACHE_HOME or ~/.cache), under a name
that is a digest of the source, the command and the processor. STRIATE_COMPILER names another compiler than cc, or is
"none". OpenMP is the one that torch has loaded, so both share its threads.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from striate.errors import StorageError
from striate.writing import write_whole

SWITCH = "STRIATE_COMPILER"
_SOURCE = Path(__file__).with_name("normalising.c")
_FLAGS = ("-O3", "-march=native", "-fopenmp", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
_LONGEST = 60  # seconds for a compilation that takes two

Argument = Tensor | int | None


class Kernels:
    """The functions of the library, called with tensors, numbers, and None for a tensor that is not there."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def call(self, name: str, *arguments: Argument) -> None:
        """Run a kernel; what it is told of rows and channels must be so, since nothing is checked there."""
        getattr(self._library, name)(*map(_native, arguments))


def compiler() -> str | None:
    """What compiles them here, if anything does."""
    asked = os.environ.get(SWITCH) or "cc"
    return None if asked == "none" else shutil.which(asked)


@cache
def kernels() -> Kernels | None:
    """The compiled kernels, or None where they cannot be had."""
    found = compiler()
    if found is None:
        return None
    try:
        return _loaded(_library(found))
    except (OSError, subprocess.SubprocessError, StorageError):  # another compiler, or a folder that runs nothing
        return None


def _library(command: str) -> Path:
    """Where the library is, once it is compiled."""
    known = (_SOURCE.read_bytes(), command, _FLAGS, sorted(torch.cpu.get_capabilities().items()), torch.__version__)
    kept = _folder() / f"normalising-{hashlib.sha256(repr(known).encode()).hexdigest()[:16]}.so"
    if not _is_ours(kept):
        write_whole(kept, _compiled(command))
        kept.chmod(0o700)
    return kept


def _is_ours(library: Path) -> bool:
    """Whether it was put there by this user, and nobody else can write it: it is code, and it will run."""
    if not library.is_file():
        return False
    found = library.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def _loaded(library: Path) -> Kernels:
    """The library; one that is not whole is removed, so that the next process compiles it anew. Raises OSError."""
    try:
        return Kernels(ctypes.CDLL(str(library)))
    except OSError:
        library.unlink(missing_ok=True)
        raise


def _folder() -> Path:
    if given := os.environ.get("STRIATE_CACHE"):
        return Path(given) / "kernels"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "striate" / "kernels"


def _compiled(command: str) -> bytes:
    """The library; it is linked without an OpenMP of its own."""
    with tempfile.TemporaryDirectory() as folder:
        parts, whole = Path(folder) / "normalising.o", Path(folder) / "normalising.so"
        for options in ((*_FLAGS, "-c", str(_SOURCE), "-o", str(parts)), ("-shared", str(parts), "-o", str(whole))):
            subprocess.run((command, *options), check=True, capture_output=True, timeout=_LONGEST)
        return whole.read_bytes()


def _native(argument: Argument) -> ctypes.c_void_p | ctypes.c_int64:
    if isinstance(argument, int):
        return ctypes.c_int64(argument)
    return ctypes.c_void_p(None if argument is None else argument.data_ptr())
