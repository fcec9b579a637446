"""What a knob may be: checked when an augmentation is made, so that no epoch is lost to a slip."""

import math

from striate.errors import SettingsError


def expect_number(name: str, value: float, least: float, most: float = math.inf, *, below: float = math.inf) -> None:
    """Raise SettingsError unless `least` ≤ value ≤ `most` and value < `below`."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most or not value < below:
        upper = f" to {most:g}" if most < math.inf else f" and below {below:g}" if below < math.inf else " or more"
        raise SettingsError(f"{name} is {value!r}; expected a number, {least:g}{upper}")


def expect_ordered(names: str, least: float, most: float) -> None:
    """Raise SettingsError if the smaller of two knobs is the larger."""
    if least > most:
        raise SettingsError(f"{names} are {least!r} and {most!r}; expected the smaller first")
