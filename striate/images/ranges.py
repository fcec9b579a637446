"""What black and white are in images of more than 8 bits: `16bit`, or `LOW:HIGH` in the images' own numbers."""

from striate.errors import SettingsError


def parse_range(text: str | None) -> tuple[float, float] | None:
    """The values that stand for black and white; None for `auto`: 8 bits, by the white that each file states.

    >>> parse_range("16bit"), parse_range("-1000:3000"), parse_range("auto")
    ((0.0, 65535.0), (-1000.0, 3000.0), None)
    """
    if text is None or text == "auto":
        return None
    if text == "16bit":
        return 0.0, 65535.0
    low, _, high = text.partition(":")
    try:
        black, white = float(low), float(high)
    except ValueError:
        black = white = 0.0
    if not -1e30 < black < white < 1e30:
        raise SettingsError(f"range is {text!r}; expected auto, 16bit, or LOW:HIGH as 0:4095 or -1000:3000")
    return black, white
