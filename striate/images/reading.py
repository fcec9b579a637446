"""Any image file people have, upright, whole, grey or colour, and nothing clipped: the one door.

The rules:
  * only the formats below are opened, and .npy; more than 89,478,485 pixels (Pillow's own limit) are refused unread;
  * the whole file is decoded here, so that a truncated one is found now; of an animation, the first frame;
  * 16 bits of grey are scaled by their white (65535, or what a TIFF says), floats in 0..1 by 255; other ranges are
    refused; of 16-bit colours Pillow keeps the higher byte;
  * what is transparent lies on white;
  * the result is 8-bit grey if the file holds grey, else 8-bit red, green, blue;
  * the EXIF orientation is applied.

Read `deep`, values are as they are stored, in uint8, uint16 or float32, and bands as many as there are.
"""

import io
import os
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from striate.errors import ImageError, printable
from striate.images import arrays, jpeg, tiff
from striate.images.deep_png import is_deep_png, read_deep_png
from striate.images.deep_tiff import read_deep_tiff
from striate.images.depth import Pixels
from striate.images.facts import Facts, Reading
from striate.images.limits import PIXEL_LIMIT
from striate.images.pillow import read_pillow
from striate.images.sources import ImageSource, open_source, read_whole

__all__ = ["FORMATS", "PIXEL_LIMIT", "Facts", "ImageSource", "Pixels", "Reading", "examine", "read_image"]

# What Pillow decodes itself. EPS, WMF and their like are left out: they run other programs.
FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "SGI", "TGA", "TIFF", "WEBP")
_HEAD = 4096  # bytes in which a file says what it is
_LONGEST_REASON = 300  # characters


def read_image(source: ImageSource) -> Pixels:
    """Pixels (H, W, C) in uint8 of a file, of a file's bytes, of a Pillow image, or of an array (H, W) or (H, W, C).

    C is 1 for grey and 3 for colour. Raises ImageError with the reason if the image cannot be read as a whole.
    """
    return examine(source).pixels


def examine(source: ImageSource, *, deep: bool = False, bands: int | None = None) -> Reading:
    """The same with what the file says of itself; or `deep`: uint8, uint16 or float32 and any number of bands.

    `bands` are what a deep reading is expected to have: an alpha that makes up the number is a band as the others are,
    and so are the pages of a TIFF. 16-bit colours and most TIFFs need the extra `deep`. Raises ImageError as
    `read_image` does.
    """
    try:
        return _read(source, deep, bands)
    except ImageError as error:
        raise ImageError(_one_line(error.reason), _name(source)) from error.__cause__
    except Exception as error:  # on broken bytes decoders raise anything: OSError, SyntaxError, struct.error, ...
        raise ImageError(_reason(error), _name(source)) from error


def _read(source: ImageSource, deep: bool, bands: int | None) -> Reading:
    if isinstance(source, np.ndarray):
        return arrays.read_array(source, deep=deep)
    if isinstance(source, Image.Image):
        return read_pillow(source, deep=deep, bands=bands)
    if not isinstance(source, str | os.PathLike | bytes):
        raise ImageError(f"{type(source).__name__} is no image; expected a path, bytes, a Pillow image or an array")
    with open_source(source) as stream:
        head = stream.read(_HEAD)
        stream.seek(0)
        return _decode(stream, head, deep, bands)


def _decode(stream: BinaryIO, head: bytes, deep: bool, bands: int | None) -> Reading:
    """By the first bytes: the name of a file says nothing."""
    if not head:
        raise ImageError("the file is empty (0 bytes)")
    if head.startswith(arrays.MAGIC):
        return arrays.read_npy(stream, deep=deep)
    if head.startswith(tiff.MAGIC):
        return _read_tiff(stream, head, deep, bands)
    if head.startswith(jpeg.MAGIC):
        content = read_whole(stream)
        if reading := jpeg.read_jpeg(content):
            return reading
        stream = io.BytesIO(content)
    if deep and is_deep_png(head):
        return read_deep_png(read_whole(stream), bands=bands)
    with Image.open(stream, formats=FORMATS) as image:
        return read_pillow(image, head, deep=deep, bands=bands)


def _read_tiff(stream: BinaryIO, head: bytes, deep: bool, bands: int | None) -> Reading:
    """By libtiff itself what Pillow has no room for, if it is wanted; else refused with what to ask for."""
    layout = tiff.read_layout(stream)
    if layout and deep and not layout.whole_in_pillow(bands):
        return read_deep_tiff(stream, layout, bands=bands)
    if layout and not deep and layout.has_bands:
        raise ImageError(f"it has {layout.samples} bands: --channels {layout.samples} takes them all")
    try:
        with Image.open(stream, formats=("TIFF",)) as image:
            return read_pillow(image, head, deep=deep, bands=bands)
    except UnidentifiedImageError as error:
        if layout and layout.light and layout.bits > 8:
            raise ImageError(
                f"a TIFF of {layout.samples}×{layout.bits} bits does not say what is white: give the range of its "
                "values with --range low:high"
            ) from error
        raise


def _name(source: object) -> str:
    return os.fspath(source) if isinstance(source, str | os.PathLike) else ""


def _reason(error: Exception) -> str:
    """Whatever a decoder said."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {PIXEL_LIMIT:,} pixels: a decompression bomb?"
    if isinstance(error, MemoryError):
        return "it does not fit into the memory that is left"
    return _one_line(f"cannot be decoded: {str(error).strip() or type(error).__name__}")


def _one_line(text: str) -> str:
    """Such as a terminal may show."""
    return printable(" ".join(text.split()))[:_LONGEST_REASON]
