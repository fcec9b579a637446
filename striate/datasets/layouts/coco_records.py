"""What one record of a COCO file says: an image, or a box with its outline (cocodataset.org, "Data format").

A bbox is left, top, width, height in pixels; an outline is rings of x, y, or run lengths (RLE) of a mask.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.datasets.layouts.gathering import Rings
from striate.errors import DataError

_FAR = 1e9  # pixels; no image is so large
CROWD, RUN_LENGTHS = "crowd", "rle"  # flags: the box is round a crowd; its outline is run lengths, which are not read


@dataclass(frozen=True)
class Shape:
    """Left, top, right, bottom; the outline; the flags that are set."""

    corners: tuple[float, float, float, float]
    rings: Rings
    flags: tuple[str, ...]


def identity(record: Mapping[str, Any], key: str, where: str) -> int | str:
    """A number or a text by which records know each other. Raises DataError if there is none."""
    found = record.get(key)
    if isinstance(found, int | str) and not isinstance(found, bool):
        return found
    raise DataError(f"{where} has {_told(record, key)}; expected a number")


def text(record: Mapping[str, Any], key: str, where: str) -> str:
    """A text that is not empty and can be printed."""
    found = record.get(key)
    if isinstance(found, str) and found.strip() and found.isprintable():
        return unicodedata.normalize("NFC", found.strip()) if key == "name" else found
    raise DataError(f"{where} has {_told(record, key)}; expected a name that can be printed")


def size(record: Mapping[str, Any], where: str) -> tuple[int, int]:
    """Width and height of an image; 0 and 0 if it does not say."""
    width, height = record.get("width") or 0, record.get("height") or 0
    if all(isinstance(side, int) and 0 <= side < 2**31 for side in (width, height)) and bool(width) == bool(height):
        return width, height
    raise DataError(f"{where} is {width!r} wide and {height!r} high; expected whole numbers of pixels")


def shape(record: Mapping[str, Any], where: str) -> Shape:
    """The box and the outline of an annotation. Raises DataError if there is no box to be had."""
    outline = record.get("segmentation") or []
    run_lengths = isinstance(outline, dict)
    rings = () if run_lengths else _rings(outline, where)
    flags = [CROWD] * bool(record.get("iscrowd")) + [RUN_LENGTHS] * run_lengths
    if record.get("bbox") is None and rings:
        points = np.concatenate(rings)  # (P, 2)
        (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
        return Shape((left, top, right, bottom), rings, tuple(flags))
    left, top, width, height = _box(record, where)
    return Shape((left, top, left + width, top + height), rings, tuple(flags))


def _box(record: Mapping[str, Any], where: str) -> tuple[float, ...]:
    box = record.get("bbox")
    if isinstance(box, list) and len(box) == 4 and _are_numbers(box) and min(box[2:]) >= 0:
        return tuple(map(float, box))
    raise DataError(f"{where} has {_told(record, 'bbox')}; expected left, top, width, height in pixels")


def _rings(outline: object, where: str) -> Rings:
    if isinstance(outline, list) and all(isinstance(ring, list) and _is_ring(ring) for ring in outline):
        return tuple(np.array(ring, np.float64).reshape(-1, 2) for ring in outline)
    raise DataError(f"{where} has the segmentation {outline!r:.60}; expected lists of x, y, x, y, … or run lengths")


def _is_ring(ring: list[object]) -> bool:
    return len(ring) >= 4 and len(ring) % 2 == 0 and _are_numbers(ring)


def _are_numbers(values: list[Any]) -> bool:
    return all(type(value) in (int, float) and -_FAR < value < _FAR for value in values)


def _told(record: Mapping[str, Any], key: str) -> str:
    return f"the {key} {record[key]!r:.60}" if key in record else f"no {key}"
