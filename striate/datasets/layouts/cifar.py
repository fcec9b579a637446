"""CIFAR-10 and CIFAR-100 in their binary version, unpacked or as the .tar.gz that is downloaded.

Source: A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009), and its page's "Binary version":
a record is the class (CIFAR-100: the coarse class, then the fine one), one byte each, then 32×32 values of red, as many
of green, as many of blue, row by row. All records are held in memory: 184 MB for the 60,000.
"""

import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import PARTS, TEST, TRAIN, Dataset
from striate.datasets.names import Names
from striate.datasets.targets import Classes
from striate.errors import DataError

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE


@dataclass(frozen=True)
class _Version:
    folder: str  # inside the archive
    classes: str  # the file with their names
    train: tuple[str, ...]
    test: str
    label: int  # the byte of a record
    record: int  # bytes
    own_names: bool  # its files are called as no others are


_VERSIONS = (
    _Version(
        "cifar-10-batches-bin",
        "batches.meta.txt",
        tuple(f"data_batch_{batch}.bin" for batch in range(1, 6)),
        "test_batch.bin",
        label=0,
        record=1 + _PIXELS,
        own_names=True,
    ),
    _Version(
        "cifar-100-binary",
        "fine_label_names.txt",
        ("train.bin",),
        "test.bin",
        label=1,
        record=2 + _PIXELS,
        own_names=False,
    ),
)


def recognises_cifar(root: Path) -> bool:
    """Whether it is one of the two archives, or a folder that holds one, or holds what is in it."""
    return _find(root) is not None


def read_cifar(root: Path, *, name: str = "") -> Dataset:
    """The training images, then the test images; CIFAR-100 by its fine classes.

    Files that are missing are told in the remarks; without training or test files nothing is divided. Raises DataError
    for a file that is cut short, holds a class without a name, or if there is no list of names.
    """
    found = _find(root)
    if found is None:
        raise DataError(
            f"{root} has no data_batch_1.bin, and no train.bin with fine_label_names.txt; expected the binary version "
            "of CIFAR-10 or CIFAR-100"
        )
    place, version = found
    contents = dict(_archived(place, version) if place.is_file() else _lying(place, version))
    classes = _classes(contents.pop(version.classes, b""), place / version.classes)
    records = {file: _records(content, classes, version, place / file) for file, content in contents.items()}
    numbers = np.array([PARTS.index(TEST if file == version.test else TRAIN) for file in records], np.uint8)
    divided = len(set(numbers.tolist())) == 2
    every = np.concatenate(list(records.values()))  # (N, 1 or 2 + 3072)
    images = every[:, version.label + 1 :].reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)  # (N, 32, 32, 3)
    missing = [file for file in (*version.train, version.test) if file not in records]
    return Dataset(
        name=name or root.resolve().name.partition(".")[0],
        classes=classes,
        names=Names(
            f"{file.removesuffix('.bin')}/{index:05d}" for file, own in records.items() for index in range(len(own))
        ),
        targets=Classes(every[:, version.label].astype(np.int32)),
        parts=np.repeat(numbers if divided else numbers * 0, [len(own) for own in records.values()]),
        fetch=lambda index: images[index],
        divided=divided,
        remarks=(f"{place} lacks {', '.join(missing)}",) if missing else (),
    )


def _find(root: Path) -> tuple[Path, _Version] | None:
    """The folder or the archive, and which of the two versions it is."""
    for version in _VERSIONS:
        archive = f"{version.folder.replace('batches-bin', 'binary')}.tar.gz"
        if root.is_file() and root.name == archive:
            return root, version
        for folder in (root, root / version.folder):
            images = any((folder / file).is_file() for file in (*version.train, version.test))
            if images and (version.own_names or (folder / version.classes).is_file()):
                return folder, version
        if (root / archive).is_file():
            return root / archive, version
    return None


def _wanted(version: _Version) -> tuple[str, ...]:
    return (version.classes, *version.train, version.test)


def _lying(folder: Path, version: _Version) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file that is there, in order."""
    for file in _wanted(version):
        try:
            yield file, (folder / file).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataError(f"{folder / file} cannot be read: {error.strerror}; check its permissions") from error


def _archived(archive: Path, version: _Version) -> list[tuple[str, bytes]]:
    """The same out of the archive, which is read once from end to end."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r|gz") as files:
            for member in files:
                path = PurePosixPath(member.name)
                if path.parent.name == version.folder and path.name in _wanted(version) and member.isreg():
                    content = files.extractfile(member)
                    found[path.name] = content.read() if content else b""
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"{archive} is damaged or cut short: {error}; download it again") from error
    return [(file, found[file]) for file in _wanted(version) if file in found]


def _classes(content: bytes, path: Path) -> tuple[str, ...]:
    names = tuple(line.strip() for line in content.decode(errors="replace").splitlines() if line.strip())
    if not names:
        raise DataError(f"{path} is missing or empty; expected the names of the classes, one a line")
    return names


def _records(content: bytes, classes: tuple[str, ...], version: _Version, path: Path) -> NDArray[np.uint8]:
    """(N, bytes of a record)."""
    if not content or len(content) % version.record:
        raise DataError(
            f"{path} has {len(content):,} bytes; expected whole records of {version.record:,}: download it again"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, version.record)
    largest = int(records[:, version.label].max())
    if largest >= len(classes):
        raise DataError(f"{path} holds the class {largest}; expected 0 to {len(classes) - 1}: download it again")
    return records
