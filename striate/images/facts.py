"""An image as it was read, and what its file says of itself: what `striate check` tells a person about their images."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray


class Facts(NamedTuple):
    """As stored: before it is turned upright, brought to 8 bits, or laid on white."""

    format: str  # Pillow's name: JPEG, PNG, …; "NPY"; "array" for what is no file
    mode: str  # Pillow's: 1, L, LA, P, RGB, RGBA, CMYK, I;16, I, F, …; RGB;16 for 16-bit colour; N bands: "N×uint16"
    width: int  # pixels
    height: int
    orientation: int  # EXIF, 1 to 8; 1 is upright
    frames: int  # more than 1: an animation or a file of several pages, of which the first is read
    bits: int  # of a channel: 1, 2, 4, 8, 12, 16, 32, …
    transparent: bool  # something may show through

    @property
    def channels(self) -> str:
        """grey, colour, or the number of bands."""
        if self.mode.startswith(("1", "L", "I", "F")) and "×" not in self.mode and self.mode != "LAB":
            return "grey"
        return self.mode.partition("×")[0] if "×" in self.mode else "colour"


@dataclass(frozen=True)
class Reading:
    """An image as it was read: upright and whole."""

    pixels: NDArray[Any]  # (H, W, C) uint8, uint16 or float32
    white: float  # the number that is white: 255, 65535, 4095, …, 1 for floats; nan where the file does not say it
    facts: Facts
