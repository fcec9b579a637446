"""Upsampling: from few places to many.

Source: D2, "Upsampling": nearest neighbour, bilinear, bed of nails, max unpooling; up-convolution as in U-Net
(Ronneberger et al. 2015, arXiv:1505.04597). Max unpooling: SegNet (Badrinarayanan et al. 2015, arXiv:1511.00561).
"""

from abc import abstractmethod
from dataclasses import dataclass
from math import prod

import numpy as np

from striate.arithmetic.windows import transposed_output_size
from striate.byhand.convolution import all_groups, bias_gradient, by_group, with_bias
from striate.byhand.einstein import einstein
from striate.byhand.operation import Array, Gradients, Operation, floating
from striate.byhand.pooling import Choosing
from striate.byhand.sliding import Window, overlay, views, window_over
from striate.errors import SizeError, expect_whole


@dataclass
class Scaling(Operation):
    """Each axis of the maps `scale` times as long."""

    scale: int = 2

    def __post_init__(self) -> None:
        expect_whole("scale", self.scale, 1024)


class BedOfNails(Scaling):
    """y[b, c, s x] = H[b, c, x], and 0 in between.

    dH[b, c, x] = dy[b, c, s x].
    """

    def forward(self, H: Array) -> Array:
        """(B, C, …) to (B, C, s …)."""
        if H.ndim < 3:
            raise SizeError(f"H is {H.shape}; expected maps (B, C, places …)")
        nails = (slice(None), slice(None), *(slice(None, None, self.scale),) * (H.ndim - 2))
        self.keep(nails)
        y = np.zeros((*H.shape[:2], *(self.scale * w for w in H.shape[2:])), H.dtype)
        y[nails] = H
        return y

    def backward(self, dy: Array) -> Gradients:
        """dH, of H's shape."""
        return (dy[self.kept],)


class Interpolation(Scaling):
    """Y[b, c, x, y] = U[x, I] V[y, J] H[b, c, I, J]: U[x, i] is how much i counts at x, V[y, j] how much j at y.

    dH[b, c, i, j] = U[X, i] V[Y, j] dY[b, c, X, Y].
    """

    def forward(self, H: Array) -> Array:
        """(B, C, X, Y) to (B, C, s X, s Y). Raises SizeError for other maps."""
        if H.ndim != 4:
            raise SizeError(f"H is {H.shape}; expected images (B, C, X, Y)")
        H = floating(H)
        U, V = (self.nearness(w).astype(H.dtype) for w in H.shape[2:])
        self.keep(U, V)
        return einstein("Y[b, c, x, y] = U[x, I] V[y, J] H[b, c, I, J]", U=U, V=V, H=H)

    def backward(self, dY: Array) -> Gradients:
        """dH, of H's shape."""
        U, V = self.kept
        return (einstein("dH[b, c, i, j] = U[X, i] V[Y, j] dY[b, c, X, Y]", U=U, V=V, dY=dY),)

    @abstractmethod
    def nearness(self, size: int) -> Array:
        """How much each of `size` values counts at each of the places: (s W, W)."""


class Nearest(Interpolation):
    """Y[b, c, x, y] = H[b, c, ⌊x / s⌋, ⌊y / s⌋]: each value fills a cell; U[x, i] is 1 for its own cell alone."""

    def nearness(self, size: int) -> Array:
        """1 for the value of the cell."""
        return np.repeat(np.eye(size), self.scale, axis=0)


class Bilinear(Interpolation):
    """U[x, i] = max(0, 1 − |p − i|), p = (x + ½) / s − ½: the two values beside p count by 1 less their distance.

    Values lie in the middle of their cells, hence the halves; before the first and behind the last these alone count.
    """

    def nearness(self, size: int) -> Array:
        """1 less the distance."""
        place = (np.arange(self.scale * size) + 0.5) / self.scale - 0.5
        distance = np.abs(np.clip(place, 0, size - 1)[:, None] - np.arange(size))
        return np.asarray(np.maximum(0, 1 - distance))


