"""Read the images of a data set once, in parallel; what cannot be read is named, never replaced.

The pass is the same wherever the pixels go: into memory, into the cache, or nowhere, to be decoded again when they are
asked for. So what cannot be read, and what was seen, is known before training begins, also of what fits no memory.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.datasets.pool import Note, read_many, usual_workers
from striate.datasets.stack import Decoded, Picked, Prepared, Stack
from striate.datasets.targets import Classes, Tags
from striate.errors import DataError, ImageError
from striate.images.batches import Batch
from striate.images.facts import Facts
from striate.images.preparation import Geometry

_TOGETHER = 8  # images that a worker takes at once
_CHUNK = 256  # images that are looked through at once
_LOOKED_AT = 64  # images, to know how many channels a set has


class Watch(Protocol):
    """Whoever waits for the images."""

    def advance(self, count: int = 1) -> None:
        """So many more are done."""

    def slow(self, name: str, seconds: float) -> None:
        """A file has been read for so long."""

    def say(self, text: str) -> None:
        """Something that a person should know."""


class Unwatched:
    """Nobody waits."""

    def advance(self, count: int = 1) -> None: ...
    def slow(self, name: str, seconds: float) -> None: ...
    def say(self, text: str) -> None: ...


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class ImageSet:
    """Prepared images (N, C, H, W), their targets, names, facts, and fingerprints (N,) of their pixels."""

    images: Stack
    targets: NDArray[np.integer]  # (N,) class numbers in int64, or (N, K) tags, 0 or 1, in uint8
    names: Sequence[str]
    facts: Sequence[Facts] = ()
    shards: NDArray[np.int32] | None = None
    known_marks: NDArray[np.int64] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def marks(self) -> NDArray[np.int64]:
        """Fingerprints of the pixels."""
        return fingerprints(self.images) if self.known_marks is None else self.known_marks

    def batch(self, device: torch.device) -> Batch:
        """The whole set on a device."""
        return Batch(torch.from_numpy(self.images[:]).to(device), torch.from_numpy(self.targets).to(device))

    def subset(self, keep: NDArray[np.bool_]) -> "ImageSet":
        """The images where `keep` (N,) is true; their pixels are not copied."""
        places = np.flatnonzero(keep)
        indices = places.tolist()
        return ImageSet(
            Picked(self.images, places),
            self.targets[places],
            [self.names[index] for index in indices],
            [self.facts[index] for index in indices] if self.facts else (),
            None if self.shards is None else self.shards[places],
            self.marks[places],
        )


@dataclass(frozen=True)
class Survey:
    """What one pass over N images has found out, but their pixels."""

    reasons: dict[int, str]  # why image i cannot be read
    facts: list[Facts | None]
    coloured: NDArray[np.bool_]  # (N,)
    marks: NDArray[np.int64]  # (N, 2) fingerprints: as it is, and with grey in all three channels


@dataclass(frozen=True)
class Loading:
    """How images are read."""

    strict: bool = False
    workers: int = field(default_factory=usual_workers)
    watch: Watch = field(default_factory=Unwatched, repr=False)


def load_images(
    dataset: Dataset, geometry: Geometry, classes: Sequence[str], loading: Loading | None = None
) -> tuple[ImageSet, tuple[Skipped, ...]]:
    """Decode and resize all images of a data set into memory.

    With geometry.channels None the set is colour if one image is. With `loading.strict` the first unreadable image
    raises DataError. Labels become numbers by their place in `classes`.
    """
    how = loading or Loading()
    settled = settle_channels(dataset, geometry)
    pixels = np.empty((len(dataset), *room_of(settled)), pixel_type(settled))

    def put(place: int, image: Prepared) -> None:
        pixels[place] = image  # a grey image fills all channels

    return image_set(dataset, settled, classes, survey(dataset, settled, how, put), pixels, how)


def survey(dataset: Dataset, geometry: Geometry, how: Loading, put: Callable[[int, Prepared], None]) -> Survey:
    """Read every image once and hand its prepared pixels (C, H, W) to `put`, from several threads."""
    count = len(dataset)
    found = Survey({}, [None] * count, np.zeros(count, bool), np.zeros((count, 2), np.int64))
    alike: dict[Facts, Facts] = {}

    def read(places: range, note: Note) -> int:
        for place in places:
            note(dataset.names[place])
            try:
                pixels, facts = geometry.prepare(dataset.source(place))
            except ImageError as error:
                found.reasons[place] = error.reason
            else:
                found.facts[place] = alike.setdefault(facts, facts)
                found.coloured[place] = len(pixels) != 1
                found.marks[place] = _both_marks(pixels, geometry)
                put(place, pixels)
        return len(places)

    parts = [range(start, min(start + _TOGETHER, count)) for start in range(0, count, _TOGETHER)]
    reading = read_many(parts, read, workers=how.workers, ahead=2 * how.workers, slow=how.watch.slow)
    with closing(reading):
        for done in reading:
            how.watch.advance(done)
            expect_readable(dataset, found, how)
    return found


def expect_readable(dataset: Dataset, found: Survey, how: Loading) -> None:
    """Raise DataError for the first image that cannot be read, if that was asked for."""
    if how.strict and found.reasons:
        place = min(found.reasons)
        raise DataError(f"{dataset.names[place]}: {found.reasons[place]}; repair or remove it, or leave out --strict")


def image_set(
    dataset: Dataset,
    geometry: Geometry,
    classes: Sequence[str],
    found: Survey,
    pixels: Prepared | None,
    how: Loading,
) -> tuple[ImageSet, tuple[Skipped, ...]]:
    """The readable images of a survey, with their pixels, or to be decoded again; and what was left out."""
    grey = geometry.channels is None and not found.coloured.any()
    channels = 1 if grey else room_of(geometry)[0]
    places = np.array([place for place in range(len(dataset)) if place not in found.reasons], np.int64)
    chosen = dataset if len(places) == len(dataset) else dataset.at(places)
    marks = found.marks[places, 0 if grey or geometry.channels is not None else 1]
    images = ImageSet(
        _again(chosen, geometry, channels, how) if pixels is None else _readable(pixels, places, channels),
        numbered(chosen, classes),
        chosen.names,
        [facts for facts in found.facts if facts is not None],
        chosen.shards,
        marks,
    )
    return images, tuple(Skipped(dataset.names[place], found.reasons[place]) for place in sorted(found.reasons))


def _again(dataset: Dataset, geometry: Geometry, channels: int, how: Loading) -> Stack:
    return Decoded(dataset, replace(geometry, channels=channels), how.workers, how.watch.slow)


def _readable(pixels: Prepared, places: NDArray[np.int64], channels: int) -> Stack:
    """The images at `places`: of a map without a copy, in memory closed up in place, so that nothing is held twice."""
    if isinstance(pixels, np.memmap):
        view = pixels[:, :channels]
        return view if len(places) == len(view) else Picked(view, places)
    for row, place in enumerate(places):
        if row != place:
            pixels[row] = pixels[place]
    return np.ascontiguousarray(pixels[: len(places), :channels])


def settle_channels(dataset: Dataset, geometry: Geometry) -> Geometry:
    """The geometry with its channels known, if a range is kept: the most of a few images spread over the set.

    Grey images then stand beside coloured ones in three channels; other numbers of bands are refused image by image.
    Without a range they stay open: the set is grey if every image is.
    """
    if geometry.channels is not None or geometry.range is None:
        return geometry
    most = 1
    for place in range(0, len(dataset), max(1, len(dataset) // _LOOKED_AT)):
        with suppress(ImageError):
            most = max(most, len(geometry.prepare(dataset.source(place))[0]))
    return replace(geometry, channels=most)


def room_of(geometry: Geometry) -> tuple[int, int, int]:
    """Channels, height and width that an image is given room for: until all are known to be grey, three channels."""
    return (geometry.channels or 3, *geometry.size)


def pixel_type(geometry: Geometry) -> np.dtype[Any]:
    """uint8, or uint16 where a range is kept."""
    return np.dtype(np.uint8 if geometry.range is None else np.uint16)


def numbered(dataset: Dataset, classes: Sequence[str]) -> NDArray[np.integer]:
    """The class number (N,) of each image by its name's place in `classes`, or its tags (N, K); lists meet by name."""
    numbers = {label: number for number, label in enumerate(classes)}
    table = np.array([numbers.get(label, -1) for label in dataset.classes], np.int64)
    if isinstance(dataset.targets, Classes):
        return table[dataset.targets.numbers]
    if isinstance(dataset.targets, Tags):
        own = dataset.targets.matrix(len(dataset.classes))
        tags = np.zeros((len(dataset), len(classes)), np.uint8)
        tags[:, table[table >= 0]] = own[:, table >= 0]
        return tags
    raise DataError(f"{dataset.name} has {dataset.task}; expected one class for each image, or tags")


def fingerprints(images: Stack) -> NDArray[np.int64]:
    """A 64-bit number (N,) for each image, equal for equal pixels: to know again what was trained on."""
    parts = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
    return np.array([_mark(image) for part in parts for image in part], np.int64)


def _mark(image: Prepared) -> int:
    return int.from_bytes(hashlib.blake2b(image.tobytes(), digest_size=8).digest(), "little", signed=True)


def _both_marks(pixels: Prepared, geometry: Geometry) -> tuple[int, int]:
    """Of the pixels, and of what they are if another image makes the set a colour one."""
    own = _mark(pixels)
    turns_colour = len(pixels) == 1 and geometry.channels is None
    return own, _mark(np.repeat(pixels, 3, axis=0)) if turns_colour else own
