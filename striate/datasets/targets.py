"""What is known of each image: its class, several classes, boxes with polygons, or a mask.

Class numbers are places in the data set's list of names. Ragged targets are stored end to end: those of image i lie
from `starts[i]` to `starts[i + 1]`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IGNORED = 255  # a mask's pixels that count neither for nor against


@dataclass(frozen=True)
class Classes:
    """One class for each image."""

    numbers: NDArray[np.int32]  # (N,)

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, places: NDArray[np.int64]) -> "Classes":
        """Those of some images (M,)."""
        return Classes(self.numbers[places])

    def counts(self, classes: int) -> NDArray[np.int64]:
        """Images of each class (K,)."""
        return np.bincount(self.numbers, minlength=classes)


@dataclass(frozen=True)
class Tags:
    """Any number of classes for each image, none too."""

    starts: NDArray[np.int64]  # (N + 1,)
    numbers: NDArray[np.int32]  # (M,)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, index: int) -> NDArray[np.int32]:
        """The class numbers of one image."""
        return self.numbers[self.starts[index] : self.starts[index + 1]]

    def at(self, places: NDArray[np.int64]) -> "Tags":
        """Those of some images (M,)."""
        starts, members = gather(self.starts, places)
        return Tags(starts, self.numbers[members])

    def counts(self, classes: int) -> NDArray[np.int64]:
        """Images that bear each class (K,)."""
        return np.bincount(self.numbers, minlength=classes)

    def matrix(self, classes: int) -> NDArray[np.uint8]:
        """Whether each image bears each class (N, K): 1 or 0."""
        table = np.zeros((len(self), classes), np.uint8)
        table[np.repeat(np.arange(len(self)), np.diff(self.starts)), self.numbers] = 1
        return table

    @classmethod
    def of_matrix(cls, table: NDArray[np.generic]) -> "Tags":
        """The inverse of `matrix`."""
        borne = table.astype(bool)
        starts = np.concatenate([[0], np.cumsum(borne.sum(axis=1))])
        return cls(starts.astype(np.int64), np.nonzero(borne)[1].astype(np.int32))


@dataclass(frozen=True)
class Boxes:
    """Boxes of each image in pixels of its upright frame: left, top, right, bottom; the first pixel spans 0 to 1.

    `polygons` has for each box its outline, as rings of (P, 2) points x, y; empty where there is none. `flags` are
    what else a format says of a box, yes or no: "crowd" (COCO), "difficult", "truncated" (VOC). `sizes` are the
    width and height that the annotation gives an image, 0 where it gives none.
    """

    starts: NDArray[np.int64]  # (N + 1,)
    corners: NDArray[np.float64]  # (M, 4)
    numbers: NDArray[np.int32]  # (M,)
    sizes: NDArray[np.int32]  # (N, 2)
    polygons: tuple[tuple[NDArray[np.float64], ...], ...] = ()  # M of them, or none at all
    flags: dict[str, NDArray[np.bool_]] = field(default_factory=dict)  # (M,) each

    def __len__(self) -> int:
        return len(self.starts) - 1

    def span(self, index: int) -> slice:
        """Where the boxes of one image lie."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))

    def at(self, places: NDArray[np.int64]) -> "Boxes":
        """Those of some images (M,)."""
        starts, members = gather(self.starts, places)
        return Boxes(
            starts,
            self.corners[members],
            self.numbers[members],
            self.sizes[places],
            tuple(self.polygons[member] for member in members) if self.polygons else (),
            {name: flag[members] for name, flag in self.flags.items()},
        )

    def counts(self, classes: int) -> NDArray[np.int64]:
        """Boxes of each class (K,)."""
        return np.bincount(self.numbers, minlength=classes)


@dataclass(frozen=True)
class Masks:
    """A class for each pixel: `read(i)` gives (H, W) class numbers in uint8, 255 where a pixel does not count.

    `read` raises ImageError for a mask that cannot be read or holds a value without a class.
    """

    read: Callable[[int], NDArray[np.uint8]]
    places: NDArray[np.int64]  # (N,) what `read` is asked for

    def __len__(self) -> int:
        return len(self.places)

    def of(self, index: int) -> NDArray[np.uint8]:
        """The mask (H, W) of one image, upright."""
        return self.read(int(self.places[index]))

    def at(self, places: NDArray[np.int64]) -> "Masks":
        """Those of some images (M,)."""
        return Masks(self.read, self.places[places])


Targets = Classes | Tags | Boxes | Masks


def targets_of(told: NDArray[np.integer]) -> Classes | Tags:
    """Class numbers (N,) as classes, 0 or 1 for each class (N, K) as tags."""
    return Classes(told.astype(np.int32)) if told.ndim == 1 else Tags.of_matrix(told)


def rarest(table: NDArray[np.integer]) -> NDArray[np.int64]:
    """The tag (N,) of each image, of its tags (N, K), that fewest images bear; K for an image of none.

    >>> rarest(np.array([[1, 1], [0, 1], [0, 0]]))
    array([0, 1, 2])
    """
    scarcity = np.where(table.astype(bool), table.sum(axis=0, dtype=np.int64), len(table) + 1)  # (N, K)
    numbers: NDArray[np.int64] = np.where(table.any(axis=1), scarcity.argmin(axis=1), table.shape[1])
    return numbers


def gather(starts: NDArray[np.int64], places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """New starts (len(places) + 1,), and where the members of those places lie."""
    lengths = np.diff(starts)[places]
    fresh = np.concatenate([[0], np.cumsum(lengths)])
    members = np.repeat(starts[places] - fresh[:-1], lengths) + np.arange(fresh[-1])
    return fresh.astype(np.int64), members.astype(np.int64)
