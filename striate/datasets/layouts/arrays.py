"""Images that are already arrays: NumPy's, torch's, a list of them of different sizes, or an .npz file.

Nothing is copied: an array that is a map of a file stays one. Shapes: (N, H, W), (N, H, W, C) of NumPy; (N, C, H, W) of
torch; one image (H, W) or (H, W, C) each of a list.
"""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from striate.datasets.dataset import PARTS, Dataset
from striate.datasets.layouts.class_list import settle
from striate.datasets.layouts.files import part_called
from striate.datasets.names import Names
from striate.datasets.targets import Classes, Tags
from striate.errors import DataError

Images = NDArray[Any] | Tensor | Sequence[NDArray[Any] | Tensor]
Labels = ArrayLike | Tensor
_COLOURS = (1, 3, 4)  # the usual channels
_SIDE = 16  # pixels; images are rarely narrower, and have rarely more channels


def from_arrays(
    images: Images,
    labels: Labels,
    *,
    classes: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
    name: str = "arrays",
) -> Dataset:
    """A data set of images in uint8, uint16 or floats in 0..1; labels are numbers or names (N,), or tags (N, K).

    Tags are 0 or 1 for each class. Numbers are places in `classes`; without it they are the names. `parts` (N,) are
    "train", "validation" and "test"; images of one of the `groups` (N,) stay in one part. Raises DataError for what is
    of another length, shape or type, and for a label outside the classes.
    """
    held = _views(images) if isinstance(images, np.ndarray | Tensor) else _each(images)
    count = len(held)
    if not count:
        raise DataError("there are no images; expected at least one")
    for image in held[:1] if isinstance(held, np.ndarray) else held:
        _expect_image(image)
    called, targets = _targets(_along(labels, count, "labels"), classes, name)
    return Dataset(
        name=name,
        classes=called,
        names=Names(f"{name}/{index:06d}" for index in range(count)),
        targets=targets,
        parts=np.zeros(count, np.uint8) if parts is None else _parts(_along(parts, count, "parts")),
        fetch=lambda index: held[index],
        divided=parts is not None,
        groups=None if groups is None else _numbered(_along(groups, count, "groups")),
    )


def recognises_npz(root: Path) -> bool:
    """Whether it is a file of that name."""
    return root.suffix.lower() == ".npz" and root.is_file()


def read_npz(root: Path) -> Dataset:
    """The arrays `images` and `labels` of a file, perhaps `classes`, `parts` and `groups`, as `from_arrays` has them.

    Raises DataError if it is no whole .npz file, lacks one of the two, or holds Python objects.
    """
    try:
        with root.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise DataError(f"{root} is no whole .npz file; expected arrays as np.savez writes them")
            stream.seek(0)
            held = _held(np.load(stream, allow_pickle=False), root)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{root} cannot be read: {error}; expected arrays as np.savez writes them") from error
    for key in held.keys() & {"classes", "parts"}:
        held[key] = held[key].astype(str).tolist()
    return from_arrays(held.pop("images"), held.pop("labels"), name=root.stem, **held)


def _held(file: Mapping[str, NDArray[Any]], root: Path) -> dict[str, Any]:
    if lacking := [key for key in ("images", "labels") if key not in file]:
        raise DataError(
            f"{root} has no {' and no '.join(lacking)}, but {', '.join(file) or 'nothing'}; write it with "
            "np.savez(file, images=…, labels=…)"
        )
    return {key: file[key] for key in ("images", "labels", "classes", "parts", "groups") if key in file}


