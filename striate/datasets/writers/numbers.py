"""Numbers as text files hold them: as short as they can be, and exact to a billionth of a pixel."""

_DIGITS = 9


def tidy(value: float) -> int | float:
    """Rounded; whole if it is.

    >>> tidy(0.1 + 0.2), tidy(3.0)
    (0.3, 3)
    """
    rounded = round(float(value), _DIGITS)
    return int(rounded) if rounded.is_integer() else rounded
