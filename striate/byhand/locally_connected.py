"""Layers between the convolution and the fully connected one: each place, or each channel, with weights of its own.

Source: D0, "Locally connected layer" (no weight sharing); D1, "Depthwise separable convolution" (no sum over channels).
"""

from dataclasses import dataclass

from striate.byhand.convolution import bias_gradient, with_bias
from striate.byhand.einstein import einstein
from striate.byhand.operation import Array, Gradients, Operation
from striate.byhand.sliding import Each, Paddings, overlay, views, window_over
from striate.errors import SizeError


@dataclass
class LocallyConnected(Operation):
    """y[b, c_out, x] = A[c_out, C_in, x, ΔX] H[b, C_in, s x + ΔX − P] + b[c_out, x].

    A convolution whose weights are not shared: those of place x are felt there alone, so that dA and db lose their sum
    over the places,

        dA[c_out, c_in, x, Δx] = dy[B, c_out, x] H[B, c_in, s x + Δx − P],  db[c_out, x] = dy[B, c_out, x]
        dH[b, c_in, s x + Δx − P] = A[C_out, c_in, x, Δx] dy[b, C_out, x], added up over all x and Δx that meet there
    """

    stride: Each = 1
    padding: Paddings = 0

    def forward(self, H: Array, A: Array, b: Array | None = None) -> Array:
        """H (B, C, …), A (K, C, places …, F …), b (K, places …) to (B, K, places …). Raises SizeError."""
        axes = H.ndim - 2
        if A.ndim != 2 * H.ndim - 2:
            raise SizeError(f"H is {H.shape} and A {A.shape}; expected A of (K, C, {axes} places, {axes} of a kernel)")
        window = window_over(H.shape[2:], A.shape[2 + axes :], stride=self.stride, padding=self.padding)
        V = views(H, window)
        self.keep(V, A, window)
        formula = "y[b, c_out, x…] = A[c_out, C_in, x…, ΔX…] V[b, C_in, x…, ΔX…]"
        if b is None:
            return einstein(formula, A=A, V=V)
        return einstein(f"{formula} + b[c_out, x…]", A=A, V=V, b=b)

    def backward(self, dy: Array) -> Gradients:
        """dH, dA, db."""
        V, A, window = self.kept
        dA = einstein("dA[c_out, c_in, x…, Δx…] = dy[B, c_out, x…] V[B, c_in, x…, Δx…]", dy=dy, V=V)
        dV = einstein("dV[b, c_in, x…, Δx…] = A[C_out, c_in, x…, Δx…] dy[b, C_out, x…]", A=A, dy=dy)
        return overlay(dV, window), dA, dy.sum(axis=0)


@dataclass
class DepthwiseConvolution(Operation):
    """y[b, c, x] = A[c, ΔX] H[b, c, s x + d ΔX − P] + b[c]: each channel with a kernel of its own.

    dA[c, Δx] = dy[B, c, X] H[B, c, s X + d Δx − P],  db[c] = dy[B, c, X]
    dH[b, c, s x + d Δx − P] = A[c, Δx] dy[b, c, x], added up over all x and Δx that meet there
    """

    stride: Each = 1
    padding: Paddings = 0
    dilation: Each = 1

    def forward(self, H: Array, A: Array, b: Array | None = None) -> Array:
        """H (B, C, …), A (C, F …), b (C) to (B, C, …). Raises SizeError if channels or window do not fit."""
        if A.ndim != H.ndim - 1:
            raise SizeError(f"H is {H.shape} and A {A.shape}; expected A of (C, kernel …), {H.ndim - 1} axes")
        window = window_over(H.shape[2:], A.shape[1:], stride=self.stride, padding=self.padding, dilation=self.dilation)
        V = views(H, window)
        self.keep(V, A, window)
        return with_bias(einstein("y[b, c, x…] = A[c, ΔX…] V[b, c, x…, ΔX…]", A=A, V=V), b)

    def backward(self, dy: Array) -> Gradients:
        """dH, dA, db."""
        V, A, window = self.kept
        dA = einstein("dA[c, Δx…] = dy[B, c, X…] V[B, c, X…, Δx…]", dy=dy, V=V)
        dV = einstein("dV[b, c, x…, Δx…] = A[c, Δx…] dy[b, c, x…]", A=A, dy=dy)
        return overlay(dV, window), dA, bias_gradient(dy)
