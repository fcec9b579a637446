"""Plain JPEGs by libjpeg-turbo itself (ITU-T T.81): the same pixels as through Pillow, bit for bit, and sooner."""

import io

import simplejpeg
from PIL import Image

from striate.images.facts import Facts, Reading
from striate.images.limits import expect_no_bomb
from striate.images.orientation import TAG, known, upright

MAGIC = b"\xff\xd8\xff"
_COLOURS = {"Gray": ("GRAY", "L"), "YCbCr": ("RGB", "RGB")}
_MARK, _SCAN = 0xFF, 0xDA  # what each marker begins with, and the marker of the first scan
_MULTIPLE = b"MPF\0"  # more pictures follow (CIPA DC-007)
_ORIENTED = (b"Exif\0\0", b"tiff:Orientation")  # in EXIF, or in XMP


def read_jpeg(content: bytes) -> Reading | None:
    """The pixels of a grey or YCbCr JPEG; None for any other, and for what libjpeg warns of: Pillow judges those.

    Raises ImageError for too many pixels, before they are decoded. Other threads run while it decodes.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        header = _before_the_scan(content)
        if colours not in _COLOURS or _MULTIPLE in header:
            return None
        expect_no_bomb(width, height)
        wanted, mode = _COLOURS[colours]
        pixels = simplejpeg.decode_jpeg(content, wanted, strict=True)
    except ValueError:
        return None
    turned = _orientation(content) if any(word in header for word in _ORIENTED) else 1
    return Reading(upright(pixels, turned), 255, Facts("JPEG", mode, width, height, turned, 1, 8, False))


def _orientation(content: bytes) -> int:
    """What Pillow finds in the EXIF, or in the XMP."""
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        return known(image.getexif().get(TAG))


def _before_the_scan(content: bytes) -> bytes:
    """The segments before the pixels, each a marker and a length that counts itself; all where they are no such row."""
    place = 2
    while place + 4 <= len(content) and content[place] == _MARK:
        if content[place + 1] == _SCAN:
            return content[:place]
        fill = content[place + 1] == _MARK  # a byte that may stand before a marker
        place += 1 if fill else 2 + int.from_bytes(content[place + 2 : place + 4])
    return content
