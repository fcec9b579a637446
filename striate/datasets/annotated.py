"""Images and their boxes in one frame: the upright one, in which people see an image.

An annotation tells the size of the image it was made for. If that is the stored frame and EXIF turns the image by 90
degrees, the boxes are turned with it; if it is the upright frame, or no size is told, they stay. Where both frames
have one size (a square, or a half turn) they are taken for upright, as annotation tools show images.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.datasets.frames import Frame, read_frame, turn_points
from striate.datasets.targets import Boxes
from striate.errors import DataError, ImageError
from striate.images.reading import Pixels

_UNTOLD = (0, 0)


def upright_boxes(corners: NDArray[np.float64], size: tuple[int, int], orientation: int) -> NDArray[np.float64]:
    """Boxes (M, 4) left, top, right, bottom of a stored frame of `size` (width, height), once EXIF turns it upright."""
    frame = Frame(*size, orientation)
    first, second = turn_points(corners[:, :2], frame), turn_points(corners[:, 2:], frame)
    return np.concatenate([np.minimum(first, second), np.maximum(first, second)], axis=1)  # (M, 4)


def read_annotated(dataset: Dataset, index: int) -> tuple[Pixels, Boxes]:
    """Pixels (H, W, C) of image `index`, upright, and its boxes on them.

    Raises ImageError if the image cannot be read, or has another size than its annotation tells.
    """
    boxes = _boxes(dataset).at(np.array([index]))
    frame = read_frame(dataset.source(index))
    if not _fits(boxes, frame):
        told, found = ("×".join(map(str, size)) for size in (_told(boxes), frame.upright))
        raise ImageError(
            f"its annotation is for {told} pixels and the image has {found}; put the image there that was annotated",
            dataset.names[index],
        )
    return dataset.read(index), _turned(boxes, frame)


@dataclass(frozen=True)
class Upright:
    """Boxes of all images in upright frames, and places of images."""

    boxes: Boxes
    turned: tuple[int, ...]
    unread: tuple[int, ...]  # whose header cannot be read
    other: tuple[int, ...]  # that have another size than their annotation tells


def all_upright(dataset: Dataset, watch: Callable[[], None] = lambda: None) -> Upright:
    """Turn the boxes of every image; each header is read, and `watch` called after it.

    An image without a readable header, or of another size than told, keeps its boxes in the frame that was told.
    """
    boxes = _boxes(dataset)
    corners, sizes, polygons = boxes.corners.copy(), boxes.sizes.copy(), list(boxes.polygons)
    turned: list[int] = []
    unread: list[int] = []
    other: list[int] = []
    for index in range(len(dataset)):
        own, frame = boxes.at(np.array([index])), _frame(dataset, index)
        if frame is None:
            unread.append(index)
        elif not _fits(own, frame):
            other.append(index)
        else:
            stands, span = _turned(own, frame), boxes.span(index)
            corners[span], sizes[index], polygons[span] = stands.corners, stands.sizes[0], stands.polygons
            turned += [index] * (_told(own) not in (_UNTOLD, frame.upright))
        watch()
    upright = replace(boxes, corners=corners, sizes=sizes, polygons=tuple(polygons))
    return Upright(upright, tuple(turned), tuple(unread), tuple(other))


def _boxes(dataset: Dataset) -> Boxes:
    if isinstance(dataset.targets, Boxes):
        return dataset.targets
    raise DataError(f"{dataset.name} has {dataset.task}; expected boxes")


def _frame(dataset: Dataset, index: int) -> Frame | None:
    try:
        return read_frame(dataset.source(index))
    except ImageError:
        return None  # whoever reads the image gets the reason


def _told(boxes: Boxes) -> tuple[int, int]:
    """The width and height that the annotation of one image tells."""
    return int(boxes.sizes[0, 0]), int(boxes.sizes[0, 1])


def _fits(boxes: Boxes, frame: Frame) -> bool:
    """Whether the annotation of one image was made for it, stored or upright."""
    return _told(boxes) in (_UNTOLD, frame.upright, (frame.width, frame.height))


def _turned(boxes: Boxes, frame: Frame) -> Boxes:
    """The boxes of one image in its upright frame."""
    told, sizes = _told(boxes), np.array([frame.upright], np.int32)
    if told in (_UNTOLD, frame.upright):
        return replace(boxes, sizes=sizes)
    polygons = tuple(tuple(turn_points(ring, frame) for ring in rings) for rings in boxes.polygons)
    return replace(boxes, corners=upright_boxes(boxes.corners, told, frame.orientation), sizes=sizes, polygons=polygons)
