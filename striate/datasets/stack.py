"""Prepared images as something to index: an array in memory, a map of a file, or decoded anew each time."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.datasets.pool import read_many
from striate.errors import DataError, ImageError
from striate.images.preparation import Geometry

_TOGETHER = 16  # images that a reader decodes at once
Places = NDArray[np.integer[Any]]
Prepared = NDArray[np.integer[Any]]  # (N, C, H, W) uint8, or uint16 where a range is kept


class Stack(Protocol):
    """Images (N, C, H, W). An index gives one image (C, H, W), a slice or an array of places several (M, C, H, W)."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: Any) -> Any: ...


class _Places(ABC):
    """Indexing by places alone: an integer, a slice, or an array of integers or of yes and no."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _take(self, places: Places) -> Prepared: ...

    def __getitem__(self, key: Any) -> Prepared:
        every = np.arange(len(self))[key]
        return self._take(np.atleast_1d(every))[0] if np.ndim(every) == 0 else self._take(every)


@dataclass(frozen=True)
class Decoded(_Places):
    """The images of a data set, decoded each time that they are asked for; its channels are settled."""

    dataset: Dataset
    geometry: Geometry
    workers: int = 0
    slow: Callable[[str, float], None] = lambda _name, _seconds: None

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.dataset), self.geometry.channels or 0, *self.geometry.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8 if self.geometry.range is None else np.uint16)

    def __len__(self) -> int:
        return len(self.dataset)

    def read(self, places: Places, note: Callable[[str], None]) -> tuple[Prepared, dict[int, str]]:
        """The images (M, C, H, W) that can be read of those at `places`; of the others, which one and why."""
        images = np.empty((len(places), *self.shape[1:]), self.dtype)
        reasons: dict[int, str] = {}
        for row, place in enumerate(places):
            note(self.dataset.names[int(place)])
            try:
                images[row] = self.geometry.prepare(self.dataset.source(int(place)))[0]
            except ImageError as error:
                reasons[row] = error.reason
        return np.delete(images, list(reasons), axis=0) if reasons else images, reasons

    def _take(self, places: Places) -> Prepared:
        parts = np.array_split(places, max(1, -(-len(places) // _TOGETHER)))
        reading = read_many(parts, self._whole, workers=self.workers, ahead=2 * self.workers, slow=self.slow)
        with closing(reading):
            return np.concatenate(list(reading))

    def _whole(self, places: Places, note: Callable[[str], None]) -> Prepared:
        images, reasons = self.read(places, note)
        for row, reason in reasons.items():
            name = self.dataset.names[int(places[row])]
            raise DataError(f"{name} could be read before and now cannot: {reason}; leave the images as they are")
        return images


@dataclass(frozen=True)
class Picked(_Places):
    """Some images of a stack, without a copy of it."""

    stack: Stack
    places: Places  # (N,)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.places), *self.stack.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.stack.dtype

    def __len__(self) -> int:
        return len(self.places)

    def _take(self, places: Places) -> Prepared:
        taken: Prepared = self.stack[self.places[places]]
        return taken
