"""Boxes as a reader meets them, in any order, gathered into `Boxes`: those of each image end to end."""

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from striate.datasets.targets import Boxes

Rings = tuple[NDArray[np.float64], ...]  # the outline of one box, each ring (P, 2)


class Gathering:
    """Numbers are kept in arrays: a box costs 48 bytes and its outline."""

    def __init__(self) -> None:
        self._images, self._numbers = array("q"), array("i")
        self._corners = array("d")
        self._outlines: list[Rings] = []
        self._flags: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def add(
        self, image: int, number: int, corners: Iterable[float], *, rings: Rings = (), flags: Iterable[str] = ()
    ) -> None:
        """A box of an image, its class number, left, top, right, bottom, its outline, and the flags that are set."""
        for flag in flags:
            self._flags.setdefault(flag, []).append(len(self))
        self._images.append(image)
        self._numbers.append(number)
        self._corners.extend(corners)
        self._outlines.append(rings)

    def boxes(self, sizes: Sequence[tuple[int, int]], classes: NDArray[np.int32] | None = None) -> Boxes:
        """All of them; `sizes` are the N images' width and height; with `classes` number n becomes `classes[n]`.

        A flag that no box has is left out, and so are the outlines if there are none.
        """
        images = np.array(self._images, np.int64)
        sorting = np.argsort(images, kind="stable")  # (M,)
        numbers = np.array(self._numbers, np.int32)[sorting]
        return Boxes(
            starts=np.concatenate([[0], np.cumsum(np.bincount(images, minlength=len(sizes)))]).astype(np.int64),
            corners=np.array(self._corners, np.float64).reshape(-1, 4)[sorting],
            numbers=numbers if classes is None else classes[numbers],
            sizes=np.array(sizes, np.int32).reshape(-1, 2),
            polygons=tuple(self._outlines[place] for place in sorting) if any(self._outlines) else (),
            flags={flag: _raised(self._flags[flag], len(self))[sorting] for flag in sorted(self._flags)},
        )


def join_boxes(parts: Sequence[Boxes]) -> Boxes:
    """The boxes of several lists of images, one list after the other."""
    flags = sorted({flag for boxes in parts for flag in boxes.flags})
    outlined = any(boxes.polygons for boxes in parts)
    lengths = np.concatenate([np.diff(boxes.starts) for boxes in parts])  # (N,)
    return Boxes(
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        corners=np.concatenate([boxes.corners for boxes in parts]),
        numbers=np.concatenate([boxes.numbers for boxes in parts]),
        sizes=np.concatenate([boxes.sizes for boxes in parts]),
        polygons=tuple(rings for boxes in parts for rings in outlines_of(boxes)) if outlined else (),
        flags={flag: np.concatenate([flag_of(boxes, flag) for boxes in parts]) for flag in flags},
    )


def outlines_of(boxes: Boxes) -> Sequence[Rings]:
    """The outline of every box (M,), empty where there is none."""
    return boxes.polygons or ((),) * len(boxes.numbers)


def flag_of(boxes: Boxes, flag: str) -> NDArray[np.bool_]:
    """A flag (M,), false where the format did not have it."""
    return boxes.flags.get(flag, np.zeros(len(boxes.numbers), bool))


def _raised(places: list[int], count: int) -> NDArray[np.bool_]:
    raised = np.zeros(count, bool)  # (M,)
    raised[places] = True
    return raised
