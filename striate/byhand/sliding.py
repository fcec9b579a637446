"""A window that slides over maps: all its views at once, and the way back, where views that overlap are added up.

Source: D2's convolution H[b, c, s x + d ΔX]; D0's "overlay the reshaped gradient …, overlapped gradients accumulated".
Letters: x a place of the window, Δx an offset within it, s stride, d dilation, P padding before the maps; for maps of
one, two or three axes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from striate.arithmetic.windows import Padding, both_ends, output_size
from striate.byhand.operation import Array
from striate.errors import SizeError

Each = int | Sequence[int]
"""One number for all axes, or one for each."""
Paddings = int | Literal["same"] | Sequence[Padding]
"""One number for both ends of all axes, "same", or for each axis one of: a number, a pair (before, after), "same"."""


_ALL_MAPS = (slice(None), slice(None))


@dataclass(frozen=True)
class Window:
    """How a window of `kernel` values slides over maps of `size`; one number, or pair, for each axis."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Number of places along each axis; raises SizeError where none fits."""
        axes = zip(self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return tuple(output_size(w, f, stride=s, padding=p, dilation=d) for w, f, s, p, d in axes)


def window_over(
    size: Sequence[int], kernel: Each, *, stride: Each = 1, padding: Paddings = 0, dilation: Each = 1
) -> Window:
    """The window, every number given for each axis of maps of `size`. Raises SizeError for numbers that make none."""
    axes = len(size)
    kernels, strides = _each("kernel", kernel, axes), _each("stride", stride, axes)
    dilations = _each("dilation", dilation, axes)
    paddings: tuple[Any, ...] = tuple(padding) if isinstance(padding, list | tuple) else (padding,) * axes
    if len(paddings) != axes or not all(map(_is_padding, paddings)):
        raise SizeError(
            f"padding is {padding!r} for maps of {axes} axes; expected a number, 'same', or a sequence of one for "
            "each axis, which may be a pair (before, after)"
        )
    ends = tuple(
        both_ends(p, w, f, stride=s, dilation=d)
        for p, w, f, s, d in zip(paddings, size, kernels, strides, dilations, strict=True)
    )
    return Window(tuple(size), kernels, strides, ends, dilations)


def views(H: Array, window: Window, *, outside: float = 0) -> Array:
    """V[b, c, x, Δx] = H[b, c, s x + d Δx − P], read only; `outside` stands where the padding is."""
    if H.shape[2:] != window.size or 0 in H.shape:
        raise SizeError(f"maps of {H.shape}; expected (B, C, …) with {window.size} places, each 1 or more")
    steps = _steps(window, (0,) * len(window.size))
    ends = [(0, 0), (0, 0), *window.padding]
    padded = np.pad(H, ends, constant_values=outside) if any(map(any, ends)) else H
    reach = [d * (f - 1) + 1 for f, d in zip(window.kernel, window.dilation, strict=True)]
    every = sliding_window_view(padded, reach, axis=tuple(range(2, H.ndim)))
    within = [slice(None, None, d) for d in window.dilation]
    return every[(*_ALL_MAPS, *steps, *within)]


def overlay(V: Array, window: Window) -> Array:
    """H[b, c, s x + d Δx − P] = the sum of all V[b, c, x, Δx] that lie there; what lies in the padding is dropped."""
    padded = [w + before + after for w, (before, after) in zip(window.size, window.padding, strict=True)]
    H = np.zeros((*V.shape[:2], *padded), V.dtype)
    by_offset = np.moveaxis(V, range(-len(padded), 0), range(len(padded)))
    for offset in product(*map(range, window.kernel)):
        H[(*_ALL_MAPS, *_steps(window, offset))] += by_offset[offset]
    inside = [slice(before, before + w) for w, (before, _) in zip(window.size, window.padding, strict=True)]
    return H[(*_ALL_MAPS, *inside)]


def _steps(window: Window, offset: tuple[int, ...]) -> list[slice]:
    """Where the value at this offset of the window lies, for all places, along each axis of the padded maps."""
    axes = zip(window.dilation, offset, window.places, window.stride, strict=True)
    return [slice(d * o, d * o + (n - 1) * s + 1, s) for d, o, n, s in axes]


def _each(name: str, numbers: Each, axes: int) -> tuple[int, ...]:
    each: tuple[Any, ...] = tuple(numbers) if isinstance(numbers, list | tuple) else (numbers,) * axes
    if not axes or len(each) != axes or not all(isinstance(number, int) and number >= 1 for number in each):
        raise SizeError(
            f"{name} is {numbers} for maps of {axes} axes; expected a whole number of 1 or more, or one for each axis"
        )
    return each


def _is_padding(padding: object) -> bool:
    pair = padding if isinstance(padding, list | tuple) and len(padding) == 2 else (padding,)
    return padding == "same" or all(isinstance(number, int) for number in pair)
