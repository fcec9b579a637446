"""What a TIFF says of its pixels: its first directory (TIFF 6.0, sections 4, 8 and 18; SampleFormat: section 19)."""

import os
from dataclasses import dataclass
from struct import calcsize, unpack, unpack_from
from typing import BinaryIO

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from striate.images.orientation import TAG, known

_LONG = b"II+\0"  # BigTIFF: more than 4 GiB; Pillow does not know the one that begins with MM
MAGIC = (b"II*\0", b"MM\0*", _LONG)
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES, _PLANES, _EXTRA, _FORMAT = 256, 257, 258, 262, 277, 284, 338, 339
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}  # samples of a picture, by photometric interpretation
WHITE_IS_ZERO, BLACK_IS_ZERO, RED_GREEN_BLUE = 0, 1, 2
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
_PREMULTIPLIED, _ALPHA = 1, 2
_SEPARATE = 2
_MOST_PAGES = 65536  # that are counted


@dataclass(frozen=True)
class Layout:
    """The first picture of a file."""

    width: int
    height: int
    bits: int  # of its first sample
    samples: int
    photometric: int
    extra: tuple[int, ...]  # what comes after the colours: 0 unknown, 1 premultiplied alpha, 2 alpha
    kind: int  # of number
    planes: bool  # each sample lies by itself
    tile: tuple[int, int]  # width and height, 0 if there are none
    orientation: int

    @property
    def light(self) -> bool:
        """Whether each sample is an amount of light: no ink, no place in a palette, no luma and chroma."""
        return self.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RED_GREEN_BLUE)

    @property
    def colours(self) -> int:
        """Samples that make the picture, without its alpha and other extra ones."""
        return _COLOURS.get(self.photometric, self.samples)

    @property
    def alpha(self) -> int | None:
        """Which sample is the alpha, if the file says that one is."""
        places = [place for place, extra in enumerate(self.extra) if extra in (_PREMULTIPLIED, _ALPHA)]
        return self.colours + places[0] if places and self.colours + places[0] < self.samples else None

    @property
    def premultiplied(self) -> bool:
        """Whether the colours are already multiplied by their alpha."""
        return _PREMULTIPLIED in self.extra

    @property
    def has_bands(self) -> bool:
        """Whether there is more than a picture: a fourth sample beside red, green and blue may be mere padding."""
        spare = self.alpha is not None or self.photometric == RED_GREEN_BLUE
        return self.light and self.samples > self.colours + spare

    def whole_in_pillow(self, bands: int | None) -> bool:
        """Whether Pillow gives every bit of every sample, and the `bands` if so many are asked for.

        8 bits that claim a sign are a picture for Pillow, and in the files that people have they are one.
        """
        if self.light and bands not in (None, 1, 3) and self.samples in (1, bands) and self.alpha is None:
            return False
        if self.samples == 1:
            deep = ((UNSIGNED, 12), (UNSIGNED, 16), (SIGNED, 16), (SIGNED, 32), (FLOAT, 32))
            return self.bits <= 8 or (self.kind, self.bits) in deep
        named = len(self.extra) == self.samples - self.colours and 0 not in self.extra
        unnamed_alpha = self.photometric == RED_GREEN_BLUE and self.samples == 4 and not self.extra
        return self.bits <= 8 and self.kind == UNSIGNED and (named or unnamed_alpha)


def read_layout(stream: BinaryIO) -> Layout | None:
    """The layout of the first picture, or None if the file has no directory with sizes; the stream is left at 0."""
    header = stream.read(16)
    directory = ImageFileDirectory_v2(header if header.startswith(_LONG) else header[:8])
    stream.seek(directory.next)
    directory.load(stream)
    stream.seek(0)
    width, height = (_numbers(directory.get(tag)) for tag in (_WIDTH, _HEIGHT))
    if not width or not height:
        return None
    return Layout(
        width=width[0],
        height=height[0],
        bits=_first(directory, _BITS, 1),
        samples=_first(directory, _SAMPLES, 1),
        photometric=_first(directory, _PHOTOMETRIC, WHITE_IS_ZERO),
        extra=_numbers(directory.get(_EXTRA)),
        kind=_first(directory, _FORMAT, UNSIGNED),
        planes=_first(directory, _PLANES, 1) == _SEPARATE,
        tile=(_first(directory, _TILE_WIDTH, 0), _first(directory, _TILE_HEIGHT, 0)),
        orientation=known(directory.get(TAG)),
    )


def count_pages(stream: BinaryIO) -> int:
    """How many directories follow one another, until the last or one that has been seen; the stream is left at 0.

    Each is the number of its entries, the entries, and the place of the next one.
    """
    header = stream.read(16)
    order, long = "<" if header.startswith(b"II") else ">", header.startswith(_LONG)
    count, entry, place = ("Q", 20, "Q") if long else ("H", 12, "I")
    seen: set[int] = set()
    (at,) = unpack_from(order + place, header, 8 if long else 4)
    while 0 < at not in seen and len(seen) < _MOST_PAGES:
        seen.add(at)
        stream.seek(at)
        (entries,) = unpack(order + count, stream.read(calcsize(count)))
        stream.seek(entry * entries, os.SEEK_CUR)
        (at,) = unpack(order + place, stream.read(calcsize(place)))
    stream.seek(0)
    return len(seen)


def _first(directory: ImageFileDirectory_v2, tag: int, default: int) -> int:
    return (*_numbers(directory.get(tag)), default)[0]


def _numbers(value: object) -> tuple[int, ...]:
    """A tag's whole numbers; none if it is missing or anything else."""
    values = value if isinstance(value, tuple) else (value,)
    return tuple(number for number in values if isinstance(number, int))
