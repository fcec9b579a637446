"""The samples of one shard: which files of the archive belong together, and what each of them is.

Source: the WebDataset format (T. Breuel, github.com/webdataset/webdataset). Files whose paths are equal up to the
first dot of the base name are one sample, and that much is its key. Its own readers stream and need them side by side;
here they may lie anywhere in the shard.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from striate.datasets.layouts.files import ARRAY, IMAGE_ENDINGS
from striate.datasets.layouts.shelf import State, state
from striate.datasets.layouts.tarring import Member, members
from striate.errors import DataError, printable

_MASKS = ("mask.png", "seg.png")
_TEXTS = ("json", "cls", "txt")
_LONGEST_TEXT = 1 << 24  # bytes
_BUFFER = 1 << 13  # bytes: a label that follows its image comes with the header


@dataclass
class Sample:
    """An image, and what lies beside it."""

    key: str
    image: Member | None = None
    mask: Member | None = None
    arrays: list[Member] = field(default_factory=list)  # the image if there is no picture, else features of it
    texts: dict[str, bytes] = field(default_factory=dict)  # by their endings: json, cls, txt


def scan(path: Path) -> tuple[State, list[Sample]]:
    """The samples of a shard, in order, and the state of the file that they were found in.

    Raises DataError if it cannot be read whole, or holds two images, masks or labels of one key.
    """
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            found = state(file.fileno())
            samples: dict[str, Sample] = {}
            for member, key, ending in _parts_of_samples(file, path):
                _put(samples.setdefault(key, Sample(key)), member, ending, file, path)
            for sample in samples.values():
                _choose_array(sample, path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}; check the disk and the file's permissions"
        ) from error
    return found, list(samples.values())


def _parts_of_samples(file: BinaryIO, path: Path) -> Iterator[tuple[Member, str, str]]:
    """(member, key, ending in small letters); hidden files and `__name__`, which are about the shard, have no key."""
    for member in members(file, path):
        folder, slash, base = member.name.rpartition("/")
        stem, dot, ending = base.partition(".")
        first = member.name.partition("/")[0]
        if stem and dot and not (len(first) >= 4 and first.startswith("__") and first.endswith("__")):
            yield member, folder + slash + stem, ending.lower()


def _put(sample: Sample, member: Member, ending: str, file: BinaryIO, path: Path) -> None:
    if ending in _MASKS:
        _expect_first(sample.mask, member, path)
        sample.mask = member
    elif f".{ending}".endswith(ARRAY):
        sample.arrays.append(member)
    elif f".{ending.rpartition('.')[2]}" in IMAGE_ENDINGS:
        _expect_first(sample.image, member, path)
        sample.image = member
    elif ending in _TEXTS:
        if ending in sample.texts or member.size > _LONGEST_TEXT:
            what = "twice" if ending in sample.texts else f"with {member.size:,} bytes, which is no label"
            raise DataError(printable(f"{path} holds {member.name} {what}; write the shard again"))
        file.seek(member.offset)
        sample.texts[ending] = file.read(member.size)


def _choose_array(sample: Sample, path: Path) -> None:
    """The array is the image where there is no picture."""
    for array in sample.arrays if sample.image is None else ():
        _expect_first(sample.image, array, path)
        sample.image = array


def _expect_first(before: Member | None, member: Member, path: Path) -> None:
    if before is not None:
        raise DataError(
            printable(
                f"{path} holds {before.name} and {member.name}, which have one key; a key is the name up to its first "
                "dot, and each image needs its own: rename one and write the shard again"
            )
        )
