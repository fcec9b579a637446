"""Plain JPEGs by libjpeg-turbo itself: the same pixels as through Pillow, bit for bit, sooner and without copies."""

import io

import simplejpeg
from PIL import Image

from striate.images.facts import Facts, Reading
from striate.images.limits import expect_no_bomb
from striate.images.orientation import TAG, known, upright

MAGIC = b"\xff\xd8\xff"
_COLOURS = {"Gray": ("GRAY", "L"), "YCbCr": ("RGB", "RGB")}
_MULTIPLE = b"MPF\0"  # several pictures in one file (CIPA DC-007)
_ORIENTED = (b"Exif\0\0", b"tiff:Orientation")  # in EXIF, or in XMP


def read_jpeg(content: bytes) -> Reading | None:
    """The pixels of a grey or YCbCr JPEG; None for any other, and for what libjpeg warns of: Pillow judges those.

    Raises ImageError for too many pixels, before they are decoded. Other threads run while it decodes.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        if colours not in _COLOURS or _MULTIPLE in content:
            return None
        expect_no_bomb(width, height)
        wanted, mode = _COLOURS[colours]
        pixels = simplejpeg.decode_jpeg(content, wanted, strict=True)
    except ValueError:
        return None
    turned = _orientation(content)
    return Reading(upright(pixels, turned), 255, Facts("JPEG", mode, width, height, turned, 1, 8, False))


def _orientation(content: bytes) -> int:
    """What Pillow finds, if there is anything to be found."""
    if not any(word in content for word in _ORIENTED):
        return 1
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        return known(image.getexif().get(TAG))
