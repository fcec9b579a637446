"""TIFF of many bands, of 16-bit colours, of floats and of wide integers, by tifffile: Pillow has no mode for them."""

import math
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError
from striate.images.arrays import mode_of
from striate.images.depth import native, on_white
from striate.images.extras import deep_package
from striate.images.facts import Facts, Reading
from striate.images.limits import expect_no_bomb
from striate.images.orientation import upright
from striate.images.tiff import FLOAT, UNSIGNED, WHITE_IS_ZERO, Layout

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffFrame, TiffPage

_WITH_ALPHA = {2: "LA;16", 4: "RGBA;16"}


def read_deep_tiff(stream: BinaryIO, layout: Layout, *, bands: int | None = None) -> Reading:
    """The first picture with all its samples, but an alpha that is not asked for as a band lies on white.

    Raises ImageError for inks and palettes, unless their samples are asked for as bands; for too many values; for
    missing parts; and if tifffile is not installed.
    """
    if not layout.light and bands != layout.samples:
        raise ImageError(
            f"its {layout.samples} samples of {layout.bits} bits are not light but inks or the like (photometric "
            f"interpretation {layout.photometric}): convert it to RGB"
        )
    with deep_package("tifffile", "a TIFF of this kind").TiffFile(stream) as file:
        stored, frames = _samples(file, bands), len(file.pages)  # (H, W, C)
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


def _samples(file: "TiffFile", bands: int | None) -> NDArray[Any]:
    """The first page (H, W, C); or all pages, if it is grey and `bands` are asked for that the pages make up.

    Pages are bands where there are as many; and where tifffile was handed (H, W, C) it wrote H pages of W×C.
    """
    first = _page(file.pages[0])
    height, width, samples = first.shape
    count = len(file.pages)
    if samples > 1 or count == 1 or bands in (None, 1, 3) or bands not in (count, width):
        return first
    expect_no_bomb(width, height, count)
    whole = np.stack([_page(page)[:, :, 0] for page in file.pages])  # (P, H, W)
    return whole.transpose(1, 2, 0) if bands == count else whole


def _page(page: "TiffPage | TiffFrame") -> NDArray[Any]:
    """One page (H, W, C). Raises ImageError if a part of it is missing."""
    separate, depth, height, width, together = page.shaped
    expect_no_bomb(width, height, separate * depth * together)
    expect_no_bomb(math.prod(page.chunks) // together, 1, together)
    wanted, parts = math.prod(page.chunked), page.databytecounts
    if depth != 1 or len(parts) < wanted or 0 in parts:
        raise ImageError(f"of its {wanted} strips or tiles some are missing: write it whole")
    values = page.asarray(squeeze=False, maxworkers=1)  # (S, 1, H, W, C), of which S or C is 1
    return values[:, 0, :, :, 0].transpose(1, 2, 0) if separate > 1 else values[0, 0]
