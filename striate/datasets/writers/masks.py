"""images/ and masks/, inside train/, val/ and test/ if the data set is divided, and classes.txt with `index name`.

A mask is a PNG of class numbers with a palette, so that a person sees the classes; 255 does not count.
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from striate.datasets.dataset import Dataset
from striate.datasets.layouts.class_list import FILE
from striate.datasets.layouts.mask_names import IGNORED_NAMES
from striate.datasets.targets import Masks
from striate.datasets.writers.copying import Copying, divided_words, write, write_lines
from striate.errors import DataError, ImageError


def write_masks(dataset: Dataset, out: Path, watch: Callable[[], None]) -> tuple[str, ...]:
    """Write all images and masks. Raises DataError for a mask that cannot be read, or a class that would not count."""
    for name in dataset.classes:
        if name.lower() in IGNORED_NAMES:
            raise DataError(f"the class {name!r} would be read as pixels that do not count; rename it")
    words = divided_words(dataset)
    copying = Copying(dataset, out, watch, words, by_stem=True)
    for index, word in enumerate(words):
        name = copying.copy(index, f"images/{word}")
        write(out / "masks" / word / f"{Path(name).stem}.png", _png(dataset, index))
    write_lines(out / FILE, (f"{number} {name}" for number, name in enumerate(dataset.classes)))
    return copying.remarks()


def _png(dataset: Dataset, index: int) -> bytes:
    if not isinstance(dataset.targets, Masks):
        raise DataError(f"{dataset.name} has {dataset.task}; expected masks")
    try:
        mask = dataset.targets.of(index)  # (H, W)
    except ImageError as error:
        raise DataError(f"{error.reason}: {dataset.names[index]}; repair or exclude it") from error
    image = Image.fromarray(mask)
    image.putpalette(_palette())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _palette() -> list[int]:
    """256 colours R, G, B, each far from those before it: the bits of the number, the lowest first, as VOC has them.

    Everingham et al. 2010, VOC development kit, VOClabelcolormap: bit k of the number goes to channel k mod 3.
    """
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.int64)
    for bit in range(8):
        colours[:, bit % 3] |= (numbers >> bit & 1) << (7 - bit // 3)
    return [int(value) for value in colours.ravel()]