@dataclass
class MaxUnpooling(Operation):
    """y[b, c, switch[b, c, x]] = H[b, c, x], and 0 elsewhere: each value where `pooling` found its maximum.

    Where n windows that overlap chose the same place, it gets the mean of their values, so that the maxima come back as
    they were; hence dH[b, c, x] = dy[b, c, switch[b, c, x]] / n.
    """

    pooling: Choosing

    def forward(self, H: Array) -> Array:
        """(B, C, places …) to the shape that was pooled. Raises SizeError if H has not the shape of the pooled."""
        switches, size = self.pooling.switches(), self.pooling.window.size
        if H.shape != switches.shape:
            raise SizeError(f"H is {H.shape} and the latest maxima {switches.shape}; each value needs a switch")
        maps = np.indices(H.shape)[:2]  # the batch and channel of each value
        shape = (*H.shape[:2], prod(size))
        y, n = np.zeros((2, *shape), H.dtype)
        np.add.at(y, (*maps, switches), H)
        np.add.at(n, (*maps, switches), 1)
        self.keep(maps, switches, n)
        return np.asarray(y / np.maximum(n, 1)).reshape(*H.shape[:2], *size)

    def backward(self, dy: Array) -> Gradients:
        """dH, of H's shape."""
        maps, switches, n = self.kept
        places = (*maps, switches)
        return (dy.reshape(n.shape)[places] / n[places],)


@dataclass
class UpConvolution(Operation):
    """y[b, c_out, s x + d Δx − P] = A[C_in, c_out, Δx] H[b, C_in, x], added up over all x and Δx that meet there.

    What a convolution's backward does to dy: each value lays its kernel down, P values at each end are cut off. Its own
    backward is therefore a convolution's forward:

        dH[b, c_in, x] = A[c_in, C_out, ΔX] dy[b, C_out, s x + d ΔX − P]
        dA[c_in, c_out, Δx] = H[B, c_in, X] dy[B, c_out, s X + d Δx − P],  db[c_out] = dy[B, c_out, X]
    """

    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    output_padding: int = 0

    def forward(self, H: Array, A: Array, b: Array | None = None) -> Array:
        """H (B, C, …), A (C, K/G, F …), b (K) to (B, K, …). Raises SizeError if channels or sizes do not fit."""
        window = self._window(H, A)
        own = tuple(map(slice, H.shape))
        beyond = [(0, n - w) for n, w in zip(window.places, H.shape[2:], strict=True)]  # where y is padded for a stride
        H, A = by_group(np.pad(H, [(0, 0), (0, 0), *beyond]), 1, self.groups), by_group(A, 0, self.groups)
        self.keep(H, A, window, own)
        V = einstein("V[b, g, c_out, x…, Δx…] = A[g, C_in, c_out, Δx…] H[b, g, C_in, x…]", A=A, H=H)
        return with_bias(overlay(all_groups(V, 1), window), b)

    def backward(self, dy: Array) -> Gradients:
        """dH, dA, db."""
        H, A, window, own = self.kept
        dV = by_group(views(dy, window), 1, self.groups)
        dH = einstein("dH[b, g, c_in, x…] = A[g, c_in, C_out, ΔX…] dV[b, g, C_out, x…, ΔX…]", A=A, dV=dV)
        dA = einstein("dA[g, c_in, c_out, Δx…] = H[B, g, c_in, X…] dV[B, g, c_out, X…, Δx…]", H=H, dV=dV)
        return all_groups(dH, 1)[own], all_groups(dA, 0), bias_gradient(dy)

    def _window(self, H: Array, A: Array) -> Window:
        """The window of the convolution that leads from y to H."""
        expect_whole("groups", self.groups, max((1, *A.shape[:1])))
        fits = H.ndim == A.ndim and 3 <= H.ndim <= 5 and H.shape[1] == len(A) and len(A) % self.groups == 0
        if not fits or 0 in (*H.shape, *A.shape):
            raise SizeError(
                f"H is {H.shape} and A {A.shape}, groups {self.groups}; expected (B, C, …) and (C, K/G, kernel …)"
            )
        numbers = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        if not all(isinstance(number, int) for number in (*numbers.values(), self.output_padding)):
            raise SizeError(f"{self} on maps of {H.shape}; expected whole numbers, each for all axes")
        size = [
            transposed_output_size(w, f, output_padding=self.output_padding, **numbers)
            for w, f in zip(H.shape[2:], A.shape[2:], strict=True)
        ]
        return window_over(size, A.shape[2:], **numbers)
