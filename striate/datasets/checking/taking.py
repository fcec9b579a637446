"""The one pass: every image is decoded once, in several threads, and only what is small is kept."""

import hashlib
import os
import threading
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.datasets.checking.dim import peak_of
from striate.datasets.checking.shown import View
from striate.datasets.checking.survey import SIDE, Looks, MaskTable, Origins, Survey
from striate.datasets.dataset import Dataset
from striate.datasets.loading import Unwatched, Watch
from striate.datasets.pool import Note, read_many, usual_workers
from striate.datasets.targets import Masks
from striate.errors import ImageError
from striate.images.facts import Facts
from striate.images.reading import ImageSource, Pixels
from striate.images.sources import open_source

_TOGETHER = 8  # images that a worker takes at once


def take_survey(
    dataset: Dataset, view: View | None = None, *, workers: int | None = None, watch: Watch | None = None
) -> Survey:
    """Look at every image, and at its mask if it has one. What cannot be decoded is told in `reasons`.

    `view` says how images of many bands or more than 8 bits are looked at.
    """
    count, watch = len(dataset), watch or Unwatched()
    table = _Table(dataset, view or View())
    parts = [range(start, min(start + _TOGETHER, count)) for start in range(0, count, _TOGETHER)]
    threads = usual_workers() if workers is None else workers
    with closing(read_many(parts, table.read, workers=threads, ahead=2 * threads, slow=watch.slow)) as reading:
        for done in reading:
            watch.advance(done)
    return table.survey()


class _Table:
    """Room for what is kept; each worker writes the rows of its own images."""

    def __init__(self, dataset: Dataset, view: View) -> None:
        count = len(dataset)
        self._dataset, self._view = dataset, view
        self._facts: list[Facts | None] = [None] * count
        self._alike: dict[Facts, Facts] = {}
        self._marks = np.zeros(count, np.int64)
        self._reasons: dict[int, str] = {}
        self._peaks: dict[int, tuple[float, float]] = {}
        self._origins, self._looks = Origins.room(count), Looks.room(count)
        self._masks = MaskTable.room(count) if isinstance(dataset.targets, Masks) else None
        self._counting = threading.Lock()

    def read(self, places: range, note: Note) -> int:
        """Look at some images; gives how many."""
        for place in places:
            note(self._dataset.names[place])
            try:
                self._look(place)
            except ImageError as error:
                self._reasons[place] = error.reason
            if self._masks is not None:
                self._look_at_mask(place, self._masks)
        return len(places)

    def survey(self) -> Survey:
        data = self._dataset
        return Survey(
            names=data.names,
            classes=data.classes,
            targets=data.targets,
            parts=data.parts,
            facts=self._facts,
            marks=self._marks,
            reasons=dict(sorted(self._reasons.items())),
            peaks=self._peaks,
            origins=self._origins,
            looks=self._looks,
            masks=self._masks,
            remarks=data.remarks,
        )

    def _look(self, place: int) -> None:
        source = self._dataset.source(place)
        self._origins.contents[place], self._origins.files[place] = origin_of(source)
        reading, pixels = self._view.read(source)
        look = look_of(pixels)
        self._looks.thumbnails[place], self._looks.means[place], self._looks.squares[place] = look[1:]
        self._marks[place] = _exact(reading.pixels) if self._view.deep else look.mark
        if self._view.range is None and (peak := peak_of(source, reading)):
            self._peaks[place] = peak
        self._facts[place] = self._alike.setdefault(reading.facts, reading.facts)

    def _look_at_mask(self, place: int, masks: MaskTable) -> None:
        targets = self._dataset.targets
        assert isinstance(targets, Masks)
        try:
            mask = targets.of(place)
        except ImageError as error:
            masks.reasons[place] = error.reason
            return
        masks.sizes[place] = mask.shape
        counts = np.bincount(mask.ravel(), minlength=len(masks.pixels))
        with self._counting:
            masks.pixels[:] += counts
            masks.images[self._dataset.parts[place]] += counts > 0


class Look(NamedTuple):
    """What is kept of an image's pixels."""

    mark: int
    thumbnail: NDArray[np.uint8]  # (32, 32)
    means: NDArray[np.float64]  # (3,)
    squares: NDArray[np.float64]  # (3,)


def look_of(pixels: Pixels) -> Look:
    """The mark of pixels (H, W, C), the same for grey and for three equal channels; thumbnail; means of channels."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    counts = np.array(image.histogram(), np.float64).reshape(-1, 256)  # (C, 256)
    without_colour = (counts == counts[0]).all() and bool((pixels == pixels[:, :, :1]).all())
    plain = pixels[:, :, :1] if without_colour else pixels
    values = np.arange(256) / 255
    shares = counts / counts.sum(axis=1, keepdims=True)
    means, squares = (np.broadcast_to(shares @ power, 3) for power in (values, values**2))
    thumbnail = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))
    return Look(_digest(repr(plain.shape).encode(), np.ascontiguousarray(plain).data), thumbnail, means, squares)


def _exact(pixels: NDArray[Any]) -> int:
    """The mark of values as they are stored: images that differ in a band that is not shown differ."""
    return _digest(repr((pixels.shape, pixels.dtype)).encode(), np.ascontiguousarray(pixels).data)


def origin_of(source: ImageSource) -> tuple[int, int]:
    """Numbers of a file's bytes and of the file itself; 0 for what has none, or cannot be opened."""
    if isinstance(source, bytes):
        return _digest(source), 0
    if not isinstance(source, str | os.PathLike):
        return 0, 0
    try:
        with open_source(source) as file:
            state = os.fstat(file.fileno())
            content = hashlib.file_digest(file, _hash)  # type: ignore[arg-type]
    except (ImageError, OSError):  # whoever decodes it says why
        return 0, 0
    return _number(content.digest()), _digest(repr((state.st_dev, state.st_ino)).encode())


def _hash() -> "hashlib._Hash":
    return hashlib.blake2b(digest_size=8)  # type: ignore[return-value]


def _digest(*parts: bytes | memoryview) -> int:
    content = _hash()
    for part in parts:
        content.update(part)
    return _number(content.digest())


def _number(digest: bytes) -> int:
    return int.from_bytes(digest, "little", signed=True)
