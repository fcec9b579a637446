"""A node of a computational graph: `forward` computes and keeps what is needed, `backward` applies the chain rule.

Source: the lectures on back-propagation (D4, "Computational graphs"; D0, "Derivative of neural net using chain rules").

Every array is an input, the trained ones too, so that nothing is hidden: s = Wx + b is `Linear().forward(x, W, b)`, and
`backward(ds)` gives (dx, dW, db). In all formulas dy is short for dL/dy, the gradient of the loss by y.
Maps are (B, C, X), (B, C, X, Y) or (B, C, X, Y, Z): batch, channels, then places, as torch has them.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError

Array = NDArray[Any]
Gradients = tuple[Array | None, ...]
"""One for each input, in their order; None where there is none to take, as for the number of a class."""


class Operation(ABC):
    """What every operation answers; `training` says whether batch norm and dropout do as in training or in a test."""

    training: bool = True

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
            raise StriateError(f"{type(self).__name__} was asked for its gradient before its value: call forward first")
        return self._kept if len(self._kept) > 1 else self._kept[0]


def floating(x: Array) -> Array:
    """Integers as float64, since gradients have no place in integers; floats as they are."""
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)
