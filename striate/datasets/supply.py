"""Where training gets its batches from: all images on the device, or a part at a time, read ahead."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.datasets.loading import ImageSet
from striate.datasets.pool import Note, read_many, usual_workers
from striate.datasets.stack import Decoded
from striate.datasets.streaming import shard_order
from striate.errors import DataError
from striate.images.batches import Batch
from striate.images.keyed import Draws

_SHARD_BUFFER = 16_384  # images among which those of shards are shuffled


class Supply(Protocol):
    """Batches of N labelled images by their places."""

    @property
    def targets(self) -> Tensor:
        """Class numbers (N,), or tags (N, K), on the processor."""

    def __len__(self) -> int: ...

    def order(self, seed: int, epoch: int) -> Tensor:
        """In which order an epoch (from 0) meets the images (N,)."""

    def batches(self, places: Iterable[Tensor]) -> Iterator[tuple[Tensor, Batch]]:
        """For each tensor of places (M,), those that could be read, and their images on the device."""


@dataclass(frozen=True)
class Held:
    """All images on the device."""

    batch: Batch
    shards: NDArray[np.int32] | None = None  # (N,)

    @property
    def targets(self) -> Tensor:
        return self.batch.targets.cpu()

    def __len__(self) -> int:
        return len(self.batch)

    def order(self, seed: int, epoch: int) -> Tensor:
        """See `order_of`."""
        return order_of(len(self), self.shards, seed, epoch)

    def batches(self, places: Iterable[Tensor]) -> Iterator[tuple[Tensor, Batch]]:
        """Copies of the rows."""
        return ((own, self.batch.select(own.to(self.batch.images.device))) for own in places)


@dataclass(frozen=True)
class Streamed:
    """Images that are mapped or decoded when their turn comes, a few batches ahead.

    An image that could be read in the first pass and now cannot is left out of its batch and told to `say`.
    """

    images: ImageSet
    device: torch.device
    workers: int = field(default_factory=usual_workers)
    say: Callable[[str], None] = lambda _text: None

    @property
    def targets(self) -> Tensor:
        return torch.from_numpy(self.images.targets)

    def __len__(self) -> int:
        return len(self.images)

    def order(self, seed: int, epoch: int) -> Tensor:
        """See `order_of`."""
        return order_of(len(self), self.images.shards, seed, epoch)

    def batches(self, places: Iterable[Tensor]) -> Iterator[tuple[Tensor, Batch]]:
        """Each worker reads whole batches; they come in order whatever the workers."""
        return read_many(places, self._read, workers=self.workers, ahead=self.workers + 1, slow=self._slow)

    def _read(self, places: Tensor, note: Note) -> tuple[Tensor, Batch]:
        rows, stack = places.numpy(), self.images.images
        if isinstance(stack, Decoded):
            pixels, reasons = stack.read(rows, note)
            for row, reason in reasons.items():
                self.say(f"left out {self.images.names[int(rows[row])]}, which could be read before: {reason}")
            rows = np.delete(rows, list(reasons))
            if not len(rows):
                raise DataError(f"no image of a batch can be read any more: {min(reasons.values())}; mend and resume")
        else:
            pixels = stack[rows]
        targets = torch.from_numpy(self.images.targets[rows])
        return torch.from_numpy(rows), Batch(torch.from_numpy(pixels).to(self.device), targets.to(self.device))

    def _slow(self, name: str, seconds: float) -> None:
        self.say(f"still reading {name} after {seconds:.0f} s")


def order_of(count: int, shards: NDArray[np.int32] | None, seed: int, epoch: int) -> Tensor:
    """All places (N,), shuffled; of shards one after another, shuffled too, so that disks read on and on.

    It is the same wherever the pixels lie, so that a run can go on where there is more memory, or less.
    """
    if shards is not None:
        return torch.from_numpy(shard_order(shards, seed, epoch, _SHARD_BUFFER))
    draws = Draws(seed, epoch, np.arange(count)).uniform("order", 1)[:, 0]
    return torch.argsort(draws, stable=True)
