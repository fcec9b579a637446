"""Size, fit and channels: from an image of any size to pixels that fit in a batch."""

from dataclasses import dataclass
from math import floor, isfinite
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from striate.errors import SettingsError, expect_whole
from striate.images.channels import expect_channels, grey
from striate.images.depth import WHITE_16, eight_bits, expect_within, sixteen_bits
from striate.images.facts import Facts
from striate.images.fits import Fit, Interpolation
from striate.images.reading import ImageSource, Pixels, examine
from striate.images.resizing import resized

_MOST_CHANNELS = 65535  # that a TIFF can have


class Part(NamedTuple):
    """A rectangle of whole pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Where it lies in pixels (H, W, …)."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    @classmethod
    def middle(cls, height: float, width: float, whole: tuple[int, int]) -> "Part":
        """The middle of a whole, at least a pixel: its sides are rounded, a half upwards, its corner downwards."""
        down, across = max(1, floor(height + 0.5)), max(1, floor(width + 0.5))
        return cls((whole[0] - down) // 2, (whole[1] - across) // 2, down, across)


@dataclass(frozen=True)
class Geometry:
    """How an image becomes planes (channels, *size).

    `crop` fills the size and cuts off what stands out on both sides; `pad` shows the whole image on black; `stretch`
    changes the aspect. Of crop and stretch only the middle `share` of each side is kept: 0.875 is what is known as
    resizing the shorter side to 256 and cropping 224. Only whole pixels are kept, which are then resized, antialiased.
    """

    size: tuple[int, int]  # height, width in pixels
    channels: int | None = None  # 1, 3, another number, or as the image is
    fit: Fit = "crop"
    interpolation: Interpolation = "bilinear"
    share: float = 1.0
    range: tuple[float, float] | None = None  # what is black and what is white, for 16 bits; None: by the file, for 8

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fit):
            raise SettingsError(f"fit is {self.fit!r}; expected one of {', '.join(get_args(Fit))}")
        if self.interpolation not in get_args(Interpolation):
            known = ", ".join(get_args(Interpolation))
            raise SettingsError(f"interpolation is {self.interpolation!r}; expected one of {known}")
        if self.channels is not None:
            expect_whole("channels", self.channels, _MOST_CHANNELS)
        if not 0 < self.share <= 1:
            raise SettingsError(f"share is {self.share}; expected more than 0, and 1 at the most")
        if self.fit == "pad" and self.share != 1:
            raise SettingsError(f"share is {self.share}, but pad shows the whole image: leave share at 1, or crop")
        if self.range and not (self.range[0] < self.range[1] and isfinite(self.range[1] - self.range[0])):
            raise SettingsError(f"range is {self.range}; expected two numbers, that of black below that of white")

    def prepare(self, source: ImageSource) -> tuple[NDArray[Any], Facts]:
        """Read an image and bring it to (channels, *size); with what its file says of itself.

        Without a range uint8, by the white that the file states. With one uint16: low is 0 and high is 65535. Raises
        ImageError as `examine` does, for values outside the range, and for another number of channels than is wanted.
        """
        deep = self.range is not None or self.channels not in (None, 1, 3)
        reading = examine(source, deep=deep, bands=self.channels)
        if self.range is None:
            return self.apply(eight_bits(reading.pixels, reading.white)), reading.facts
        expect_within(reading.pixels, *self.range)
        kept = sixteen_bits(reading.pixels[self.kept(*reading.pixels.shape[:2]).slices], *self.range)
        return np.rint(self._place(kept).clip(0, WHITE_16)).astype(np.uint16), reading.facts

    def apply(self, pixels: Pixels) -> NDArray[np.uint8]:
        """Pixels (H, W, C) of any size to (channels, *size)."""
        return self._place(pixels[self.kept(*pixels.shape[:2]).slices])

    def kept(self, height: int, width: int) -> Part:
        """What is not cut off of an image: the middle share of it, or of the largest part that has the right aspect."""
        tall, wide = self.size
        down, across = self.share * height, self.share * width
        if self.fit == "crop":
            down, across = (
                min(down, self.share * (width * tall) / wide),
                min(across, self.share * (height * wide) / tall),
            )
        return Part.middle(down, across, (height, width))

    def shown(self, height: int, width: int) -> Part:
        """Where in `size` that is shown: everywhere, but with `pad` in the middle, in its own aspect."""
        tall, wide = self.size
        if self.fit != "pad":
            return Part(0, 0, tall, wide)
        return Part.middle(min(tall, height * wide / width), min(wide, width * tall / height), self.size)

    def _place(self, kept: NDArray[Any]) -> NDArray[Any]:
        """What is kept (H, W, C) as planes (channels, *size)."""
        height, width, held = kept.shape
        expect_channels(held, self.channels)
        shown = self.shown(height, width)
        planes = resized(grey(kept) if (held, self.channels) == (3, 1) else kept, shown[2:], self.interpolation)
        if (held, self.channels) == (1, 3):
            planes = planes.repeat(3, axis=0)
        if shown[2:] == self.size:
            return planes
        canvas = np.zeros((len(planes), *self.size), planes.dtype)
        canvas[:, *shown.slices] = planes
        return canvas
