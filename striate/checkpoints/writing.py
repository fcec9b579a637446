"""Write a file whole or not at all: beside its place, to the disk, then moved there in one step."""

import os
import tempfile
from pathlib import Path

from striate.errors import StorageError

_PARTIAL = ".striate-partial-"


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path`. Raises StorageError if it does not fit; what stood at `path` is then untouched."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_PARTIAL)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; what was there before is untouched: make room, or check "
            "the folder's permissions"
        ) from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def sweep(folder: Path) -> None:
    """Remove what writes that were killed have left in a folder and below."""
    for leftover in folder.rglob(f"{_PARTIAL}*"):
        leftover.unlink(missing_ok=True)
