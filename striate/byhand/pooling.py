"""Pooling: what a window sees, as one number; each channel by itself, so that the depth stays.

Source: D0, D1, D3, "Pooling layer"; D2, H[b, x, y, c] = max over Δx, Δy of H[b, s x + Δx, s y + Δy, c].
V[b, c, x, Δ] is what the window sees from place x, its offsets Δ = (Δx, Δy, …) in one axis.
"""

from abc import abstractmethod
from dataclasses import dataclass
from math import inf, prod
from typing import ClassVar, cast

import numpy as np

from striate.byhand.operation import Array, Gradients, Operation, floating
from striate.byhand.sliding import Each, Paddings, Window, overlay, views, window_over
from striate.errors import SizeError


@dataclass
class Pooling(Operation):
    """y[b, c, x] = f(V[b, c, x, Δ]), and dH is what df/dV says, added up where windows overlap.

    Without a stride the windows lie side by side.
    """

    kernel: Each
    stride: Each | None = None
    padding: Paddings = 0
    outside: ClassVar[float] = 0  # what stands in the padding

    def forward(self, H: Array) -> Array:
        """(B, C, …) to (B, C, places …). Raises SizeError if the window does not fit."""
        stride = self.kernel if self.stride is None else self.stride
        window = window_over(H.shape[2:], self.kernel, stride=stride, padding=self.padding)
        if any(max(ends) >= f for ends, f in zip(window.padding, window.kernel, strict=True)):
            raise SizeError(f"a padding of {self.padding} hides a whole window of {self.kernel}; expected less of it")
        V = views(floating(H), window, outside=self.outside)
        V = V.reshape(*V.shape[: -len(window.size)], -1)
        self.keep(V, window)
        return self.pool(V)

    def backward(self, dy: Array) -> Gradients:
        """dH, of H's shape."""
        V, window = self.kept
        dV = self.slope(V) * dy[..., None]
        return (overlay(dV.reshape(*dy.shape, *window.kernel), window),)

    @abstractmethod
    def pool(self, V: Array) -> Array:
        """f: (B, C, places …, F) to (B, C, places …)."""

    @abstractmethod
    def slope(self, V: Array) -> Array:
        """df/dV, of V's shape."""


class Choosing(Pooling):
    """y[b, c, x] = one of V[b, c, x, Δ], of several alike the first; dy/dV is 1 there and 0 elsewhere."""

    @abstractmethod
    def chosen(self, V: Array) -> Array:
        """The offset Δ that is chosen: (B, C, places …)."""

    def pool(self, V: Array) -> Array:
        """The chosen value."""
        return np.take_along_axis(V, self.chosen(V)[..., None], axis=-1)[..., 0]

    def slope(self, V: Array) -> Array:
        """1 at the chosen value."""
        return np.asarray(np.arange(V.shape[-1]) == self.chosen(V)[..., None])

    @property
    def window(self) -> Window:
        """How the window slid over the maps of the latest `forward`."""
        return cast(Window, self.kept[1])

    def switches(self) -> Array:
        """Where the chosen values of the latest `forward` lay: (B, C, places …), places counted through in rows."""
        V, window = self.kept
        numbers = np.arange(prod(window.size)).reshape(1, 1, *window.size)
        seen = views(numbers, window, outside=-1).reshape(1, 1, *window.places, -1)
        return np.take_along_axis(np.broadcast_to(seen, V.shape), self.chosen(V)[..., None], axis=-1)[..., 0]


class MaxPooling(Choosing):
    """y[b, c, x] = max over Δ of V[b, c, x, Δ]."""

    outside = -inf

    def chosen(self, V: Array) -> Array:
        """The largest."""
        return np.asarray(V.argmax(axis=-1))


class MinPooling(Choosing):
    """y[b, c, x] = min over Δ of V[b, c, x, Δ]."""

    outside = inf

    def chosen(self, V: Array) -> Array:
        """The smallest."""
        return np.asarray(V.argmin(axis=-1))


class AveragePooling(Pooling):
    """y[b, c, x] = 1/F Σ_Δ V[b, c, x, Δ], F values in the window; the zeros of a padding count.

    dy/dV = 1/F.
    """

    def pool(self, V: Array) -> Array:
        """The mean."""
        return np.asarray(V.mean(axis=-1))

    def slope(self, V: Array) -> Array:
        """One part of F."""
        return np.full_like(V, 1 / V.shape[-1])


class L2Pooling(Pooling):
    """y[b, c, x] = √(Σ_Δ V[b, c, x, Δ]²).

    dy/dV = V / y; 0 where all values are 0, at the tip of the cone.
    """

    def pool(self, V: Array) -> Array:
        """The length of what is seen."""
        return np.asarray(np.sqrt((V**2).sum(axis=-1)))

    def slope(self, V: Array) -> Array:
        """Each value's part of the length."""
        y = self.pool(V)[..., None]
        return np.asarray(V / np.where(y == 0, 1, y))


class GlobalAveragePooling(Operation):
    """y[b, c] = 1/P Σ_x H[b, c, x]: the mean over all P places.

    dH[b, c, x] = dy[b, c] / P.
    """

    def forward(self, H: Array) -> Array:
        """(B, C, …) to (B, C). Raises SizeError where there is no place."""
        if H.ndim < 3 or 0 in H.shape:
            raise SizeError(f"H is {H.shape}; expected (B, C, places …), each 1 or more")
        self.keep(H.shape)
        return np.asarray(H.mean(axis=tuple(range(2, H.ndim))))

    def backward(self, dy: Array) -> Gradients:
        """dH, of H's shape."""
        shape = self.kept
        places = shape[2:]
        return (np.broadcast_to(dy.reshape(*dy.shape, *(1,) * len(places)) / prod(places), shape),)
