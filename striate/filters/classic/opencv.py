"""The one door to OpenCV, which is optional: what is missing or refused is told in a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from striate.errors import SettingsError, StriateError


@contextmanager
def opencv() -> Iterator[Any]:
    """OpenCV's module for the length of a `with`.

    Raises StriateError if it is not installed, and for what it refuses, as an image too large for the memory: whatever
    else could be wrong with an image or a setting has been asked before.
    """
    try:
        import cv2  # noqa: PLC0415 - optional, and this is its only door
    except ImportError as error:
        raise StriateError(f"this operation needs OpenCV ({error}): pip install 'striate[opencv]'") from error
    try:
        yield cv2
    except cv2.error as error:
        raise StriateError(f"OpenCV has given up ({error.err or error}): try a smaller image") from error


def expect_between(name: str, value: float, least: float, most: float) -> None:
    """Raise SettingsError if a setting is no number from `least` to `most`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise SettingsError(f"{name} is {value!r}; expected a number from {least:g} to {most:g}")
