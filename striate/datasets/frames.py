"""The frame of an image, from its file's header alone: width and height as stored, and how EXIF turns them upright.

Orientations are those of EXIF (CIPA DC-008, tag 274): 1 is upright, 5 to 8 swap width and height.
"""

import io
import os
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from striate.errors import ImageError
from striate.images import arrays, tiff
from striate.images.orientation import TAG, known
from striate.images.reading import FORMATS, ImageSource
from striate.images.sources import open_source

_LATE = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")  # the PNG chunks that may hold EXIF or XMP, and may follow the pixels


class Frame(NamedTuple):
    """Width and height in pixels as stored, and the orientation from 1 to 8."""

    width: int
    height: int
    orientation: int = 1

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height of the image that a person sees."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read_frame(source: ImageSource) -> Frame:
    """The frame of a file, a file's bytes, a Pillow image or an array, undecoded. Raises ImageError with the reason."""
    if isinstance(source, np.ndarray):
        return Frame(source.shape[1], source.shape[0])
    if isinstance(source, Image.Image):
        return _frame(source)
    try:
        with open_source(source) as stream:
            return _read(stream)
    except Exception as error:  # on broken bytes decoders raise anything: OSError, SyntaxError, struct.error, ...
        file = os.fspath(source) if isinstance(source, str | os.PathLike) else ""
        reason = error.reason if isinstance(error, ImageError) else f"its header cannot be read: {error}"
        raise ImageError(reason, file) from error


def turn_points(points: NDArray[np.float64], frame: Frame) -> NDArray[np.float64]:
    """Points (P, 2) x, y of the stored frame, where they lie once the image stands upright.

    The first pixel spans 0 to 1, so a mirrored x is width - x.
    """
    x, y = points[:, 0], points[:, 1]
    mirrored, flipped = frame.width - x, frame.height - y
    turned = {
        2: (mirrored, y),
        3: (mirrored, flipped),
        4: (x, flipped),
        5: (y, x),
        6: (flipped, x),
        7: (flipped, mirrored),
        8: (y, mirrored),
    }.get(frame.orientation, (x, y))
    return np.stack(turned, axis=1)  # (P, 2)


def _read(stream: BinaryIO) -> Frame:
    head = stream.read(8)
    stream.seek(0)
    if head.startswith(arrays.MAGIC):
        return Frame(*arrays.npy_size(stream))
    layout = tiff.read_layout(stream) if head.startswith(tiff.MAGIC) else None
    if layout:
        return Frame(layout.width, layout.height, layout.orientation)
    with Image.open(stream, formats=FORMATS) as image:
        return _frame(image)


def _frame(image: Image.Image) -> Frame:
    return Frame(image.width, image.height, _orientation(image))


def _orientation(image: Image.Image) -> int:
    """1 to 8; Pillow would decode a PNG to see whether its EXIF follows the pixels, so that is looked up here."""
    early = isinstance(image, PngImagePlugin.PngImageFile) and "exif" not in image.info and not _speaks_late(image)
    exif = Image.Image.getexif(image) if early else image.getexif()
    return known(exif.get(TAG))


def _speaks_late(image: PngImagePlugin.PngImageFile) -> bool:
    """Whether a PNG has text or EXIF after its first pixels: chunks are length, kind, content and a checksum."""
    file = image.fp
    if file is None:
        return True
    place = file.tell()
    pixels = late = False
    file.seek(8)
    while len(head := file.read(8)) == 8 and not late:
        pixels |= head[4:] == b"IDAT"
        late = pixels and head[4:] in _LATE
        file.seek(int.from_bytes(head[:4], "big") + 4, io.SEEK_CUR)
    file.seek(place)
    return late
