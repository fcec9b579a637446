"""Images as a program hands them over: arrays, paths, opened images, or a data frame with a column of paths.

A data frame is anything that has `columns` and gives one by its name, of pandas or another library: none is imported.
Its columns go by the same names as those of a manifest.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from striate.datasets.dataset import Dataset
from striate.datasets.layouts.arrays import from_arrays
from striate.datasets.layouts.files import several
from striate.datasets.layouts.manifest_rows import COLUMNS
from striate.datasets.names import Names
from striate.datasets.targets import Classes
from striate.errors import DataError
from striate.images.reading import ImageSource

_NAME = "given"


def is_frame(images: object) -> bool:
    """Whether it is a data frame."""
    return hasattr(images, "columns") and hasattr(images, "__getitem__")


def column_of(frame: Any, meaning: str) -> NDArray[Any]:
    """The column of a data frame for the "path" or the "label", by its name; the only column there is, for the path.

    Raises DataError if there is none, or more than one.
    """
    header = [str(name) for name in frame.columns]
    found = [name for name in frame.columns if str(name).lower() in COLUMNS[meaning]]
    first = [name for name in found if str(name).lower() == COLUMNS[meaning][0]]
    chosen = first or found or (list(frame.columns) if meaning == "path" and len(header) == 1 else [])
    if len(chosen) != 1:
        raise DataError(
            f"the data frame has the columns {', '.join(header) or '(none)'}, and {len(chosen) or 'none'} for the "
            f"{meaning}; name one of them {several(COLUMNS[meaning], 'or')}"
        )
    return np.asarray(frame[chosen[0]])


def handed_over(images: Any) -> Dataset:
    """The images as a data set in which all are of one class without a name, since nothing is known of them.

    Arrays are those that `from_arrays` takes; of a data frame the column of paths. Raises DataError for what is no
    image, as a table of numbers, and where there is none.
    """
    given = column_of(images, "path") if is_frame(images) else images
    if isinstance(given, np.ndarray | Tensor) and given.ndim == 3 and given.shape[-1] in (3, 4):
        shape = tuple(given.shape)
        raise DataError(
            f"an array of {shape} is one colour image, or grey ones {shape[-1]} pixels wide; give [None] of it"
        )
    if isinstance(given, np.ndarray | Tensor) and given.ndim != 1:
        return from_arrays(given, np.zeros(len(given) if given.ndim else 0, int), name=_NAME)
    each = list(given)
    if not each:
        raise DataError("there are no images; expected at least one")
    if all(isinstance(image, np.ndarray | Tensor) for image in each):
        return from_arrays(each, np.zeros(len(each), int), name=_NAME)
    return _of_sources([_source(image, place) for place, image in enumerate(each)])


def _of_sources(sources: Sequence[ImageSource]) -> Dataset:
    count = len(sources)
    return Dataset(
        name=_NAME,
        classes=("0",),
        names=Names(_called(source, place) for place, source in enumerate(sources)),
        targets=Classes(np.zeros(count, np.int32)),
        parts=np.zeros(count, np.uint8),
        fetch=lambda index: sources[index],
    )


def _called(source: ImageSource, place: int) -> str:
    return os.fspath(source) if isinstance(source, str | os.PathLike) else f"{_NAME}/{place:06d}"


def _source(image: Any, place: int) -> ImageSource:
    if isinstance(image, Tensor):
        return image.detach().cpu().numpy()
    if isinstance(image, str | os.PathLike | bytes | Image.Image | np.ndarray):
        return image
    raise DataError(
        f"image {place} is {image!r:.40}, of type {type(image).__name__}; expected a path, an array, a Pillow image or "
        "the bytes of a file"
    )
