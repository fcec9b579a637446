"""Write a file whole or not at all: beside its place, to the disk, then moved there in one step."""

import os
import tempfile
from pathlib import Path

from striate.errors import StorageError

_PARTIAL = ".striate-partial-"


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path`. Raises StorageError if it does not fit; what stood at `path` is then untouched."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_PARTIAL)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; what was there before is untouched: make room, or check "
            "the folder's permissions"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The permissions that this process withholds; they can only be read by setting them."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def is_partial(path: Path) -> bool:
    """Whether a file is what a write that was killed has left."""
    return path.name.startswith(_PARTIAL)


def sweep(folder: Path) -> None:
    """Remove what writes that were killed have left in a folder and below."""
    for leftover in folder.rglob(f"{_PARTIAL}*"):
        leftover.unlink(missing_ok=True)
