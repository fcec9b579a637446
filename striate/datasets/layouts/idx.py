"""MNIST and what is stored as it is: `train-images-idx3-ubyte` and its three sisters, packed with gzip or not.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "File formats": two zero
bytes, the kind of the values (8: a byte), the number of dimensions, each of them as 4 bytes, highest first, the values.
All images are held in memory, as one byte a pixel: 47 MB for MNIST's 60,000 images of 28×28.
"""

import gzip
import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import PARTS, TEST, TRAIN, Dataset
from striate.datasets.layouts.class_list import FILE, read_class_list, settle
from striate.datasets.names import Names
from striate.datasets.targets import Classes
from striate.errors import DataError
from striate.images.walking import entries
from striate.machine.choice import memory_limit

_NAME = re.compile(r"(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(\.gz)?")
_BYTES = 8  # the kind of values
_DIMENSIONS = {"images": 3, "labels": 1}


def recognises_idx(root: Path) -> bool:
    """Whether a folder holds such a file of images."""
    return root.is_dir() and any(kind == "images" for _, kind in _files(root))


def read_idx(root: Path, *, name: str = "", classes: Sequence[str] | None = None) -> Dataset:
    """The images of the training files, then those of the test files; one of the two may be missing.

    Classes are called by `classes`, else by the lines of classes.txt beside the files, else by their numbers. Raises
    DataError for a file that is cut short, is no such file, or does not fit the others.
    """
    files = _files(root)
    parts = [part for part in (TRAIN, TEST) if (part, "images") in files]
    if not parts:
        raise DataError(f"{root} has no train-images-idx3-ubyte or t10k-images-idx3-ubyte; expected such files")
    scans, numbers = zip(*(_read_part(root, files, part) for part in parts), strict=True)
    if len({images.shape[1:] for images in scans}) > 1:
        sizes = " and ".join(f"{images.shape[1]}×{images.shape[2]}" for images in scans)
        raise DataError(f"{root} has images of {sizes}; expected one size: take the files of one data set")
    images, labels = np.concatenate(scans), np.concatenate(numbers)  # (N, H, W), (N,)
    present, inverse = np.unique(labels, return_inverse=True)
    called, table = settle(present.tolist(), classes or read_class_list(root / FILE), str(root))
    divided, counts = len(parts) == 2, [len(scan) for scan in scans]
    return Dataset(
        name=name or root.resolve().name,
        classes=called,
        names=Names(f"{part}/{index:05d}" for part, count in zip(parts, counts, strict=True) for index in range(count)),
        targets=Classes(table[inverse]),
        parts=np.repeat([PARTS.index(part if divided else TRAIN) for part in parts], counts).astype(np.uint8),
        fetch=lambda index: images[index],
        divided=divided,
    )


def _files(root: Path) -> dict[tuple[str, str], Path]:
    """By part and kind; of a file that is there twice, the one that is not packed."""
    found: dict[tuple[str, str], Path] = {}
    for path in entries(root):  # sorted, so that the packed one comes second
        if match := _NAME.fullmatch(path.name):
            found.setdefault((TRAIN if match[1] == "train" else TEST, match[2]), path)
    return found


def _read_part(
    root: Path, files: dict[tuple[str, str], Path], part: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, H, W) and labels (N,)."""
    path = files[part, "images"]
    if (part, "labels") not in files:
        wanted = path.name.replace("images", "labels").replace("idx3", "idx1")
        raise DataError(f"{root} has {path.name} and no labels for it; put {wanted} beside it")
    images, labels = read_array(path, "images"), read_array(files[part, "labels"], "labels")
    if len(images) != len(labels):
        raise DataError(
            f"{path} holds {len(images):,} images and {files[part, 'labels'].name} {len(labels):,} labels; expected "
            "one for each: take both from one data set"
        )
    return images, labels


def read_array(path: Path, kind: str) -> NDArray[np.uint8]:
    """The values: (N, H, W) of images, (N,) of labels. Raises DataError if the file does not hold such."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            shape = _shape(file.read(4 + 4 * _DIMENSIONS[kind]), path, kind)
            content = file.read(math.prod(shape) + 1)  # a byte too many shows that the file goes on
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged or cut short: {error}; download it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    if len(content) != math.prod(shape):
        length = "more" if len(content) > math.prod(shape) else f"{len(content):,}"
        raise DataError(f"{path} promises {math.prod(shape):,} bytes and holds {length}; download it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _shape(header: bytes, path: Path, kind: str) -> tuple[int, ...]:
    """What the header says, if it is one, and if there is memory for it."""
    dimensions = _DIMENSIONS[kind]
    if header[:4] != bytes((0, 0, _BYTES, dimensions)) or len(header) < 4 + 4 * dimensions:
        raise DataError(
            f"{path} begins with {header[:4].hex(' ') or 'nothing'}; expected 00 00 08 0{dimensions}, the sign of "
            f"{kind} in bytes: download it again"
        )
    shape = tuple(int(length) for length in np.frombuffer(header, ">u4", offset=4))
    needed, limit = math.prod(shape), memory_limit() // 2
    if needed > limit or 0 in shape:
        raise DataError(
            f"{path} says it holds {' × '.join(map(str, shape))} values; expected some, and at most {limit:,}, half of "
            "this machine's memory: download it again, or convert it to a folder of images"
        )
    return shape
