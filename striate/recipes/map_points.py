"""What lies on a map: points, names, classes, and small copies of the images as the network is shown them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import hsv_to_rgb, to_hex
from numpy.typing import NDArray
from PIL import Image

from striate.explain.drawing import Picture, draw_image

MOST = 20_000  # images on a page; of more a part is shown, evenly taken
COLOURED = 20  # classes that have a colour of their own; the rest share grey
REST = "#a0aec0"
_BUDGET = 12_000_000  # pixels of all small copies
_SMALLEST, _LARGEST = 24, 64  # pixels of a side


def side_for(count: int) -> int:
    """Pixels of a side of the small copies of so many images, so that all together stay within 12 million pixels."""
    return int(np.clip((_BUDGET / max(count, 1)) ** 0.5, _SMALLEST, _LARGEST))


class Thumbnails:
    """Small copies (side, side, 3), of every image or of more than 20,000 evenly some."""

    def __init__(self, side: int, count: int) -> None:
        self.side, self._step = side, max(1, -(-count // MOST))
        self.pictures: list[Picture] = []
        self.rows: list[int] = []
        self._seen = 0

    def add(self, images: NDArray[Any]) -> None:
        """Take prepared images (M, C, H, W)."""
        for image in images:
            if self._seen % self._step == 0:
                small = Image.fromarray(draw_image(image)).resize((self.side, self.side), Image.Resampling.BOX)
                self.pictures.append(np.asarray(small))
                self.rows.append(self._seen)
            self._seen += 1


@dataclass(frozen=True)
class MapPoints:
    """N images: where they lie, which group they are of, what the model said of them."""

    points: NDArray[np.float32] = field(repr=False)  # (N, 2)
    names: Sequence[str] = field(repr=False)
    groups: NDArray[np.int64] = field(repr=False)  # (N,)
    group_names: tuple[str, ...] = field(repr=False)
    labelled: bool  # the groups are classes; else what the model said
    said: Sequence[str] = field(repr=False)
    probability: NDArray[np.float32] = field(repr=False)
    thumbnails: NDArray[np.uint8] = field(repr=False)  # (N, S, S, 3)

    def unit(self) -> NDArray[np.float64]:
        """The points within 0..1, in their own aspect."""
        low, span = self.points.min(0), max(float(np.ptp(self.points, axis=0).max()), 1e-12)
        return np.asarray((self.points - low) / span + (1 - np.ptp(self.points, axis=0) / span) / 2, np.float64)

    def coloured(self) -> list[tuple[int, str, int]]:
        """(group, colour, images) of the groups, the largest first; beyond twenty they are grey."""
        numbers, counts = np.unique(self.groups, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        chosen = _colours(min(len(order), COLOURED))
        return [
            (int(numbers[place]), chosen[rank] if rank < COLOURED else REST, int(counts[place]))
            for rank, place in enumerate(order.tolist())
        ]


def _colours(count: int) -> list[str]:
    """Colours that tell so many groups apart, on light and on dark."""
    if count <= 10:
        return [to_hex(colormaps["tab10"](number)) for number in range(count)]
    return [
        to_hex(tuple(hsv_to_rgb((number / count, 0.75, (0.85, 0.65)[number % 2])).tolist())) for number in range(count)
    ]


def apart(points: NDArray[np.float64], side: float) -> NDArray[np.bool_]:
    """Which squares of this side may be drawn at points (N, 2) so that none lies over another, in their order."""
    free = np.zeros(len(points), bool)
    taken: dict[tuple[int, int], list[int]] = {}
    for number, (x, y) in enumerate(points):
        column, row = int(x // side), int(y // side)
        near = (
            other
            for across in (-1, 0, 1)
            for down in (-1, 0, 1)
            for other in taken.get((column + across, row + down), ())
        )
        if all(max(abs(points[other] - (x, y))) >= side for other in near):
            free[number] = True
            taken.setdefault((column, row), []).append(number)
    return free
