"""WebDataset: images and what is known of them in tar archives of some thousand each, called shards.

Source: the WebDataset format (T. Breuel, github.com/webdataset/webdataset). One pass over the archives' headers makes
an index; from then on any image is one read, in any order. Images that lie in one shard lie together on the disk
(`Dataset.shards`, for `striate.datasets.streaming`). A sample without an image is left out and counted, since shards
hold texts and sounds too; an image without a label is an error, since leaving it out would change what is learned.
"""

import io
from array import array
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.datasets.dataset import PARTS, TRAIN, Dataset
from striate.datasets.layouts.class_list import FILE, read_class_list
from striate.datasets.layouts.shard_index import scan
from striate.datasets.layouts.shard_labels import Labels
from striate.datasets.layouts.shard_paths import find_shards, parts_of
from striate.datasets.layouts.shelf import Shelf, State
from striate.datasets.names import Names
from striate.datasets.targets import IGNORED
from striate.errors import DataError, ImageError, printable


class _Index:
    """Grows shard by shard: names, labels, and where in its archive each image, and its mask if it has one, lies."""

    def __init__(self) -> None:
        self.names: list[Names] = []  # of each shard
        self.states: list[State] = []
        self.labels = Labels()
        self.images, self.masks = array("q"), array("q")  # offset, size, offset, size, …
        self.imageless: list[str] = []

    def add(self, shard: Path, name: str) -> None:
        """The next shard, called `name`. Raises DataError if it cannot be read whole, or an image has no label."""
        state, samples = scan(shard)
        names = []
        for sample in samples:
            where = f"{name}/{sample.key}"
            if sample.image is None:
                self.imageless.append(where)
                continue
            self.labels.add(sample, where)
            names.append(f"{name}/{sample.image.name}")
            self.images.extend(sample.image[1:])
            self.masks.extend(sample.mask[1:] if sample.mask else ())
        self.states.append(state)
        self.names.append(Names(names))


@dataclass(frozen=True)
class _Shards:
    """What the data set asks for its images."""

    shelf: Shelf
    numbers: NDArray[np.int32]  # (N,) the shard of each image
    images: NDArray[np.int64]  # (N, 2) offset and size
    masks: NDArray[np.int64]  # (N, 2), or (0, 2)

    @classmethod
    def of(cls, paths: list[Path], index: _Index) -> "_Shards":
        counts = [len(names) for names in index.names]
        numbers = np.repeat(np.arange(len(paths), dtype=np.int32), counts)
        spans = [np.array(spans, np.int64).reshape(-1, 2) for spans in (index.images, index.masks)]
        return cls(Shelf(paths, index.states), numbers, *spans)

    def fetch(self, place: int) -> bytes:
        """The bytes of an image, with one read."""
        return self.shelf.read(int(self.numbers[place]), *self.images[place].tolist())

    def mask(self, place: int, classes: int) -> NDArray[np.uint8]:
        """The mask (H, W) of an image."""
        return decode_mask(self.shelf.read(int(self.numbers[place]), *self.masks[place].tolist()), classes)


def read_shards(root: Path) -> Dataset:
    """A .tar, a folder of them, perhaps in train/, val/ and test/, or a pattern as "train-{000..009}.tar" or "*.tar".

    Numbers of classes are places in classes.txt beside the shards; without it the numbers are the names. Raises
    DataError if a shard is not whole, or what lies beside the images is no label that is known or not of one kind.
    """
    base, paths = find_shards(root)
    index = _Index()
    for path in paths:
        index.add(path, path.relative_to(base).as_posix())
    names = Names(chain.from_iterable(map(shard.raw, range(len(shard))) for shard in index.names))
    if not len(names):
        raise DataError(f"{root} holds no image; expected archives of images, each with its label beside it")
    shards, parts = _Shards.of(paths, index), parts_of(base, paths)
    classes, targets = index.labels.targets(read_class_list(base / FILE), str(root), shards.mask)
    return Dataset(
        name=root.resolve().name if root.is_dir() else paths[0].stem if len(paths) == 1 else base.resolve().name,
        classes=classes,
        names=names,
        targets=targets,
        parts=np.array([PARTS.index(part) for part in parts or [TRAIN] * len(paths)], np.uint8)[shards.numbers],
        fetch=shards.fetch,
        divided=parts is not None,
        shards=shards.numbers,
        remarks=_remarks(index.imageless),
    )


def decode_mask(content: bytes, classes: int) -> NDArray[np.uint8]:
    """Class numbers (H, W) of a PNG: its grey values, or its places in a palette.

    Raises ImageError if it cannot be decoded, is in colour, or holds a number without a class.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            mode, values = image.mode, np.asarray(image)
    except Exception as error:  # on broken bytes decoders raise anything
        raise ImageError(f"its mask cannot be decoded: {error}") from error
    if mode not in ("1", "L", "P"):
        raise ImageError(f"its mask is {mode}; expected 8-bit grey or a palette, whose values are class numbers")
    numbers = values.astype(np.uint8)
    wrong = numbers[(numbers >= classes) & (numbers != IGNORED)]
    if len(wrong):
        raise ImageError(
            f"its mask holds {wrong.max()}; expected 0 to {classes - 1}, or {IGNORED} where a pixel does not count"
        )
    return numbers


def _remarks(imageless: list[str]) -> tuple[str, ...]:
    if not imageless:
        return ()
    return (printable(f"left out {len(imageless):,} samples without an image, as {imageless[0]}"),)
