"""Activation functions: what bends between two linear layers. Each value by itself, but for softmax and maxout.

Source: D0, D3, D4, "Activation functions"; D0's softmax Jacobian D_ab = p_a (δ_ab − p_b); Goodfellow et al. 2013,
arXiv:1302.4389, for maxout; Clevert et al. 2015, arXiv:1511.07289, for ELU. Where two pieces of a function meet, the
gradient is that of the piece named in its class.
"""

from dataclasses import dataclass
from math import e, inf, log

import numpy as np

from striate.byhand.einstein import einstein
from striate.byhand.operation import Array, Gradients, Operation, floating
from striate.errors import SettingsError, SizeError


class Sigmoid(Operation):
    """p = σ(s) = 1 / (1 + e⁻ˢ).

    dp/ds = e⁻ˢ / (1 + e⁻ˢ)² = (1 − σ(s)) σ(s), hence dL/ds = (1 − p) ⊗ p ⊗ dL/dp: never more than a quarter of dL/dp,
    and next to nothing where σ is saturated.
    """

    def forward(self, s: Array) -> Array:
        """p, of s's shape."""
        p: Array = np.exp(-np.logaddexp(0, -s))  # e⁻ˢ itself overflows for s far below 0
        self.keep(p)
        return p

    def backward(self, dp: Array) -> Gradients:
        """ds, of s's shape."""
        p = self.kept
        return ((1 - p) * p * dp,)


class Tanh(Operation):
    """p = (eˢ − e⁻ˢ) / (eˢ + e⁻ˢ) = 2 σ(2s) − 1.

    dp/ds = 1 − tanh²(s), hence dL/ds = (1 − p²) ⊗ dL/dp.
    """

    def forward(self, s: Array) -> Array:
        """p, of s's shape."""
        p: Array = np.tanh(s)
        self.keep(p)
        return p

    def backward(self, dp: Array) -> Gradients:
        """ds, of s's shape."""
        p = self.kept
        return ((1 - p**2) * dp,)


@dataclass
class LeakyReLU(Operation):
    """p = max(α s, s), α below 1; the lectures' is 0.1.

    dp/ds = 1 where s > 0, else α; at 0 it is α.
    """

    slope: float = 0.1

    def __post_init__(self) -> None:
        if not self.slope < 1:
            raise SettingsError(f"the slope of the leaky ReLU is {self.slope}; expected less than 1, as 0.1")

    def forward(self, s: Array) -> Array:
        """p, of s's shape."""
        self.keep(s)
        return np.maximum(self.slope * s, s)

    def backward(self, dp: Array) -> Gradients:
        """ds, of s's shape."""
        s = self.kept
        return (np.where(s > 0, dp, self.slope * dp),)


class ReLU(LeakyReLU):
    """p = max(0, s): the leaky one whose slope is 0.

    dp/ds = 1 where s > 0, else 0; at 0 it is 0.
    """

    def __init__(self) -> None:
        super().__init__(slope=0.0)


@dataclass
class ELU(Operation):
    """p = s where s ≥ 0, else α (eˢ − 1).

    dp/ds = 1 where s ≥ 0, else α eˢ = p + α; at 0 it is 1.
    """

    alpha: float = 1.0

    def forward(self, s: Array) -> Array:
        """p, of s's shape."""
        p = np.where(s >= 0, s, self.alpha * np.expm1(np.minimum(s, 0)))
        self.keep(s, p)
        return p

    def backward(self, dp: Array) -> Gradients:
        """ds, of s's shape."""
        s, p = self.kept
        return (np.where(s >= 0, dp, (p + self.alpha) * dp),)


class Maxout(Operation):
    """p[n, i] = max over k of (W[i, k, D] x[n, D] + b[i, k]); the lectures' has two pieces k.

    Only the largest piece m of each unit is felt: dz[n, i, k] = dp[n, i] if k = m else 0, of several the first; then

        dx[n, d] = W[I, K, d] dz[n, I, K],  dW[i, k, d] = dz[N, i, k] x[N, d],  db[i, k] = dz[N, i, k]
    """

    def forward(self, x: Array, W: Array, b: Array) -> Array:
        """x (N, D), W (K, pieces, D), b (K, pieces) to p (N, K)."""
        if 0 in W.shape:
            raise SizeError(f"W is {W.shape}; expected (K, pieces, D), 1 or more each")
        z = einstein("z[n, i, k] = W[i, k, D] x[n, D] + b[i, k]", W=W, x=x, b=b)
        self.keep(x, W, z)
        return np.asarray(z.max(axis=2))

    def backward(self, dp: Array) -> Gradients:
        """dx (N, D), dW (K, pieces, D), db (K, pieces)."""
        x, W, z = self.kept
        dz = np.where(np.arange(z.shape[2]) == z.argmax(axis=2)[:, :, None], dp[:, :, None], 0)
        return (
            einstein("dx[n, d] = W[I, K, d] dz[n, I, K]", W=W, dz=dz),
            einstein("dW[i, k, d] = dz[N, i, k] x[N, d]", dz=dz, x=x),
            einstein("db[i, k] = dz[N, i, k]", dz=dz),
        )


@dataclass
class Softmax(Operation):
    """p_a = base^s_a / Σ_b base^s_b: scores (N, K) to probabilities (N, K).

    dp_a/ds_b = ln(base) D_ab with D_ab = p_a (δ_ab − p_b), hence dL/ds_a = ln(base) p_a (dL/dp_a − Σ_b p_b dL/dp_b).

    >>> import numpy as np
    >>> [Softmax(base).forward(np.array([[4.0, -1.0]])).round(4).tolist() for base in (2, e)]
    [[[0.9697, 0.0303]], [[0.9933, 0.0067]]]
    """

    base: float = e

    def __post_init__(self) -> None:
        if not 1 < self.base < inf:
            raise SettingsError(f"the base of the softmax is {self.base}; expected more than 1, as e or 2")

    def forward(self, s: Array) -> Array:
        """p (N, K); each row adds up to 1. Raises SizeError where there is no class."""
        if s.ndim < 2 or not s.shape[1]:
            raise SizeError(f"s is {s.shape}; expected scores (N, K) of one class or more")
        powers = self.base ** (floating(s) - s.max(axis=1, keepdims=True))  # a number taken from all changes nothing
        p: Array = powers / powers.sum(axis=1, keepdims=True)
        self.keep(p)
        return p

    def backward(self, dp: Array) -> Gradients:
        """ds (N, K)."""
        p = self.kept
        return (log(self.base) * p * (dp - (p * dp).sum(axis=1, keepdims=True)),)
