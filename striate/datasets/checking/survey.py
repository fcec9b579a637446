"""What one pass over N images has found out: some 1,100 bytes for each, whatever their size.

The thumbnail is the whole image stretched to 32×32 by area means: so the thumbnail of a turned or mirrored image is
the turned or mirrored thumbnail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import PARTS
from striate.datasets.targets import Targets
from striate.images.facts import Facts

SIDE = 32  # pixels of a thumbnail
_CLASSES = 256  # values of a mask


@dataclass(frozen=True)
class Origins:
    """Where pixels come from: equal for equal bytes, and for one file under two names; 0 for what is no file."""

    contents: NDArray[np.int64]  # (N,)
    files: NDArray[np.int64]  # (N,)

    @classmethod
    def room(cls, count: int) -> "Origins":
        return cls(np.zeros(count, np.int64), np.zeros(count, np.int64))


@dataclass(frozen=True)
class Looks:
    """What images look like from afar. Means are in units of white = 1; grey images have three equal channels."""

    thumbnails: NDArray[np.uint8]  # (N, 32, 32) grey
    means: NDArray[np.float32]  # (N, 3)
    squares: NDArray[np.float32]  # (N, 3) means of squares

    @classmethod
    def room(cls, count: int) -> "Looks":
        """Zeros for `count` images."""
        return cls(
            np.zeros((count, SIDE, SIDE), np.uint8), np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)
        )


@dataclass(frozen=True)
class MaskTable:
    """What the masks of N images hold."""

    reasons: dict[int, str]  # why mask i cannot be read
    sizes: NDArray[np.int32]  # (N, 2) height, width
    pixels: NDArray[np.int64]  # (256,) of each class in all masks
    images: NDArray[np.int64]  # (3, 256) of each part in which each class has a pixel

    @classmethod
    def room(cls, count: int) -> "MaskTable":
        pixels, images = np.zeros(_CLASSES, np.int64), np.zeros((len(PARTS), _CLASSES), np.int64)
        return cls({}, np.zeros((count, 2), np.int32), pixels, images)


@dataclass(frozen=True)
class Survey:
    """N images as findings see them. `origins`, `looks` and `masks` are None where nobody has looked."""

    names: Sequence[str]  # (N,)
    classes: tuple[str, ...]
    targets: Targets  # (N,)
    parts: NDArray[np.uint8]  # (N,) places in PARTS
    facts: Sequence[Facts | None]  # (N,) None for what cannot be decoded
    marks: NDArray[np.int64]  # (N,) equal numbers for equal pixels
    reasons: Mapping[int, str] = field(default_factory=dict)  # why image i cannot be decoded
    peaks: Mapping[int, tuple[float, float]] = field(default_factory=dict)  # of those dim: the largest value, and white
    origins: Origins | None = None
    looks: Looks | None = None
    masks: MaskTable | None = None
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def part(self, place: int) -> str:
        """train, validation or test."""
        return PARTS[self.parts[place]]

    def readable(self) -> NDArray[np.bool_]:
        """Which images (N,) can be decoded."""
        return np.array([facts is not None for facts in self.facts], bool)


def spreads(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The standard deviation (N,) of the greys of each thumbnail (N, 32, 32), of 255."""
    found = [
        np.zeros(0),
        *(thumbnails[start : start + 4096].std(axis=(1, 2)) for start in range(0, len(thumbnails), 4096)),
    ]
    return np.concatenate(found)


def upright_sizes(facts: Sequence[Facts | None]) -> NDArray[np.int32]:
    """Width and height (N, 2) as a person sees the images; 0 for what cannot be decoded."""
    sizes = [
        (0, 0) if own is None else (own.height, own.width) if own.orientation >= 5 else (own.width, own.height)
        for own in facts
    ]
    return np.array(sizes, np.int32).reshape(-1, 2)
