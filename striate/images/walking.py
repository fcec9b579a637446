"""The files of a folder: all of them, in the same order everywhere, and never fewer without a word."""

import os
from pathlib import Path

from striate.errors import DataError

_SYSTEM = ("thumbs.db", "desktop.ini", "ehthumbs.db")  # what Windows leaves in folders of pictures


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and below, sorted, but hidden ones; links are followed, each folder once.

    A link that leads nowhere counts as a file, so that whoever reads it says that it is not there. Raises DataError
    for a folder that may not be read.
    """
    found: list[Path] = []
    seen: set[str] = set()
    for here, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(here)
        folders[:] = [] if real in seen else [name for name in folders if not hidden(name)]
        found += [] if real in seen else [Path(here, name) for name in files if not hidden(name)]
        seen.add(real)
    return sorted(path for path in found if path.is_file() or _leads_nowhere(path))


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted, but hidden things. Raises DataError if it may not be read."""
    try:
        return sorted(path for path in folder.iterdir() if not hidden(path.name))
    except OSError as error:
        _refuse(error)
        raise


def hidden(name: str) -> bool:
    """Whether a name is the system's and not the user's."""
    return name.startswith((".", "__MACOSX")) or name.lower() in _SYSTEM


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _refuse(error: OSError) -> None:
    raise DataError(f"the folder {error.filename} cannot be read: {error.strerror}; change its permissions") from error
