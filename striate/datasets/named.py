"""Data sets that are known by name: where a copy of them lies, and what to do where there is none."""

import os
from pathlib import Path

from striate.datasets.dataset import Dataset
from striate.datasets.published import NAMED, File, Named
from striate.errors import DataError, UnknownNameError

__all__ = ["NAMED", "PLACE", "File", "Named", "folders", "named", "open_named"]

PLACE = "STRIATE_DATA"  # the variable that names the folder of data sets


def open_named(name: str) -> Dataset:
    """The data set of that name, from the first of `folders` that holds it.

    Raises UnknownNameError for another name, and DataError if it is in none of them, with what to do, or is damaged.
    """
    known = named(name)
    if not known.files:
        return known.read(Path())
    for folder in folders(name):
        if known.recognises(folder):
            dataset = known.read(folder)
            if dataset.classes != known.classes:
                raise DataError(f"{folder} does not hold {name}, but classes as {dataset.classes[0]!r}; move it away")
            return dataset
    raise DataError(_absent(known))


def named(name: str) -> Named:
    """What is known of it. Raises UnknownNameError."""
    if name not in NAMED:
        raise UnknownNameError("data set", name, NAMED)
    return NAMED[name]


def folders(name: str) -> tuple[Path, ...]:
    """Where a data set is looked for: in $STRIATE_DATA/NAME, if that is set, and in the user's folder of data.

    A new copy goes into the first. The user's folder is $XDG_DATA_HOME/striate/NAME, or ~/.local/share/striate/NAME.
    """
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    chosen = os.environ.get(PLACE)
    return (*([Path(chosen) / name] if chosen else []), home / "striate" / name)


def _absent(known: Named) -> str:
    first, *others = known.sources
    files = "; ".join(f"{first}{file.name} ({file.size:,} bytes, SHA-256 {file.sha256})" for file in known.files)
    also = f"; the same files are at {' and '.join(others)}" if others else ""
    return (
        f"{known.name} is not in {' or '.join(map(str, folders(known.name)))}; run `striate fetch {known.name}`, which "
        f"downloads {known.size / 1e6:.0f} MB, or put there {files}{also}"
    )
