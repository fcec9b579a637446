"""Images of many bands, or with a range of their own, as 8 bits of grey or of colour, which a person can look at.

Shown are one plane or three: of two bands the first, of more than three the first three as red, green and blue.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.images.channels import expect_channels
from striate.images.depth import WHITE_8, eight_bits, expect_within
from striate.images.reading import ImageSource, Pixels, Reading, examine


@dataclass(frozen=True)
class View:
    """How images are looked at: as `read_image` does, or deep if they have a range low, high or other channels."""

    channels: int | None = None
    range: tuple[float, float] | None = None

    @property
    def deep(self) -> bool:
        """Whether training with the same channels and range would read values as they are stored."""
        return self.range is not None or self.channels not in (None, 1, 3)

    def read(self, source: ImageSource) -> tuple[Reading, Pixels]:
        """An image as it was read, and what is shown of it (H, W, 1 or 3): low is 0 and high is 255.

        Raises ImageError as `examine` does, for values outside the range, and for another number of channels.
        """
        reading = examine(source, deep=self.deep, bands=self.channels)
        if not self.deep:
            return reading, reading.pixels
        expect_channels(reading.pixels.shape[2], self.channels)
        planes = _planes(reading.pixels)
        if self.range is None:
            return reading, eight_bits(planes, reading.white)
        low, high = self.range
        expect_within(reading.pixels, low, high)
        bright = (planes.astype(np.float64) - low) * (WHITE_8 / (high - low))
        return reading, np.rint(bright).astype(np.uint8)

    def of(self, dataset: Dataset) -> Dataset:
        """The data set with images as they are shown."""
        return replace(dataset, fetch=lambda place: self.read(dataset.fetch(place))[1]) if self.deep else dataset


def _planes(pixels: NDArray[Any]) -> NDArray[Any]:
    """The first band, or the first three (H, W, 1 or 3)."""
    return np.ascontiguousarray(pixels[:, :, : 1 if pixels.shape[2] < 3 else 3])
