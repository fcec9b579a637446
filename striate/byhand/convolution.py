"""Convolution as the lectures' Einstein sum, evaluated as it stands; on lines, images and volumes.

Source: D2, "Convolution layer", "Strided convolution", "Dilated convolution". Strictly it is a correlation: the kernel
is not turned over. H is (B, C, places …) and A (K, C / G, kernel …): the lectures' indices in torch's order. With G
groups, group g of the outputs sees group g of the channels alone (AlexNet's two GPUs).
"""

from dataclasses import dataclass

import numpy as np

from striate.byhand.einstein import einstein
from striate.byhand.operation import Array, Gradients, Operation
from striate.byhand.sliding import Each, Paddings, Window, overlay, views, window_over
from striate.errors import SizeError, expect_whole


@dataclass
class Convolution(Operation):
    """y[b, c_out, x] = A[c_out, C_in, ΔX] H[b, C_in, s x + d ΔX − P] + b[c_out].

    Written for one axis and one group; s is the stride, d the dilation, P the padding, in which H is 0. A weight is
    felt at all places, a value under all kernels that see it, so that their gradients are summed up there:

        dA[c_out, c_in, Δx] = dy[B, c_out, X] H[B, c_in, s X + d Δx − P]
        dH[b, c_in, s x + d Δx − P] = A[C_out, c_in, Δx] dy[b, C_out, x], added up over all x and Δx that meet there
        db[c_out] = dy[B, c_out, X]

    >>> import numpy as np
    >>> edge = np.array([[[[1, 0, -1]] * 3]])
    >>> Convolution().forward(np.array([[[[10, 10, 10, 0, 0, 0]] * 3]]), edge)
    array([[[[ 0, 30, 30,  0]]]])
    """

    stride: Each = 1
    padding: Paddings = 0
    dilation: Each = 1
    groups: int = 1

    def forward(self, H: Array, A: Array, b: Array | None = None) -> Array:
        """H (B, C, …), A (K, C/G, F …), b (K) to (B, K, …). Raises SizeError if channels or window do not fit."""
        window = self.window(H, A)
        V, A = by_group(views(H, window), 1, self.groups), by_group(A, 0, self.groups)
        self.keep(V, A, window)
        y = einstein(
            "y[b, g, c_out, x…] = A[g, c_out, C_in, ΔX…] V[b, g, C_in, x…, ΔX…]",
            A=A,
            V=V,
            loop=True,
        )
        return with_bias(all_groups(y, 1), b)

    def backward(self, dy: Array) -> Gradients:
        """dH, dA, db."""
        V, A, window = self.kept
        dyg = by_group(dy, 1, self.groups)
        dA = einstein(
            "dA[g, c_out, c_in, Δx…] = dy[B, g, c_out, X…] V[B, g, c_in, X…, Δx…]",
            dy=dyg,
            V=V,
            loop=True,
        )
        dV = einstein("dV[b, g, c_in, x…, Δx…] = A[g, C_out, c_in, Δx…] dy[b, g, C_out, x…]", A=A, dy=dyg, loop=True)
        return overlay(all_groups(dV, 1), window), all_groups(dA, 0), bias_gradient(dy)

    def window(self, H: Array, A: Array) -> Window:
        """How A slides over H. Raises SizeError if channels, groups or sizes do not fit."""
        if H.ndim != A.ndim or not 3 <= H.ndim <= 5 or 0 in (*H.shape, *A.shape):
            raise SizeError(
                f"H is {H.shape} and A {A.shape}; expected (B, C, places …) and (K, C, kernel …), 1 or more each"
            )
        expect_whole("groups", self.groups, H.shape[1])
        if H.shape[1] != A.shape[1] * self.groups:
            expected = f"{A.shape[1]} for each of {self.groups} groups" if self.groups > 1 else f"{A.shape[1]}"
            raise SizeError(f"H {H.shape} has {H.shape[1]} channels; A {A.shape} expects {expected}")
        if len(A) % self.groups:
            raise SizeError(f"A {A.shape} makes {len(A)} maps; {self.groups} groups need a number that they divide")
        return window_over(H.shape[2:], A.shape[2:], stride=self.stride, padding=self.padding, dilation=self.dilation)


def by_group(T: Array, axis: int, groups: int) -> Array:
    """The axis of channels as two: the group, and the channel within it."""
    return T.reshape(*T.shape[:axis], groups, T.shape[axis] // groups, *T.shape[axis + 1 :])


def all_groups(T: Array, axis: int) -> Array:
    """The groups' channels behind one another again."""
    return T.reshape(*T.shape[:axis], -1, *T.shape[axis + 2 :])


def with_bias(y: Array, b: Array | None) -> Array:
    """y (B, K, …) and b[c_out] at every place."""
    if b is None:
        return y
    if b.shape != (y.shape[1],):
        raise SizeError(f"b is {b.shape}; {y.shape[1]} maps need ({y.shape[1]},), one number each")
    return y + b.reshape(-1, *(1,) * (y.ndim - 2))


def bias_gradient(dy: Array) -> Array:
    """db[c_out] = dy[B, c_out, X]."""
    return np.asarray(dy.sum(axis=(0, *range(2, dy.ndim))))
