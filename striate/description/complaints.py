"""What is wrong with the maps that an operation is given, in words that say how to repair it.

torch says it in the words of its kernels; these name the layer's window, its channels, and what it got.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from striate.description.operations import POOLING, Arguments, window_of


def complaint_of(name: str, arguments: Callable[[], Arguments]) -> str | None:
    """What is wrong with the arguments of an operation, or None; they are asked for only where there is a check."""
    return _CHECKS[name](arguments()) if name in _CHECKS else None


def _channels(arguments: Arguments) -> str | None:
    maps, kernel, groups = arguments["input"], arguments["weight"], arguments["groups"]
    taken = kernel.shape[0] if arguments["transposed"] else kernel.shape[1] * groups
    if maps.dim() == kernel.dim() and maps.shape[1] != taken:
        given = maps.shape[1]
        return f"takes {taken} channels and is given {given}: pass in_channels={taken}, or build it for {given}"
    biases, made = arguments["bias"], kernel.shape[1] * groups if arguments["transposed"] else kernel.shape[0]
    if biases is not None and tuple(biases.shape) != (made,):
        return f"makes {made} maps and has {biases.numel()} biases: give it one for each map"
    return None if arguments["transposed"] else _fits("convolution", arguments, maps)


def _fits(name: str, arguments: Arguments, maps: Tensor) -> str | None:
    """What is wrong where a window is larger than the padded map."""
    window = window_of(name, arguments)
    if window is None or maps.dim() != len(window.kernel) + 2:
        return None
    shape = tuple(maps.shape[2:])
    reach = [d * (f - 1) + 1 for f, d in zip(window.kernel, window.dilation, strict=True)]
    beyond = [s - 1 if window.ceil else 0 for s in window.stride]  # in ceil mode a window may stick out so far
    if all(w + 2 * p + b >= r for w, p, b, r in zip(shape, window.padding, beyond, reach, strict=True)):
        return None
    left = "×".join(map(str, shape))
    return f"slides a window of {'×'.join(map(str, reach))} and gets a map of {left}, which is smaller"


def _pooled(name: str, arguments: Arguments) -> str | None:
    return _fits(name, arguments, arguments["self"])


def _inner(left: str, right: str, arguments: Arguments) -> str | None:
    maps, weights = arguments[left], arguments[right]
    if maps.shape[-1] == weights.shape[-2]:
        return None
    return f"takes {weights.shape[-2]} values and is given {maps.shape[-1]}: the network is made for another image size"


_CHECKS: dict[str, Callable[[Arguments], str | None]] = {
    "convolution": _channels,
    "addmm": lambda arguments: _inner("mat1", "mat2", arguments),
    "mm": lambda arguments: _inner("self", "mat2", arguments),
    **{name: partial(_pooled, name) for name in POOLING},
}
