"""YOLO text written: images/train/ and labels/train/, and so on, and data.yaml; of one piece, images/ and labels/.

Shares have twelve digits, so that pixels return to a millionth. An outline is one ring whose extent is its box.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.datasets.layouts.files import counted
from striate.datasets.layouts.gathering import Rings
from striate.datasets.targets import Boxes
from striate.datasets.writers.copying import WORDS, Copying, boxes_of, divided_words, write_lines
from striate.datasets.writers.losses import lost_flags, lost_groups

_SAME = 1e-6  # pixels
_DIGITS = 12
_SLACK = 1e-12


def yolo_loses(dataset: Dataset) -> Iterator[str]:
    """What YOLO cannot hold: flags, groups, outlines of several rings or beside their box, and what lies outside."""
    boxes = boxes_of(dataset)
    outlines = zip(boxes.polygons, boxes.corners, strict=False)
    if odd := sum(bool(rings) and not _is_line(rings, corners) for rings, corners in outlines):
        yield f"{counted(odd, 'outline')} of several rings or other extent than the box"
    shares = list(_all_shares(boxes))
    if unknown := len(boxes.numbers) - len(shares):
        yield f"{counted(unknown, 'box', 'boxes')} of images of unknown size"
    if outside := sum(not _is_inside(own) for own in shares):
        yield f"what of {counted(outside, 'box', 'boxes')} lies outside the image"
    yield from lost_flags(boxes, ())
    yield from lost_groups(dataset)


def write_yolo(dataset: Dataset, out: Path, watch: Callable[[], None]) -> tuple[str, ...]:
    """Write all images, a text file for each, and data.yaml; boxes that reach out of their image are cut to it."""
    boxes = boxes_of(dataset)
    words = divided_words(dataset)
    copying = Copying(dataset, out, watch, words, by_stem=True)
    for index, word in enumerate(words):
        name = copying.copy(index, f"images/{word}")
        write_lines(out / "labels" / word / f"{Path(name).stem}.txt", _text(boxes, index))
    parts = [word for word in WORDS.values() if word in words]
    lines = [f"{word}: images/{word}" for word in parts] or ["train: images"]
    names = [f"  {number}: {json.dumps(name, ensure_ascii=False)}" for number, name in enumerate(dataset.classes)]
    write_lines(out / "data.yaml", [*lines, f"nc: {len(dataset.classes)}", "names:", *names])
    return copying.remarks()


def _text(boxes: Boxes, index: int) -> Iterator[str]:
    """The lines of one image."""
    span = boxes.span(index)
    for place in range(span.start, span.stop):
        shares = _shares(boxes, index, place)
        if shares is None:
            continue
        inside = shares if _is_inside(shares) else _cut(shares)
        if inside is not None:
            numbers = (f"{share:.{_DIGITS}f}".rstrip("0").rstrip(".") for share in np.clip(inside, 0, 1).ravel())
            yield " ".join([str(boxes.numbers[place]), *numbers])


def _all_shares(boxes: Boxes) -> Iterator[NDArray[np.float64]]:
    """Those of every box of an image of known size."""
    for index in range(len(boxes)):
        span = boxes.span(index)
        for place in range(span.start, span.stop):
            if (shares := _shares(boxes, index, place)) is not None:
                yield shares


def _shares(boxes: Boxes, index: int, place: int) -> NDArray[np.float64] | None:
    """Centre and extent (2, 2), or the points (P, 2) of the outline, in shares of the image; none without its size."""
    size = boxes.sizes[index].astype(np.float64)
    if not size.all():
        return None
    first, last = boxes.corners[place, :2], boxes.corners[place, 2:]
    pixels: NDArray[np.float64] = np.stack([(first + last) / 2, last - first])
    if boxes.polygons and _is_line(boxes.polygons[place], boxes.corners[place]):
        pixels = boxes.polygons[place][0]
    shares: NDArray[np.float64] = pixels / size
    return shares


def _is_line(rings: Rings, corners: NDArray[np.float64]) -> bool:
    """Whether an outline fits into a line of the format, and its box follows from it."""
    if len(rings) != 1 or len(rings[0]) < 3:
        return False
    extent = np.concatenate([rings[0].min(0), rings[0].max(0)])
    return bool(np.abs(extent - corners).max() <= _SAME)


def _is_inside(shares: NDArray[np.float64]) -> bool:
    return bool((shares >= -_SLACK).all() and (shares <= 1 + _SLACK).all())


def _cut(shares: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """What of a box or an outline lies inside; none if nothing does."""
    if len(shares) > 2:
        points = np.clip(shares, 0, 1)
        return points if np.ptp(points, axis=0).all() else None
    centre, extent = shares
    first, last = np.clip(centre - extent / 2, 0, 1), np.clip(centre + extent / 2, 0, 1)
    return np.stack([(first + last) / 2, last - first]) if (last > first).all() else None
