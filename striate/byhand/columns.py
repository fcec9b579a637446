"""Convolution as one matrix product: im2col, O = W_row X_col + b_col, and back by col2im.

Source: D0, "Implementation as matrix multiplication" and "Backpropagation of convolution layer". On the lectures'
example, 96 filters of 11x11x3 at stride 4 on 227x227x3: X_col 363x3025, W_row 96x363, O 96x3025, which is 55x55x96.
"""

from math import prod

import numpy as np

from striate.byhand.convolution import Convolution, all_groups, bias_gradient, by_group, with_bias
from striate.byhand.operation import Array, Gradients
from striate.byhand.sliding import Window, overlay, views
from striate.errors import SizeError


class ConvolutionByColumns(Convolution):
    """O = W_row X_col + b_col: the numbers of `Convolution`, sooner, for about (F / s)² times the memory of H.

    Each column p holds what the kernel sees at one place, so that the layer is Linear at every place:

        dL/dW = dL/dO X_colᵀ,  dL/dX_col = W_rowᵀ dL/dO,  dL/db = dL/dO 1

    and dL/dH lays the columns of dL/dX_col over one another where they came from, what overlaps being added up.
    """

    def forward(self, H: Array, A: Array, b: Array | None = None) -> Array:
        """H (B, C, …), A (K, C/G, F …), b (K) to (B, K, …). Raises SizeError if channels or window do not fit."""
        window = self.window(H, A)
        X_col = by_group(im2col(H, window), 1, self.groups)  # (B, G, C/G F, P)
        W_row = by_group(A.reshape(len(A), -1), 0, self.groups)  # (G, K/G, C/G F)
        self.keep(X_col, W_row, A.shape, window)
        O = all_groups(W_row @ X_col, 1)  # (B, K, P)
        return with_bias(O, b).reshape(len(H), len(A), *window.places)

    def backward(self, dO: Array) -> Gradients:
        """dH, dA, db."""
        X_col, W_row, shape, window = self.kept
        db = bias_gradient(dO)
        dO = by_group(dO.reshape(*dO.shape[:2], -1), 1, self.groups)  # (B, G, K/G, P)
        dW = (dO @ np.swapaxes(X_col, -1, -2)).sum(axis=0)
        dX_col = np.swapaxes(W_row, -1, -2) @ dO
        return col2im(all_groups(dX_col, 1), window), dW.reshape(shape), db


def im2col(H: Array, window: Window) -> Array:
    """(B, C, …) to (B, C · F², P): a column for each of the P places, of what the window sees there in C channels."""
    V = views(H, window)  # (B, C, places …, offsets …)
    axes = len(window.size)
    V = np.moveaxis(V, range(-axes, 0), range(2, 2 + axes))  # (B, C, offsets …, places …)
    return V.reshape(len(H), H.shape[1] * prod(window.kernel), prod(window.places))


def col2im(columns: Array, window: Window) -> Array:
    """(B, C · F², P) to (B, C, …): every column laid back to its place, overlaps added up. Raises SizeError."""
    axes, F, P = len(window.size), prod(window.kernel), prod(window.places)
    if columns.ndim != 3 or 0 in columns.shape or columns.shape[1] % F or columns.shape[2] != P:
        raise SizeError(f"columns of {columns.shape}; expected (B, C · {F}, {P}) for a window of {window.kernel}")
    V = columns.reshape(len(columns), -1, *window.kernel, *window.places)
    return overlay(np.moveaxis(V, range(2, 2 + axes), range(-axes, 0)), window)