def _views(images: NDArray[Any] | Tensor) -> NDArray[Any]:
    """The images with their channels last, (N, H, W) or (N, H, W, C)."""
    if images.ndim not in (3, 4):
        raise DataError(
            f"the images are of shape {tuple(images.shape)}; expected (N, H, W), or with channels of 4 axes"
        )
    first, last = images.shape[1], images.shape[-1]
    if isinstance(images, np.ndarray):
        if images.ndim == 4 and first in _COLOURS and last >= _SIDE:
            raise DataError(f"the array is {images.shape}; expected (N, H, W, C): images.transpose(0, 2, 3, 1)")
        return images
    if images.ndim == 4 and last in _COLOURS and first >= _SIDE:
        raise DataError(f"the tensor is {tuple(images.shape)}; expected (N, C, H, W): images.permute(0, 3, 1, 2)")
    plain = images.detach().cpu()
    array: NDArray[Any] = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def _each(images: Sequence[NDArray[Any] | Tensor]) -> list[NDArray[Any]]:
    """Images of different sizes, each (H, W) or (H, W, C)."""
    if odd := [type(image).__name__ for image in images if not isinstance(image, np.ndarray | Tensor)]:
        raise DataError(f"the list of images holds a {odd[0]}; expected arrays of NumPy or torch: np.asarray(image)")
    return [_views(image[None])[0] for image in images]


def _expect_image(image: NDArray[Any]) -> None:
    floats = np.issubdtype(image.dtype, np.floating)
    if image.dtype not in (np.uint8, np.uint16) and not floats:
        raise DataError(f"the images are {image.dtype}; expected uint8, uint16 or floats 0..1: images.astype(np.uint8)")
    if not image.size:
        raise DataError(f"an image is of shape {image.shape}; expected at least one pixel")
    if floats and not (image.min() >= 0 and image.max() <= 1):  # also if a value is not a number
        raise DataError(
            f"the first image has values from {image.min():g} to {image.max():g}; expected floats in 0..1: scale them, "
            "or give uint8"
        )


def _along(values: ArrayLike | Tensor, count: int, what: str) -> NDArray[Any]:
    """Values (N, …), one for each image."""
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.ndim == 0 or len(array) != count:
        given = f"{len(array):,}" if array.ndim else "one number of"
        raise DataError(f"there are {given} {what} for {count:,} images; expected one for each")
    return array


def _targets(labels: NDArray[Any], classes: Sequence[str] | None, name: str) -> tuple[tuple[str, ...], Classes | Tags]:
    if classes is not None and len(set(classes)) < len(classes):
        raise DataError(f"the classes {', '.join(classes)} name one twice; expected each once")
    words = labels.dtype.kind in "UT" or all(isinstance(label, str) for label in labels)
    if labels.ndim == 1 and (words or labels.dtype.kind in "biu"):
        present, inverse = np.unique(labels.astype(str) if words else labels, return_inverse=True)
        tokens = [str(label) if words else int(label) for label in present]
        called, table = settle(tokens, classes, name)
        return called, Classes(table[inverse])
    if labels.ndim == 2 and labels.shape[1] > 1 and np.isin(labels, (0, 1)).all():
        called = tuple(map(str, range(labels.shape[1]))) if classes is None else tuple(classes)
        if len(called) != labels.shape[1]:
            raise DataError(
                f"there are {len(called)} classes and {labels.shape[1]} columns of labels; expected one each"
            )
        return called, Tags.of_matrix(labels)
    flat = ": labels.ravel()" if labels.ndim == 2 and labels.shape[1] == 1 else ""
    raise DataError(
        f"the labels are {labels.dtype} of shape {labels.shape}; expected whole numbers or names (N,), or 0 and 1 for "
        f"each class (N, K){flat}"
    )


def _parts(told: NDArray[Any]) -> NDArray[np.uint8]:
    words, inverse = np.unique(told.astype(str), return_inverse=True)
    parts = [part_called(str(word)) for word in words]
    if None in parts:
        raise DataError(f"parts has {str(words[parts.index(None)])!r}; expected train, validation or test")
    return np.array([PARTS.index(part) for part in parts if part], np.uint8)[inverse]


def _numbered(groups: NDArray[Any]) -> NDArray[np.int32]:
    return np.unique(groups, return_inverse=True)[1].astype(np.int32)
