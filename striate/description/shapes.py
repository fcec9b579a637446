"""The shapes that the commonest operations make, by striate's own arithmetic.

torch has shape functions for all operations; many are written in Python, take
up to a millisecond each, and import a second's worth of compiler when first used. Whatever is not plain here is left to
them: `made_by` answers None.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from striate.arithmetic.windows import output_size, transposed_output_size

Made = tuple[Sequence[int], Sequence[int], torch.dtype]  # shape, strides, number format


def made_by(name: str, args: Sequence[Any]) -> Made | list[Made | None] | None:
    """What an operation makes of these arguments, or None if torch is to be asked."""
    return _SHAPES[name](args) if name in _SHAPES else None


def of(tensor: Tensor) -> Made:
    """A tensor's own."""
    return tensor.shape, tensor.stride(), tensor.dtype


def empty(made: Made) -> Tensor:
    """A meta tensor of that shape."""
    shape, strides, number_format = made
    return torch.empty_strided(shape, strides, dtype=number_format, device="meta")


def _dense(shape: Sequence[int], number_format: torch.dtype) -> Made:
    strides = [1]
    for length in reversed(shape[1:]):
        strides.append(strides[-1] * max(1, length))
    return tuple(shape), tuple(reversed(strides[: len(shape)])), number_format


def _convolution(args: Sequence[Any]) -> Made | None:
    images, weight, biases, stride, padding, dilation, transposed, output_padding, groups = args
    axes = weight.dim() - 2
    taken = weight.shape[0] if transposed else weight.shape[1] * groups
    channels = weight.shape[1] * groups if transposed else weight.shape[0]
    if images.dim() != weight.dim() or not _one_format(images, weight, biases) or not images.is_contiguous():
        return None
    if images.shape[1] != taken or channels % groups or (biases is not None and tuple(biases.shape) != (channels,)):
        return None
    if any(len(values) != axes for values in (stride, padding, dilation, output_padding)):
        return None
    sides = []
    for axis in range(axes):
        length, window = images.shape[axis + 2], weight.shape[axis + 2]
        how = {"stride": stride[axis], "padding": padding[axis], "dilation": dilation[axis]}
        sides.append(
            transposed_output_size(length, window, **how, output_padding=output_padding[axis])
            if transposed
            else output_size(length, window, **how)
        )
    return _dense((images.shape[0], channels, *sides), images.dtype)


def _convolution_backward(args: Sequence[Any]) -> list[Made | None]:
    _, images, weight, biases, *_, wanted = args
    made = (of(images), of(weight), _dense(biases or (), weight.dtype))
    return [part if want else None for part, want in zip(made, wanted, strict=True)]


def _batch_norm(args: Sequence[Any]) -> list[Made | None] | None:
    images, training = args[0], args[5]
    if not _one_format(images, args[1]) or any(own is not None and own.shape != images.shape[1:2] for own in args[1:5]):
        return None
    statistics = _dense((images.shape[1] if training else 0,), images.dtype)
    return [of(images), statistics, statistics]


def _batch_norm_backward(args: Sequence[Any]) -> list[Made | None]:
    images, wanted = args[1], args[9]
    per_channel = _dense((images.shape[1],), images.dtype)
    return [part if want else None for part, want in zip((of(images), per_channel, per_channel), wanted, strict=True)]


def _max_pooling(args: Sequence[Any]) -> list[Made | None] | None:
    """The largest values and where they were."""
    maps, kernel = args[0], args[1]
    given: list[Any] = [*args[2:], *((), 0, 1, False)[len(args) - 2 :]]
    stride, padding, dilation, ceil = given
    if maps.dim() != 4 or not maps.is_contiguous():
        return None
    sides = []
    for axis in range(2):
        window, step, pad, gap = (_at(value, axis) for value in (kernel, stride or kernel, padding, dilation))
        if 2 * pad > window:
            return None
        sides.append(output_size(maps.shape[axis + 2], window, stride=step, padding=pad, dilation=gap, ceil=ceil))
    shape = (*maps.shape[:2], *sides)
    return [_dense(shape, maps.dtype), _dense(shape, torch.int64)]


def _one_format(*tensors: Tensor | None) -> bool:
    return len({tensor.dtype for tensor in tensors if tensor is not None}) == 1


def _at(values: int | Sequence[int], axis: int) -> int:
    return values if isinstance(values, int) else values[axis % len(values)]


def _product(args: Sequence[Any]) -> Made | None:
    left, right = args[-2:]
    fits = left.dim() == right.dim() == 2 and left.shape[1] == right.shape[0] and _one_format(*args)
    if len(args) == 3 and tuple(args[0].shape) != (right.shape[-1],):
        return None
    return _dense((left.shape[0], right.shape[1]), left.dtype) if fits else None


def _reduced(args: Sequence[Any]) -> Made | None:
    maps, dims, keep = (*args, None, False)[:3]
    rank = maps.dim()
    if not dims or not maps.is_floating_point() or not all(-rank <= dim < rank for dim in dims):
        return None
    gone = {dim % rank for dim in dims}
    if len(gone) < len(dims):
        return None
    shape = [1 if dim in gone else length for dim, length in enumerate(maps.shape) if keep or dim not in gone]
    return _dense(shape, maps.dtype)


def _as_its_tensors(args: Sequence[Any]) -> Made | None:
    """Value by value, where all tensors are alike."""
    tensors = [argument for argument in args if isinstance(argument, Tensor)]
    alike = len({of(tensor) for tensor in tensors}) == 1
    if not alike or not tensors[0].is_floating_point():
        return None
    shape, strides, number_format = of(tensors[0])
    if tensors[0].is_contiguous():
        return shape, strides, number_format
    return _dense(shape, number_format) if 0 in strides else None  # one value for many places, as of a mean's gradient


_VALUE_BY_VALUE = (
    "relu",
    "add",
    "sub",
    "mul",
    "div",
    "silu",
    "gelu",
    "sigmoid",
    "tanh",
    "elu",
    "leaky_relu",
    "hardtanh",
)
_SHAPES: dict[str, Callable[[Sequence[Any]], Made | list[Made | None] | None]] = {
    "convolution": _convolution,
    "convolution_backward": _convolution_backward,
    "max_pool2d_with_indices": _max_pooling,
    "max_pool2d_with_indices_backward": lambda args: of(args[1]),
    "mm": _product,
    "addmm": _product,
    "mean": _reduced,
    "sum": _reduced,
    "native_batch_norm": _batch_norm,
    "native_batch_norm_backward": _batch_norm_backward,
    **dict.fromkeys(
        (
            *_VALUE_BY_VALUE,
            "empty_like",
            "zeros_like",
            "ones_like",
            "threshold_backward",
            "tanh_backward",
            "sigmoid_backward",
        ),
        _as_its_tensors,
    ),
}
