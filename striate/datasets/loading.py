"""Read the images of a data set once, in parallel, into one array; what cannot be read is named, never replaced."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.datasets.targets import Classes
from striate.errors import DataError, ImageError
from striate.images.batches import Batch
from striate.images.preparation import Geometry


@dataclass(frozen=True)
class ImageSet:
    """Images (N, C, H, W), their class numbers (N,) and their names."""

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def batch(self, device: torch.device) -> Batch:
        """The whole set on a device."""
        return Batch(torch.from_numpy(self.images).to(device), torch.from_numpy(self.targets).to(device))

    def subset(self, keep: NDArray[np.bool_]) -> "ImageSet":
        """The images where `keep` (N,) is true."""
        return ImageSet(self.images[keep], self.targets[keep], tuple(np.array(self.names)[keep]))


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why."""

    name: str
    reason: str


def load_images(
    dataset: Dataset,
    members: Sequence[int] | NDArray[np.int64],
    geometry: Geometry,
    classes: Sequence[str],
    *,
    strict: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> tuple[ImageSet, tuple[Skipped, ...]]:
    """Decode and resize the images `members`; `advance` is called after each.

    With geometry.channels None the set is colour if one image is. With `strict` the first unreadable image raises
    DataError. Labels become numbers by their place in `classes`.
    """
    images = np.empty((len(members), geometry.channels or 3, *geometry.size), np.uint8)
    coloured = np.zeros(len(members), bool)
    reasons: dict[int, str] = {}

    def read(place: int) -> None:
        try:
            pixels = geometry.apply(dataset.read(int(members[place])))
        except ImageError as error:
            name = dataset.names[int(members[place])]
            if strict:
                raise DataError(f"{name}: {error.reason}; repair or remove it, or leave out --strict") from error
            reasons[place] = error.reason
        else:
            coloured[place] = len(pixels) == 3
            images[place] = pixels  # a grey image fills all three channels
        advance()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for _ in pool.map(read, range(len(members))):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise

    if geometry.channels is None and not coloured.any():
        images = np.ascontiguousarray(images[:, :1])
    targets = numbered(dataset, classes)[np.asarray(members, np.int64)]
    everything = ImageSet(images, targets, tuple(dataset.names.at(np.asarray(members))))
    skipped = tuple(Skipped(everything.names[place], reasons[place]) for place in sorted(reasons))
    if not skipped:
        return everything, ()
    keep = np.ones(len(members), bool)
    keep[list(reasons)] = False
    return everything.subset(keep), skipped


def numbered(dataset: Dataset, classes: Sequence[str]) -> NDArray[np.int64]:
    """The class number (N,) of each image by its name's place in `classes`; the two lists meet by name."""
    if not isinstance(dataset.targets, Classes):
        raise DataError(f"{dataset.name} has {dataset.task}; expected one class for each image")
    numbers = {label: number for number, label in enumerate(classes)}
    table = np.array([numbers.get(label, -1) for label in dataset.classes], np.int64)
    return table[dataset.targets.numbers]


def fingerprints(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A 64-bit number (N,) for each image, equal for equal pixels: to know again what was trained on."""
    digests = b"".join(hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images)
    return np.frombuffer(digests, np.int64)
