"""Images as Pillow decodes them: the first frame, whole, upright, what is transparent on white."""

from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.errors import ImageError
from striate.images.depth import WHITE_8, WHITE_16, eight_bits, native
from striate.images.facts import Facts, Reading
from striate.images.limits import expect_no_bomb
from striate.images.orientation import upright
from striate.images.stored import facts_read, facts_unread, largest_of_ppm

_TIFF_PHOTOMETRIC = 262
_GREY = ("1", "L", "LA", "La", "LA;16")


def read_pillow(image: Image.Image, head: bytes = b"", *, deep: bool = False, bands: int | None = None) -> Reading:
    """An image that Pillow has opened from a file that begins with `head`; `deep` and `bands` as `examine` has them.

    Raises ImageError for too many pixels, and for a `deep` reading where Pillow drops bits; decoders raise anything.
    """
    expect_no_bomb(image.width, image.height)
    unread, largest = facts_unread(image, head), largest_of_ppm(image)
    image.load()
    if image.mode.startswith("I") or image.mode == "F":
        pixels, white = _deep_grey(image, unread, largest)
        if not deep:
            pixels, white = eight_bits(pixels, WHITE_16 if isnan(white) else white), WHITE_8
        pixels = _as_shown(image, pixels, white)
    elif deep and unread.bits > 8:
        raise ImageError(
            f"its colours have {unread.bits} bits, which are read in full from PNG and TIFF only, not from "
            f"{unread.format}: convert it to one of these"
        )
    else:
        pixels, white = _colours(image, unread, bands if deep else None), WHITE_8
    facts = facts_read(image, unread)  # at the end: frames are counted by walking through them
    turned = 1 if facts.format == "TIFF" else facts.orientation  # Pillow turns a TIFF itself
    return Reading(upright(pixels, turned), white, facts)


def _colours(image: Image.Image, facts: Facts, bands: int | None) -> NDArray[np.uint8]:
    """Up to 8 bits: grey or red, green, blue on white (H, W, C); `bands` that include the alpha keep it."""
    grey = facts.mode in _GREY
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        if bands == (2 if grey else 4):
            return np.asarray(image.convert("LA" if grey else "RGBA"))
        colours = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
    pixels = np.asarray(image.convert("L" if grey else "RGB"))
    return pixels[:, :, None] if grey else pixels


def _deep_grey(image: Image.Image, facts: Facts, largest: int) -> tuple[NDArray[Any], float]:
    """Grey of more than 8 bits (H, W, 1) as it is stored, and its white."""
    values = np.asarray(image)[:, :, None]
    if facts.format == "PPM" and image.mode == "I":
        return np.rint(values * (largest / WHITE_16)).astype(np.uint16), largest
    if image.mode == "I" and facts.format == "PNG":
        return values.astype(np.uint16), WHITE_16
    if facts.format == "JPEG2000" and 8 < facts.bits < 16:
        return values >> (16 - facts.bits), 2**facts.bits - 1
    pixels, white = native(values)
    return pixels, 2**facts.bits - 1 if facts.format == "TIFF" and 8 < facts.bits < 16 else white


def _as_shown(image: Image.Image, pixels: NDArray[Any], white: float) -> NDArray[Any]:
    """Deep grey that is no negative and lies on white, which Pillow leaves to us."""
    white_is_zero = getattr(image, "tag_v2", {}).get(_TIFF_PHOTOMETRIC) == 0
    if white_is_zero and image.mode != "F" and not isnan(white):
        pixels = (white - pixels).astype(pixels.dtype)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        pixels = np.where(np.asarray(image)[:, :, None] == transparent, white, pixels).astype(pixels.dtype)
    return pixels
