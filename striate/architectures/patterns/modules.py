"""What a layer of a pattern is in torch, and the shape (C, H, W) or (F,) that it leaves."""

from collections.abc import Callable
from math import prod

from torch import nn

from striate.architectures.normalisation import local_response_normalisation
from striate.architectures.patterns.layers import Layer
from striate.arithmetic.windows import output_size
from striate.errors import SizeError

Shape = tuple[int, ...]  # of one image: channels, height, width; the number of values alone once flat

MOST_WEIGHTS = 10_000_000_000  # of one layer: 40 GB


def shape_after(layer: Layer, shape: Shape, name: str) -> Shape:
    """The shape that a layer leaves of `shape`; raises SizeError with the layer's name where it does not fit.

    >>> shape_after(Layer("CONV", 0, 64), (3, 32, 32), "conv1"), shape_after(Layer("POOL", 0), (64, 32, 32), "pool1")
    ((64, 32, 32), (64, 16, 16))
    """
    if layer.name == "FC":
        return (layer.number,)
    if layer.name not in {"CONV", "POOL"}:
        return shape
    channels = layer.number or shape[0]
    if layer.whole:
        return channels, 1, 1
    return channels, _places(layer, shape, name, 0), _places(layer, shape, name, 1)


def _places(layer: Layer, shape: Shape, name: str, axis: int) -> int:
    """How many places the window has along the height (0) or the width (1)."""
    length, window = shape[1 + axis], layer.window[axis]
    stride, padding = layer.stride[axis], layer.padding[axis]
    try:
        return output_size(
            length, window, stride=stride, padding=padding, dilation=layer.dilation, ceil=bool(layer.ceil)
        )
    except SizeError as error:
        height, width = layer.window
        dilated = f" dilated {layer.dilation} times" if layer.dilation > 1 else ""
        raise SizeError(
            f"the window of {name} is {height}x{width}{dilated}, but {shape[1]}x{shape[2]} are left there with a "
            f"padding of {padding}: take larger images, fewer poolings before it, or a smaller window"
        ) from error


def module(layer: Layer, shape: Shape, name: str) -> nn.Module:
    """The torch module of a layer on values of `shape`; raises SizeError where its weights cannot be made for them."""
    _check_weights(layer, shape, name)
    return _MODULES[layer.name](layer, shape)


def _check_weights(layer: Layer, shape: Shape, name: str) -> None:
    if layer.name not in {"CONV", "FC"}:
        return
    if shape[0] % layer.groups:
        raise SizeError(
            f"{name} has {layer.groups} groups, but {shape[0]} channels come in: write a number that divides them"
        )
    weights = shape[0] * layer.number // layer.groups * (prod(layer.window) if layer.name == "CONV" else 1)
    if weights > MOST_WEIGHTS:
        raise SizeError(
            f"{name} would have {weights:,} weights; expected at most {MOST_WEIGHTS:,}: "
            f"write a smaller layer, smaller images, or a POOL before it"
        )


def _convolution(layer: Layer, shape: Shape) -> nn.Conv2d:
    return nn.Conv2d(
        shape[0],
        layer.number,
        kernel_size=layer.window,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
        bias=layer.bias,
    )


def _pooling(layer: Layer, _: Shape) -> nn.Module:
    if layer.whole:
        return nn.AdaptiveMaxPool2d(1) if layer.average is False else nn.AdaptiveAvgPool2d(1)
    if layer.average:
        return nn.AvgPool2d(layer.window, layer.stride, layer.padding, ceil_mode=layer.ceil)
    return nn.MaxPool2d(layer.window, layer.stride, layer.padding, ceil_mode=layer.ceil)


def _normalisation(_: Layer, shape: Shape) -> nn.Module:
    return nn.BatchNorm2d(shape[0]) if len(shape) == 3 else nn.BatchNorm1d(shape[0])


def _dropout(layer: Layer, shape: Shape) -> nn.Module:
    """Whole maps drop after CONV, single values after FC."""
    share = 0.5 if layer.fraction is None else layer.fraction
    return nn.Dropout2d(share) if len(shape) == 3 else nn.Dropout(share)


_MODULES: dict[str, Callable[[Layer, Shape], nn.Module]] = {
    "CONV": _convolution,
    "POOL": _pooling,
    "FC": lambda layer, shape: nn.Linear(shape[0], layer.number),
    "RELU": lambda *_: nn.ReLU(),
    "LEAKYRELU": lambda layer, _: nn.LeakyReLU(0.01 if layer.fraction is None else layer.fraction),
    "ELU": lambda *_: nn.ELU(),
    "TANH": lambda *_: nn.Tanh(),
    "SIGMOID": lambda *_: nn.Sigmoid(),
    "BN": _normalisation,
    "LRN": lambda *_: local_response_normalisation(),
    "DROPOUT": _dropout,
}
