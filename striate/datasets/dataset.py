"""A data set: images that can be fetched one by one, each with its name, its target and its part of the division."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from striate.datasets.names import Names
from striate.datasets.targets import Boxes, Classes, Masks, Tags, Targets
from striate.errors import DataError
from striate.images.reading import ImageSource, Pixels, read_image

Part = Literal["train", "validation", "test"]
TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Dataset:
    """N images of one task. Nothing is decoded before it is asked for.

    `fetch(i)` gives what `read_image` takes: a path, a file's bytes, or an array; `i` is a place in `places`, through
    which `at` selects without copying anything. `divided` says whether the parts came with the data, or were drawn.
    """

    name: str
    classes: tuple[str, ...]  # the number of a class is its place here
    names: Names  # (N,)
    targets: Targets  # (N,)
    parts: NDArray[np.uint8]  # (N,) places in PARTS
    fetch: Callable[[int], ImageSource]
    divided: bool = False
    groups: NDArray[np.int32] | None = None  # (N,) images of one group stay in one part
    shards: NDArray[np.int32] | None = None  # (N,) images of one shard lie together on the disk
    remarks: tuple[str, ...] = ()  # what a person should be told: how a mask's values were understood
    group_names: tuple[str, ...] = ()  # the name of a group is at its number; without, numbers are all there is
    origin: NDArray[np.int64] | None = None  # (N,) what `fetch` is asked for, if not the place itself

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.targets) == len(self.parts):
            raise ValueError(f"{len(self.names)} names, {len(self.targets)} targets and {len(self.parts)} parts")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def task(self) -> str:
        """classes, tags, boxes or masks."""
        return {Classes: "classes", Tags: "tags", Boxes: "boxes", Masks: "masks"}[type(self.targets)]

    def source(self, index: int) -> ImageSource:
        """What `read_image` takes for image `index`: a path, a file's bytes, or an array."""
        return self.fetch(index if self.origin is None else int(self.origin[index]))

    def read(self, index: int) -> Pixels:
        """Decode image `index` (H, W, C). Raises ImageError with the reason if it cannot be read."""
        return read_image(self.source(index))

    def members(self, part: str) -> NDArray[np.int64]:
        """Places of the images of a part."""
        return np.flatnonzero(self.parts == PARTS.index(part))

    def group(self, index: int) -> str:
        """The name of the group of image `index`, or its number; nothing if there are no groups."""
        if self.groups is None:
            return ""
        number = int(self.groups[index])
        return self.group_names[number] if self.group_names else str(number)

    def at(self, places: Iterable[int] | NDArray[np.integer]) -> "Dataset":
        """The images at some places, in that order."""
        chosen = np.asarray(places if isinstance(places, np.ndarray) else list(places), np.int64)
        return replace(
            self,
            names=self.names.at(chosen),
            targets=self.targets.at(chosen),
            parts=self.parts[chosen],
            groups=None if self.groups is None else self.groups[chosen],
            shards=None if self.shards is None else self.shards[chosen],
            origin=chosen if self.origin is None else self.origin[chosen],
        )

    def without(self, names: Iterable[str]) -> "Dataset":
        """All but the images of these names. Raises DataError for a name that no image has."""
        unwanted = set(names)
        keep = np.array([name not in unwanted for name in self.names], bool)
        if missing := unwanted - {self.names[int(place)] for place in np.flatnonzero(~keep)}:
            raise DataError(
                f"{min(missing)!r} is to be excluded, but {self.name} has no image of that name; "
                "write names as `striate check` writes them into check.csv"
            )
        return self.at(np.flatnonzero(keep))

    @cached_property
    def labels(self) -> Sequence[str]:
        """The class name of each image, of a data set with one class an image."""
        if not isinstance(self.targets, Classes):
            raise DataError(f"{self.name} has {self.task}, not one class for each image")
        return [self.classes[number] for number in self.targets.numbers]
