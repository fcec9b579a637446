"""An image as a file: its own bytes where it has some, and a PNG that holds every value of an array."""

import io
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.datasets.layouts.files import ARRAY, IMAGE_ENDINGS
from striate.errors import DataError, printable
from striate.images import arrays
from striate.images.reading import FORMATS, ImageSource, read_image

_NAMES = {"JPEG": "jpg", "JPEG2000": "jp2", "TIFF": "tif"}  # of formats whose files are not called as they are


def stored(source: ImageSource, name: str) -> tuple[bytes, str]:
    """The bytes of an image as they are, and their file's ending; an array becomes a PNG.

    Raises DataError for what cannot be read, is of no known format, or is an array that PNG does not keep exactly.
    """
    if isinstance(source, np.ndarray | Image.Image):
        return png(source if isinstance(source, np.ndarray) else read_image(source), name), "png"
    try:
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise DataError(printable(f"{name} cannot be read: {error.strerror}; repair or remove it")) from error
    ending = PurePosixPath(name).suffix.lower()
    return content, ending[1:] if ending in IMAGE_ENDINGS else _ending(content, name)


def png(pixels: NDArray[Any], name: str) -> bytes:
    """A file of an array (H, W) or (H, W, C). Raises DataError, naming it, for one that PNG does not keep exactly."""
    plain = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    grey = plain.ndim == 2 and plain.dtype in (np.uint8, np.uint16)
    if not grey and not (plain.ndim == 3 and plain.shape[2] == 3 and plain.dtype == np.uint8):
        raise DataError(
            f"{name} is an array of {pixels.dtype} and shape {pixels.shape}, which no PNG holds exactly; expected "
            "uint8, grey or in three colours, or uint16, grey: convert it first"
        )
    drawn = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plain)).save(drawn, "PNG")
    return drawn.getvalue()


def _ending(content: bytes, name: str) -> str:
    if content.startswith(arrays.MAGIC):
        return ARRAY[1:]
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            kind = str(image.format)
    except Exception as error:  # on broken bytes decoders raise anything
        raise DataError(printable(f"{name} is no image of a known format; repair or remove it")) from error
    return _NAMES.get(kind, kind.lower())
