"""An image through one kernel: its exact response, and how that is told and shown."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.filters.answer import Answer
from striate.filters.correlation import correlate
from striate.filters.grey import brightness
from striate.filters.kernels import Kernel, kernel_of
from striate.filters.panels import Panel, glued, reach, readable, signed_grey, told
from striate.images.reading import ImageSource, Pixels, read_image

_USUAL = 99.5  # percentile of a signed response that is still told apart in the picture


@dataclass(frozen=True, eq=False)
class Filtered(Answer):
    """The `response` of a kernel on an image: (H', W') if it was taken in grey, (H', W', 3) if in colour."""

    image: Pixels
    kernel: Kernel
    border: str
    response: NDArray[Any]

    @property
    def name(self) -> str:
        return self.kernel.name

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The responses that are shown black and white: 0 and 255, or of a signed kernel one number of either sign.

        It is the largest response of a tiny image, whose numbers can be read; of all others the steepest 0.5% are left
        out, for a few sharp corners would turn the rest of a photograph grey.
        """
        if not self.kernel.signed:
            return 0, 255
        lengths = np.abs(self.response)
        usual = 0 if readable(lengths) is not None else np.percentile(lengths, _USUAL, method="higher").item()
        largest = usual or reach(lengths)
        return -largest, largest

    @cached_property
    def clipped(self) -> int:
        """How many responses lie beyond what is shown black or white."""
        lowest, highest = self.limits
        return int(((self.response < lowest) | (self.response > highest)).sum())

    @property
    def shown(self) -> Pixels:
        """The response to look at, clipped to its limits: zero as mid-grey if the kernel is signed, else rounded."""
        if self.kernel.signed:
            return signed_grey(self.response, self.limits[1])
        pixels: Pixels = np.rint(self.response.clip(0, 255)).astype(np.uint8)
        return pixels

    def sentences(self) -> list[str]:
        """The kernel as it is printed, and the range of what it gave."""
        wide = max(len(str(weight)) for row in self.kernel.weights for weight in row)
        rows = ["  " + " ".join(f"{weight:>{wide}}" for weight in row) for row in self.kernel.weights]
        rows[len(rows) // 2] += _factor(self.kernel)
        found, (lowest, highest) = self.findings(), self.limits
        limits = f"{lowest:g}..{highest:g}"
        lost = f"; {self.clipped:,} values outside {limits} are clipped in the picture" if self.clipped else ""
        return [
            f"{self.name}: {self.kernel.meaning}" if self.kernel.meaning else self.name,
            *rows,
            f"image {_size(self.image)} in {found['taken_in']}, border {self.border}: response {_size(self.response)}",
            f"response from {found['lowest']:g} to {found['highest']:g}, mean {found['mean']:.4g}{lost}",
        ]

    def findings(self) -> dict[str, Any]:
        """The kernel and the range of what it gave."""
        return {
            "kernel": [list(row) for row in self.kernel.weights],
            "factor": str(self.kernel.factor),
            "meaning": self.kernel.meaning,
            "border": self.border,
            "taken_in": "grey" if self.response.ndim == 2 else "colour",
            "response_size": list(self.response.shape[:2]),
            "lowest": self.response.min().item(),
            "highest": self.response.max().item(),
            "mean": float(self.response.mean()),
            "clipped": self.clipped,
        }

    def panels(self) -> list[Panel]:
        """Original, kernel, response; numbers are written into the cells of tiny images."""
        weights, original = np.array(self.kernel.weights), glued(self.image)
        lowest, highest = (told(limit) for limit in self.limits)
        greyed = "its brightness is filtered" if original.ndim > self.response.ndim else ""
        lost = f"{self.clipped:,} values clipped to {lowest}…{highest}" if self.clipped else ""
        ends = (f"≤ {lowest}", "0", f"≥ {highest}") if self.clipped else (lowest, "0", highest)
        return [
            Panel("original", original, greyed, readable(original)),
            Panel(self.name, signed_grey(weights), _factor(self.kernel).strip().replace("-", "−"), weights, small=True),
            Panel(
                "response",
                self.shown,
                lost,
                readable(self.response),
                scale=ends if self.kernel.signed and self.response.any() else None,
            ),
        ]


def filter_image(source: ImageSource, kernel: str | Kernel = "sobel", *, border: str = "edge") -> Filtered:
    """The response of a kernel, one of the lectures' by its name or one's own, on any image that `read_image` takes.

    An edge kernel, whose weights sum to zero, takes a colour image in grey: an edge is where the brightness changes,
    and three signed responses would make colours that nobody can read. All others keep the colours. Pixels count from
    0 to 255 in whole numbers, to which `read_image` rounds images of 16 bits and of floats first; to filter those as
    they are, and for the border, see `correlate`.

    Raises ImageError if the image cannot be read, SizeError if the kernel does not fit, UnknownNameError for another
    kernel or border.

    >>> board = np.repeat(np.uint8([[10, 10, 10, 0, 0, 0]]), 6, axis=0)
    >>> filter_image(board, "sobel", border="valid").response[0]
    array([ 0, 40, 40,  0])
    """
    chosen = kernel_of(kernel)
    image = read_image(source)
    taken = brightness(image) if chosen.signed else glued(image)
    return Filtered(image, chosen, border, correlate(taken, chosen, border=border))


def _factor(kernel: Kernel) -> str:
    return f"   × {kernel.factor}" if kernel.factor != 1 else ""


def _size(values: NDArray[Any]) -> str:
    return f"{values.shape[0]}×{values.shape[1]}"
