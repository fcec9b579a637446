"""What layers are given: settings as torch.nn takes them, one whole number or two, and maps that fit to them."""

from contextlib import suppress
from operator import index
from typing import Any

import torch
from torch import Tensor

from striate.errors import SettingsError, SizeError, expect_whole

Sizes = int | tuple[int, int]

_MOST = 100_000


def whole(name: str, value: Any, *, least: int = 1, most: int = _MOST) -> int:
    """The setting `name` as an int, of NumPy's numbers too. Raises SettingsError if it is none in this range."""
    if not isinstance(value, bool):
        with suppress(TypeError):
            value = index(value)
    expect_whole(name, value, most, least=least)
    return int(value)


def pair(name: str, value: Sizes, *, least: int = 1) -> tuple[int, int]:
    """The sizes for height and width of the setting `name`.

    Raises SettingsError for anything but one or two whole numbers from `least` to 100,000.

    >>> pair("kernel_size", 3), pair("padding", (0, 1), least=0)
    ((3, 3), (0, 1))
    """
    both = value if isinstance(value, tuple | list) else (value, value)
    try:
        height, width = (whole(name, size, least=least) for size in both)
    except (SettingsError, ValueError):  # what is none, and more or fewer than two
        wanted = f"a whole number from {least} to {_MOST:,}, or two of them, for height and for width"
        raise SettingsError(f"{name} is {value!r}; expected {wanted}") from None
    return height, width


def expect_maps(maps: Tensor, channels: int | None = None, least: tuple[int, int] = (1, 1)) -> None:
    """Raise SizeError unless these are maps of so many channels, if that is said, and at least this high and wide."""
    fits = maps.dim() in (3, 4) and all(side >= size for side, size in zip(maps.shape[-2:], least, strict=True))
    if not fits or (channels is not None and maps.shape[-3] != channels):
        one = f"{channels or 'C'}, H, W"
        wanted = f"(N, {one}), or ({one}) of one image, of at least {least[0]}×{least[1]} values"
        raise SizeError(f"maps are {tuple(maps.shape)}; expected {wanted}: resize them, or build the layer for them")


def least_size(
    window: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> tuple[int, int]:
    """The height and width of the smallest maps on which a window fits.

    >>> least_size((3, 3), padding=(0, 1), dilation=(2, 1))
    (5, 1)
    """
    axes = zip(window, padding, dilation, strict=True)
    height, width = (max(1, apart * (size - 1) + 1 - 2 * pad) for size, pad, apart in axes)
    return height, width


def expect_numbers(values: Tensor, *, or_whole: bool = False) -> None:
    """Raise SettingsError unless the values are floating point numbers, or whole ones where a layer can take those."""
    if not (values.is_floating_point() or values.is_complex() or (or_whole and values.dtype is not torch.bool)):
        kinds = "floating point or whole numbers" if or_whole else "floating point numbers"
        raise SettingsError(f"the input is of {values.dtype}; expected {kinds}: convert it first, as by `.float()`")
