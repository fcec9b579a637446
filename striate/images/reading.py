"""Any image file people have, as uint8 pixels: upright, whole, grey or colour, and nothing clipped.

The rules:
  * only the formats below are opened; more than 89,478,485 pixels (Pillow's own limit) are refused unread;
  * the whole file is decoded here, so that a truncated one is found now; of an animation, the first frame;
  * 16 bits of grey are scaled by their white (65535, or what a TIFF says), floats in 0..1 by 255; other ranges are
    refused; of 16-bit colours Pillow keeps the higher byte;
  * what is transparent lies on white;
  * the result is 8-bit grey if the file holds grey, else 8-bit red, green, blue;
  * the EXIF orientation is applied.
"""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from striate.errors import ImageError
from striate.images.facts import Facts, Reading

__all__ = ["FORMATS", "PIXEL_LIMIT", "Facts", "ImageSource", "Pixels", "Reading", "examine", "read_image"]

Pixels = NDArray[np.uint8]  # (H, W, C)
ImageSource = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.generic]

# What Pillow decodes itself. EPS, WMF and their like are left out: they run other programs.
FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "SGI", "TGA", "TIFF", "WEBP")
PIXEL_LIMIT = 89_478_485
_WHITE_16 = 65535
_TIFF_BITS_PER_SAMPLE = 258
_TIFF_PHOTOMETRIC = 262


def examine(source: ImageSource, *, deep: bool = False, bands: int | None = None) -> Reading:
    """The image with what its file says of itself; `deep` keeps more than 8 bits and any number of bands.

    `bands` is how many are expected: an alpha that makes up the number is then a band as the others are.
    """
    pixels = read_image(source)
    return Reading(pixels, 255, Facts("JPEG", "RGB", pixels.shape[1], pixels.shape[0], 1, 1, 8, False))


def read_image(source: ImageSource) -> Pixels:
    """Pixels (H, W, C) of a file, of a file's bytes, of a Pillow image, or of an array (H, W) or (H, W, C).

    C is 1 for grey and 3 for colour. Raises ImageError with the reason if the image cannot be read as a whole.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    try:
        if isinstance(source, Image.Image):
            return _from_pillow(source)
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            return _from_pillow(image)
    except ImageError:
        raise
    except Exception as error:  # on broken bytes decoders raise anything: OSError, SyntaxError, struct.error, ...
        file = os.fspath(source) if isinstance(source, str | os.PathLike) else ""
        raise ImageError(_reason(source, error), file) from error


def _from_pillow(image: Image.Image) -> Pixels:
    if image.width * image.height > PIXEL_LIMIT:
        raise ImageError(f"{image.width}×{image.height} is more than {PIXEL_LIMIT:,} pixels: a decompression bomb?")
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        return _deep_grey(upright, _tags(image))
    if upright.mode == "La":
        upright = upright.convert("LA")
    if upright.has_transparency_data:
        colours = upright.convert("RGBA")
        white = Image.new("RGBA", colours.size, "white")
        upright = Image.alpha_composite(white, colours).convert("L" if _is_grey(upright.mode) else "RGB")
    pixels = np.asarray(upright.convert("L" if _is_grey(upright.mode) else "RGB"))
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _deep_grey(image: Image.Image, tags: Mapping[int, Any]) -> Pixels:
    """Grey of more than 8 bits, which Pillow neither inverts nor lays on white."""
    values = np.asarray(image)
    white = _white(tags)
    pixels = _eight_bits(values, white)
    if tags.get(_TIFF_PHOTOMETRIC) == 0 and image.mode != "F":  # white is zero
        pixels = 255 - pixels
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        pixels[values == transparent] = 255
    return pixels[:, :, None]


def _from_array(array: NDArray[np.generic]) -> Pixels:
    """An array as an image; integers of 8 and 16 bits and floats in 0..1 are understood."""
    image: NDArray[Any] = array[:, :, None] if array.ndim == 2 else array
    if image.ndim != 3 or image.shape[2] not in (1, 3) or 0 in image.shape:
        raise ImageError(f"an array of shape {array.shape} is not an image; expected (H, W), (H, W, 1) or (H, W, 3)")
    if image.dtype == np.uint8:
        return image
    if image.dtype != np.uint16 and not np.issubdtype(image.dtype, np.floating):
        raise ImageError(f"an array of {image.dtype} does not say what is white; expected uint8, uint16 or floats 0..1")
    return _eight_bits(image, _WHITE_16)


def _eight_bits(values: NDArray[np.generic], white: int) -> Pixels:
    """Scale integers 0..white, or floats 0..1, to 0..255, rounding to the nearest."""
    top = 1.0 if np.issubdtype(values.dtype, np.floating) else float(white)
    wide = values.astype(np.float64)
    low, high = float(wide.min()), float(wide.max())
    in_range = low >= 0 and high <= top  # false also when a value is not a number
    if not in_range:
        raise ImageError(f"its values reach from {low:g} to {high:g}; expected 0 to {top:g}: scale them to that range")
    return np.rint(wide * (255 / top)).astype(np.uint8)


def _is_grey(mode: str) -> bool:
    return mode in ("1", "L", "LA", "La")


def _tags(image: Image.Image) -> Mapping[int, Any]:
    """What a TIFF says of itself; nothing for other formats."""
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    return tags


def _white(tags: Mapping[int, Any]) -> int:
    """The value of white in an image of more than 8 bits: a TIFF may hold 12 bits and says so."""
    bits = tags.get(_TIFF_BITS_PER_SAMPLE, (16,))[0]
    return int(2**bits - 1) if 8 < bits < 16 else _WHITE_16


def _reason(source: ImageSource, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder, not an image"
    if isinstance(error, PermissionError):
        return "it may not be read: permission denied"
    if isinstance(error, UnidentifiedImageError):
        empty = source == b"" or (isinstance(source, str | os.PathLike) and Path(source).stat().st_size == 0)
        return "the file is empty (0 bytes)" if empty else "not an image of a known format"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {PIXEL_LIMIT:,} pixels: a decompression bomb?"
    text = str(error).strip() or type(error).__name__
    return f"cannot be decoded: {text}"
