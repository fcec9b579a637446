"""TIFF of many bands, of 16-bit colours, of floats and of wide integers: Pillow has no mode for them.

imagecodecs' libtiff decodes them. tifffile would too, but decodes LZW in a way that damaged files can crash.
"""

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError
from striate.images.arrays import mode_of
from striate.images.depth import native, on_white
from striate.images.extra import load_imagecodecs
from striate.images.facts import Facts, Reading
from striate.images.limits import expect_no_bomb
from striate.images.orientation import upright
from striate.images.sources import read_whole
from striate.images.tiff import FLOAT, UNSIGNED, WHITE_IS_ZERO, Layout, count_pages

_WITH_ALPHA = {2: "LA;16", 4: "RGBA;16"}


def read_deep_tiff(stream: BinaryIO, layout: Layout, *, bands: int | None = None) -> Reading:
    """The first picture with all its samples, but an alpha that is not asked for as a band lies on white.

    Raises ImageError for inks, palettes and the like, for too many values, and if imagecodecs is not installed.
    """
    if not layout.light:
        raise ImageError(
            f"its {layout.samples} samples of {layout.bits} bits are not light but inks or the like (photometric "
            f"interpretation {layout.photometric}): convert it to RGB"
        )
    stored, frames = _samples(stream, layout, bands)  # (H, W, C)
    height, width, samples = stored.shape
    pixels, white = _as_shown(stored, layout, bands)
    blended = pixels.shape[2] < samples
    mode = _WITH_ALPHA[samples] if blended and samples in _WITH_ALPHA else mode_of(stored.dtype, samples)
    facts = Facts("TIFF", mode, width, height, layout.orientation, frames, layout.bits, layout.alpha is not None)
    return Reading(upright(pixels, layout.orientation), white, facts)


def _as_shown(stored: NDArray[Any], layout: Layout, bands: int | None) -> tuple[NDArray[Any], float]:
    """No negative, and on white (H, W, C); and its white."""
    pixels, white = native(stored)
    if layout.kind == UNSIGNED and layout.bits < 8 * stored.itemsize:
        white = 2**layout.bits - 1
    if layout.photometric == WHITE_IS_ZERO and layout.kind != FLOAT:
        pixels = (white - pixels).astype(pixels.dtype)
    if layout.alpha is None or pixels.shape[2] in (bands, 1):
        return pixels, white
    alpha = pixels[:, :, layout.alpha, None]
    colours = np.delete(pixels, layout.alpha, axis=2)
    return on_white(colours, alpha, white, premultiplied=layout.premultiplied), white


def _samples(stream: BinaryIO, layout: Layout, bands: int | None) -> tuple[NDArray[Any], int]:
    """The first page (H, W, C), or all pages if the `bands` asked for are made up by them; and how many there are.

    Grey pages are bands where there are as many; and where tifffile was handed (H, W, C) it wrote H pages of W×C.
    """
    count = count_pages(stream)
    content = read_whole(stream)
    first = _page(content, 0, layout)
    if layout.samples > 1 or count == 1 or bands in (None, 1, 3) or bands not in (count, layout.width):
        return first, count
    expect_no_bomb(layout.width, layout.height, count)
    whole = np.stack([_page(content, page, layout)[:, :, 0] for page in range(count)])  # (P, H, W)
    return whole.transpose(1, 2, 0) if bands == count else whole, count


def _page(content: bytes, page: int, layout: Layout) -> NDArray[Any]:
    """One page (H, W, C). Raises ImageError if it is not as the first one's layout says."""
    expect_no_bomb(layout.width, layout.height, layout.samples)
    expect_no_bomb(*layout.tile, layout.samples)
    values = np.asarray(load_imagecodecs("a TIFF of this kind").tiff_decode(content, page))
    if layout.samples == 1 and values.ndim == 2:
        values = values[:, :, None]
    elif layout.planes and values.ndim == 3:
        values = values.transpose(1, 2, 0)
    expected = (layout.height, layout.width, layout.samples)
    if values.shape != expected or 8 * values.itemsize < layout.bits:
        raise ImageError(
            f"page {page + 1} is {values.dtype} of shape {values.shape}; expected {layout.bits} bits, {expected}"
        )
    return values
