"""PNG of 16-bit colours, by imagecodecs: Pillow keeps only the higher byte of each.

imagecodecs' own libpng writes a warning to stderr for each interlaced file, which it reads right all the same.
"""

import io

import numpy as np
from PIL import Image

from striate.images.depth import WHITE_16, on_white
from striate.images.extra import load_imagecodecs
from striate.images.facts import Reading
from striate.images.orientation import upright
from striate.images.pillow import read_pillow

_MAGIC, _HEADER = b"\x89PNG\r\n\x1a\n", 33  # bytes
_SIXTEEN, _COLOURS = 16, (2, 4, 6)  # bits, and the types: colours, grey and alpha, colours and alpha


def is_deep_png(head: bytes) -> bool:
    """Whether a PNG that begins so has more colour than Pillow keeps."""
    return head.startswith(_MAGIC) and head[24:25] == bytes([_SIXTEEN]) and head[25] in _COLOURS


def read_deep_png(content: bytes, *, bands: int | None = None) -> Reading:
    """The 16-bit colours on white, or with their alpha if so many `bands` are asked for.

    Pillow decodes the file first: it finds damage that imagecodecs forgives.
    """
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        facts = read_pillow(image, content[:_HEADER]).facts
    pixels = np.asarray(load_imagecodecs("16-bit colour").png_decode(content))  # (H, W, C)
    if pixels.shape[2] in (2, 4) and pixels.shape[2] != bands:
        pixels = on_white(pixels[:, :, :-1], pixels[:, :, -1:], WHITE_16, premultiplied=False)
    return Reading(upright(pixels, facts.orientation), WHITE_16, facts)
