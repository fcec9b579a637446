"""The images that a network is shown to find out what moves it: read as they come, in one pass, and some once more."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.datasets.dataset import Dataset
from striate.datasets.layouts.files import IMAGE_ENDINGS
from striate.datasets.loading import Skipped
from striate.datasets.opening import LAYOUTS, open_layout
from striate.datasets.pool import Note, read_many, usual_workers
from striate.errors import DataError, ImageError
from striate.images.reading import ImageSource
from striate.images.walking import entries, files_below
from striate.tasks.classification import Classifier
from striate.tasks.tagger import Tagger

TOGETHER = 32  # images that the network is shown at once

Images = Dataset | str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Model = Classifier | Tagger


@dataclass
class Gallery:
    """Images by number, each with its name, and the class it is known to be of."""

    names: Sequence[str]
    source: Callable[[int], ImageSource] = field(repr=False)
    labels: Sequence[str] | None = field(default=None, repr=False)
    skipped: list[Skipped] = field(default_factory=list)
    came: list[int] = field(default_factory=list, repr=False)  # the number here of each image that was shown

    def __len__(self) -> int:
        return len(self.names)

    def each(self, model: Model) -> Generator[tuple[str, NDArray[Any]], None, None]:
        """Name and prepared image (C, H, W) of all that can be read, in order; the others are then in `skipped`.

        Raises DataError if none can be read.
        """
        self.came, self.skipped = [], []

        def read(number: int, note: Note) -> NDArray[Any] | ImageError:
            note(self.names[number])
            try:
                return model.preparation.geometry.prepare(self.source(number))[0]
            except ImageError as error:
                return error

        with closing(read_many(range(len(self)), read, workers=usual_workers(), ahead=TOGETHER)) as reading:
            for number, image in enumerate(reading):
                if isinstance(image, ImageError):
                    self.skipped.append(Skipped(self.names[number], image.reason))
                else:
                    self.came.append(number)
                    yield self.names[number], image
        if not self.came:
            first = f"; {self.skipped[0].name}: {self.skipped[0].reason}" if self.skipped else ""
            raise DataError(f"of {len(self)} images none can be read{first}; give files or folders of images")

    def batches(self, model: Model) -> Iterator[Tensor]:
        """What the model is shown: floats (N, C, H, W) on its device. Raises DataError if no image can be read."""
        with closing(self.each(model)) as images:
            while part := [image for _, image in islice(images, TOGETHER)]:
                yield model.preparation.normalise(torch.from_numpy(np.stack(part)).to(model.machine.device))

    def prepared(self, model: Model, shown: int) -> NDArray[Any]:
        """The image (C, H, W) that was shown as number `shown`, once more."""
        return model.preparation.geometry.prepare(self.source(self.came[shown]))[0]

    def label(self, shown: int) -> str | None:
        """Its class, where that is known."""
        return None if self.labels is None else self.labels[self.came[shown]]


def gallery_of(images: Images) -> Gallery:
    """The images of a data set, of a name or place that `open_dataset` takes, or of files and folders.

    Raises DataError if there are none.
    """
    if isinstance(images, str | os.PathLike) and not _loose(Path(images)):
        images = open_layout(images)
    if isinstance(images, Dataset):
        return Gallery(images.names, images.source, images.labels if images.task == "classes" else None)
    given = [Path(images)] if isinstance(images, str | os.PathLike) else [Path(place) for place in images]
    files = [file for place in given for file in (files_below(place) if place.is_dir() else [place])]
    if not files:
        raise DataError(f"no image in {', '.join(map(str, given)) or 'nothing'}; give files or folders of images")
    return Gallery([str(file) for file in files], lambda number: files[number])


def _loose(place: Path) -> bool:
    """Whether this is an image, or a folder that holds files alone in no known layout."""
    if not place.is_dir():
        return place.suffix.lower() in IMAGE_ENDINGS
    return not any(layout.recognises(place) for layout in LAYOUTS.values()) and not any(
        entry.is_dir() for entry in entries(place)
    )
