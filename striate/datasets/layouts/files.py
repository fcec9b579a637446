"""Files that a layout names: fetched below a root, missing, named twice; and what people call the parts."""

import os
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np

from striate.datasets.dataset import TEST, TRAIN, VALIDATION
from striate.datasets.names import Names
from striate.errors import DataError, printable
from striate.images.walking import files_below, hidden

ARRAY = ".npy"
PART_NAMES = {  # how people call the folders of the three parts
    TRAIN: ("train", "training"),
    VALIDATION: ("val", "valid", "validation"),
    TEST: ("test", "testing"),
}
IMAGE_ENDINGS = frozenset(
    f".{ending}"
    for ending in "avif bmp gif ico j2k jfif jp2 jpe jpeg jpg npy pbm pcx pgm png pnm ppm sgi tga tif tiff webp".split()  # noqa: SIM905
)
_NAMED = 10  # of the files that are missing


def fetch_below(root: Path, names: Names) -> Callable[[int], str]:
    """What a data set of files fetches: the path of image i."""
    return lambda index: os.path.join(root, names.raw(index))  # noqa: PTH118 - a million of them


def image_files(folder: Path) -> list[Path]:
    """The files in a folder and below that are named as images are, sorted."""
    return images_among(files_below(folder))


def images_among(files: Iterable[Path]) -> list[Path]:
    """Those that are named as images are.

    An array is one only if no picture has its name: beside a picture it holds features, or the picture once more.
    """
    found = [path for path in files if path.suffix.lower() in IMAGE_ENDINGS]
    arrays = {path for path in found if path.suffix.lower() == ARRAY}
    pictured = {path.with_suffix("") for path in found if path not in arrays} if arrays else set()
    return [path for path in found if path not in arrays or path.with_suffix("") not in pictured]


def holds_file(folder: Path, endings: Collection[str]) -> bool:
    """Whether a file with one of the endings lies in a folder. Raises DataError if the folder may not be read."""
    names = (name for name in listed_in(folder) if not hidden(name))
    return any(os.path.splitext(name)[1].lower() in endings for name in names)  # noqa: PTH122 - perhaps a million


def part_called(word: str) -> str | None:
    """The part that people call so: train, training, val, valid, validation, test or testing."""
    return next((part for part, words in PART_NAMES.items() if word.lower() in words), None)


def part_within(name: str) -> str | None:
    """The part whose word stands in a name: train2017 and instances_train are train."""
    return next((part for word in re.findall("[a-z]+", name.lower()) if (part := part_called(word))), None)


def expect_files(root: Path, names: Names, told_by: object) -> None:
    """Raise DataError if a file is not there, with how many and the first ten; each folder is listed once."""
    missing = _missing(root, names)
    if missing:
        few = ", ".join(printable(names[place]) for place in missing[:_NAMED])
        more = ", …" if len(missing) > _NAMED else ""
        raise DataError(
            f"{told_by} names {len(missing):,} of {len(names):,} images that are not in {root}: {few}{more}; "
            "put them there, or remove their records"
        )


def expect_distinct(names: Names, told_by: object) -> None:
    """Raise DataError if a name stands there twice."""
    hashes = np.fromiter((hash(names.raw(index)) for index in range(len(names))), np.int64, len(names))
    order = np.argsort(hashes, kind="stable")
    alike = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    pairs = zip(order[alike + 1], order[alike], strict=True)
    for place, before in sorted(pairs):
        if names[int(before)] == names[int(place)]:
            raise DataError(f"{told_by} names {printable(names[int(place)])} twice; keep one of the two records")


def _missing(root: Path, names: Names) -> list[int]:
    listed: dict[str, frozenset[str]] = {}
    missing = []
    for index in range(len(names)):
        folder, _, name = names.raw(index).rpartition("/")
        if folder not in listed:
            listed[folder] = listed_in(os.path.join(root, folder or "."))  # noqa: PTH118
        if name not in listed[folder]:
            missing.append(index)
    return missing


def listed_in(folder: str | Path) -> frozenset[str]:
    """The names in a folder, none if it is not there. Raises DataError if it may not be read."""
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - names, not paths, of perhaps a million
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror}; change its permissions") from error


def counted(count: int, one: str, more: str = "") -> str:
    """'1 image', '2,000 images'.

    >>> counted(1, "class", "classes"), counted(2000, "box", "boxes")
    ('1 class', '2,000 boxes')
    """
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"


def several(words: Iterable[object], joint: str = "and") -> str:
    """'a', 'a and b', 'a, b and c'.

    >>> several(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = map(str, words)
    return f"{', '.join(most)} {joint} {last}" if most else last
