"""What a file says of itself: what `striate check` tells a person about their images."""

from typing import NamedTuple


class Facts(NamedTuple):
    """As stored: before it is turned upright, brought to 8 bits, or laid on white."""

    format: str  # Pillow's name: JPEG, PNG, …; "array" for what is no file
    mode: str  # Pillow's: 1, L, LA, P, RGB, RGBA, CMYK, I;16, I, F, …; RGB;16 for 16-bit colour; N bands: "N×uint16"
    width: int  # pixels
    height: int
    orientation: int  # EXIF, 1 to 8; 1 is upright
    frames: int  # more than 1: an animation or a file of several pages, of which the first is read
    bits: int  # of a channel: 1, 8, 12, 16, 32
    transparent: bool  # something may show through

    @property
    def channels(self) -> str:
        """grey, colour, or the number of bands."""
        if self.mode in ("1", "L", "LA", "La", "F") or self.mode.startswith("I"):
            return "grey"
        return self.mode.partition("×")[0] if "×" in self.mode else "colour"
