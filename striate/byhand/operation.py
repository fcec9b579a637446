"""A node of a computational graph: `forward` computes and keeps what is needed, `backward` applies the chain rule.

Source: the lectures on back-propagation (D4, "Computational graphs"; D0, "Derivative of neural net using chain rules").

Every array is an input, the trained ones too, so that nothing is hidden: s = Wx + b is `Linear().forward(x, W, b)`, and
`backward(ds)` gives (dx, dW, db). In all formulas dy is short for dL/dy, the gradient of the loss by y.
Maps are (B, C, X), (B, C, X, Y) or (B, C, X, Y, Z): batch, channels, then places, as torch has them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import SizeError, StriateError

Array = NDArray[Any]
Gradients = tuple[Array | None, ...]
"""One for each input, in their order; None where there is none to take, as for the number of a class."""


class Operation(ABC):
    """What every operation answers; `training` says whether batch norm and dropout do as in training or as in a test.

    Inputs may be lists, and whole numbers of any width; dy has to have the shape of the latest value.
    """

    training: bool = True
    _shape: tuple[int, ...]

    def __init_subclass__(cls, **options: Any) -> None:
        """Every forward takes numbers, every backward the gradient of a value: seen to here, once for all."""
        super().__init_subclass__(**options)
        for name, watched in (("forward", _forward), ("backward", _backward)):
            if name in vars(cls):
                setattr(cls, name, watched(vars(cls)[name]))

    @abstractmethod
    def forward(self, *inputs: Any, **_: Any) -> Array:
        """The value, from the inputs."""

    @abstractmethod
    def backward(self, dy: Array) -> Gradients:
        """The gradient of the loss by each input, from that by the value of the latest `forward`."""

    def keep(self, *values: Any) -> None:
        """Set aside what `backward` will need."""
        self._kept = values

    @property
    def kept(self) -> Any:
        """What the latest `forward` set aside: one value, or a tuple of several."""
        if not hasattr(self, "_kept"):
            raise _too_early(self)
        return self._kept if len(self._kept) > 1 else self._kept[0]


def numbers(x: Any) -> Array:
    """Anything as an array of floats as they are, or of whole numbers wide enough to be added up.

    >>> numbers([1, 2]).dtype, numbers(np.uint8([200])) + numbers(np.uint8([100]))
    (dtype('int64'), array([300]))
    """
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise SizeError(f"a {type(x).__name__} of rows that differ in length; expected an array of numbers") from error
    if array.dtype.kind not in "fiu":
        raise SizeError(f"{type(x).__name__} of {array.dtype} {array.shape}; expected an array of numbers")
    return array if array.dtype.kind == "f" else array.astype(np.int64)


def floating(x: Array) -> Array:
    """Whole numbers as float64; floats as they are."""
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)


def _forward(forward: Callable[..., Array]) -> Callable[..., Array]:
    @wraps(forward)
    def of_numbers(self: Operation, *inputs: Any, **options: Any) -> Array:
        vars(self).pop("_shape", None)  # what stands from a run before is of no use if this one fails
        y = forward(self, *(None if x is None else numbers(x) for x in inputs), **options)
        self._shape = y.shape
        return y

    return of_numbers


def _backward(backward: Callable[..., Gradients]) -> Callable[..., Gradients]:
    @wraps(backward)
    def of_the_value(self: Operation, dy: Any) -> Gradients:
        if "_shape" not in vars(self):
            raise _too_early(self)
        dy = floating(numbers(dy))
        if dy.shape != self._shape:
            raise SizeError(f"dy is {dy.shape}; the value of {type(self).__name__} is {self._shape}, and so must dy be")
        gradients = backward(self, dy)
        if not isinstance(gradients, tuple):
            came = type(gradients).__name__
            raise StriateError(
                f"{type(self).__name__}.backward gave a {came}; expected a tuple, a gradient for each input"
            )
        return gradients

    return of_the_value


def _too_early(operation: Operation) -> StriateError:
    return StriateError(f"{type(operation).__name__} was asked for its gradient before its value: call forward first")
