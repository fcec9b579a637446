"""Arrays as images, in memory or in a .npy file (NumPy's format, NEP 1)."""

from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from striate.errors import ImageError
from striate.images.depth import WHITE_8, eight_bits, native
from striate.images.facts import Facts, Reading
from striate.images.limits import expect_no_bomb

MAGIC = b"\x93NUMPY"
_MODES = {("uint8", 1): "L", ("uint8", 3): "RGB", ("uint16", 1): "I;16", ("uint16", 3): "RGB;16"}


def read_array(array: NDArray[np.generic], *, deep: bool = False, form: str = "array") -> Reading:
    """An array (H, W) or (H, W, C) as it is; without `deep`, of one or three channels and in 8 bits.

    Raises ImageError for another shape, for a type that holds no brightness, and for values beyond white.
    """
    _expect_image(array.shape, deep=deep)
    image: NDArray[Any] = array[:, :, None] if array.ndim == 2 else array
    pixels, white = native(image)
    height, width, bands = image.shape
    facts = Facts(form, mode_of(image.dtype, bands), width, height, 1, 1, 8 * image.itemsize, False)
    return Reading(pixels, white, facts) if deep else Reading(eight_bits(pixels, white), WHITE_8, facts)


def read_npy(stream: BinaryIO, *, deep: bool = False) -> Reading:
    """The array in a .npy file; nothing is unpickled. Raises ImageError as `read_array` does, before it is read."""
    shape, dtype = _read_header(stream)
    _expect_image(shape, deep=deep)
    native(np.empty(0, dtype))
    expect_no_bomb(shape[1], shape[0], shape[2] if len(shape) == 3 else 1)
    stream.seek(0)
    return read_array(np.load(stream, allow_pickle=False), deep=deep, form="NPY")


def npy_size(stream: BinaryIO) -> tuple[int, int]:
    """Width and height of the array in a .npy file, by its header. Raises ImageError if its shape is no image's."""
    shape, _ = _read_header(stream)
    _expect_image(shape, deep=True)
    return shape[1], shape[0]


def _read_header(stream: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ImageError(f"a .npy file of version {version[0]}.{version[1]}; expected 1.0 or 2.0, as numbers need")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    return shape, dtype


def mode_of(dtype: np.dtype[Any], bands: int) -> str:
    """How `Facts` call it."""
    if dtype.kind == "f" and bands == 1:
        return "F"
    return _MODES.get((dtype.name, bands), f"{bands}×{dtype.name}")


def _expect_image(shape: tuple[int, ...], *, deep: bool) -> None:
    bands = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or 0 in shape or not (deep or bands in (1, 3)):
        more = f"; --channels {bands} takes all its bands" if len(shape) == 3 and 0 not in shape else ""
        raise ImageError(f"an array of shape {shape} is not an image; expected (H, W), (H, W, 1) or (H, W, 3){more}")
