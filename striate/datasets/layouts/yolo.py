"""YOLO text: one .txt for each image, one line for each box (docs.ultralytics.com, "Ultralytics YOLO format").

A line is the class number and cx cy w h in shares of the upright image, or x1 y1 x2 y2 x3 y3 … of an outline, whose
box is its extent. Pixels are rounded to a millionth, so that what was written from pixels returns as it was. An image
without a text file has no boxes.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import PARTS, Dataset
from striate.datasets.frames import read_frame
from striate.datasets.layouts.files import expect_distinct, expect_files, fetch_below
from striate.datasets.layouts.gathering import Gathering
from striate.datasets.layouts.yolo_files import labels_of, yolo_files
from striate.datasets.names import Names
from striate.errors import DataError, ImageError

_BOX = 5  # columns
_OUTLINE = 7  # columns, at least
_DIGITS = 6  # of pixels, after the point
_SLACK = 1e-6  # by which a share may leave 0 to 1: tools that count in float32 write 1.0000001
_UNKNOWN = (0, 0)


def read_yolo(root: Path) -> Dataset:
    """A data.yaml, or a folder. Raises DataError, naming file and line, for what cannot be understood."""
    files = yolo_files(root)
    paths = [path for images in files.images.values() for path in images]
    if not paths:
        raise DataError(f"{files.told_by} leads to no images; expected some in the folders that it names")
    names = Names(os.path.relpath(path, files.base) for path in paths)
    expect_distinct(names, files.told_by)
    expect_files(files.base, names, files.told_by)
    labels = [_read_labels(labels_of(path), len(files.classes)) for path in paths]
    sizes = _sizes(paths, labels)
    gathering = Gathering()
    for index, (lines, size) in enumerate(zip(labels, sizes, strict=True)):
        for line in lines if size != _UNKNOWN else ():
            _add(gathering, index, line, size)
    parts = np.array([PARTS.index(part) for part in files.images], np.uint8)
    unknown = [path for path, lines, size in zip(paths, labels, sizes, strict=True) if lines and size == _UNKNOWN]
    return Dataset(
        name=(root if root.is_dir() else root.parent).resolve().name,
        classes=files.classes,
        names=names,
        targets=gathering.boxes(sizes),
        parts=parts.repeat([len(images) for images in files.images.values()]),
        fetch=fetch_below(files.base, names),
        divided=files.divided,
        remarks=_remarks(unknown),
    )


def _read_labels(path: Path, classes: int) -> list[list[float]]:
    """The numbers of each line. Raises DataError, naming the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; expected a text file") from error
    lines = enumerate(text.splitlines(), 1)
    return [_numbers(line.split(), classes, f"{path}, line {number}") for number, line in lines if line.strip()]


def _numbers(words: Sequence[str], classes: int, where: str) -> list[float]:
    if len(words) != _BOX and not (len(words) >= _OUTLINE and len(words) % 2):
        raise DataError(f"{where}: {len(words)} columns; expected a class and cx cy w h, or a class and x y x y x y …")
    if not words[0].isdecimal() or len(words[0]) > _DIGITS or int(words[0]) >= classes:
        raise DataError(f"{where}: the class is {words[0]!r:.40}; expected a number from 0 to {classes - 1}")
    try:
        shares = [float(word) for word in words[1:]]
    except ValueError as error:
        raise DataError(f"{where}: {error}; expected shares of the image's width and height") from error
    for share in shares:
        if not -_SLACK <= share <= 1 + _SLACK:
            raise DataError(f"{where}: {share:g} is no share of the image; expected 0 to 1: divide pixels by its size")
    return [int(words[0]), *shares]


def _sizes(paths: Sequence[Path], labels: Sequence[list[list[float]]]) -> list[tuple[int, int]]:
    """Width and height (N, 2) of the images that have boxes; 0 and 0 for others, and where the header is broken."""
    wanted = [path for path, lines in zip(paths, labels, strict=True) if lines]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        known = dict(zip(wanted, pool.map(_size, wanted), strict=True))
    return [known.get(path, _UNKNOWN) for path in paths]


def _size(path: Path) -> tuple[int, int]:
    try:
        return read_frame(path).upright
    except ImageError:
        return _UNKNOWN  # whoever reads the image gets the reason


def _add(gathering: Gathering, index: int, line: list[float], size: tuple[int, int]) -> None:
    number, shares = int(line[0]), np.array(line[1:]).reshape(-1, 2)
    pixels = shares * np.array(size)  # (2, 2) centre and extent, or (P, 2) points
    if len(line) == _BOX:
        centre, extent = pixels
        gathering.add(index, number, _rounded(np.concatenate([centre - extent / 2, centre + extent / 2])).tolist())
    else:
        ring = _rounded(pixels)
        gathering.add(index, number, [*ring.min(0).tolist(), *ring.max(0).tolist()], rings=(ring,))


def _rounded(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(pixels, _DIGITS) + 0.0  # minus zero becomes zero


def _remarks(unknown: Sequence[Path]) -> tuple[str, ...]:
    if not unknown:
        return ()
    return (f"images whose header cannot be read, left without their boxes: {len(unknown):,}, as {unknown[0]}",)
