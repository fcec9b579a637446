"""The values that a mask's file holds: a grey value, a place in a palette, or a colour for each pixel."""

import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from striate.errors import ImageError
from striate.images.limits import expect_no_bomb
from striate.images.reading import FORMATS
from striate.images.sources import open_source

Values = NDArray[np.uint8] | NDArray[np.int32]  # (H, W)

_GREY = ("1", "L", "P", "I", "LA", "PA")


def read_values(path: str | os.PathLike[str], *, coloured: bool | None = None) -> tuple[Values, bool]:
    """The values (H, W) of an upright mask, and whether they are colours, 65536 R + 256 G + B.

    `coloured` says what they are to be; without, what has no other colours than greys is grey. The palette of a GIF is
    in no order, so there the colours count, not their places.
    Raises ImageError for what is no mask.
    """
    image, form = _open(path)
    if coloured:
        return _colours(image.convert("RGB")), True
    if (image.mode in _GREY and form != "GIF") or image.mode.startswith("I;16"):
        return _greys(image), False
    if image.mode == "F":
        raise ImageError("its mask holds fractions; expected whole numbers", os.fspath(path))
    pixels = np.asarray(image.convert("RGB"))  # (H, W, 3)
    if (pixels == pixels[:, :, :1]).all():
        return np.ascontiguousarray(pixels[:, :, 0]), False
    if coloured is False:
        raise ImageError("its mask has colours, and the other masks have greys", os.fspath(path))
    return _colours(image.convert("RGB")), True


def _open(path: str | os.PathLike[str]) -> tuple[Image.Image, str]:
    """The mask, decoded and upright, and the format of its file."""
    try:
        with open_source(path) as stream, Image.open(stream, formats=FORMATS) as opened:
            expect_no_bomb(opened.width, opened.height)
            return ImageOps.exif_transpose(opened), str(opened.format)
    except Exception as error:  # on broken bytes decoders raise anything: OSError, SyntaxError, struct.error, ...
        reason = error.reason if isinstance(error, ImageError) else str(error) or type(error).__name__
        raise ImageError(f"its mask cannot be read: {reason}", os.fspath(path)) from error


def different(values: Values) -> list[int]:
    """The values that occur, sorted."""
    flat = values.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1  # masks are made of runs: sort one value of each
    return [int(value) for value in np.unique(flat[np.concatenate([[0], changes])])]


def shown(value: int, *, coloured: bool) -> str:
    """A value as a person writes it.

    >>> shown(0xFF8000, coloured=True), shown(255, coloured=False)
    ('#ff8000', '255')
    """
    return f"#{value:06x}" if coloured else str(value)


def _greys(image: Image.Image) -> Values:
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    if image.mode in ("LA", "PA"):
        return np.asarray(image.getchannel(0))
    values = np.asarray(image)
    return values if values.dtype == np.uint8 else values.astype(np.int32)


def _colours(image: Image.Image) -> Values:
    pixels = np.asarray(image).astype(np.int32)  # (H, W, 3)
    return pixels[:, :, 0] << 16 | pixels[:, :, 1] << 8 | pixels[:, :, 2]
