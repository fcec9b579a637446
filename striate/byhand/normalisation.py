"""Normalisation: of each channel by what the batch shows, and of each value by its neighbours in other maps.

Source: Ioffe and Szegedy 2015, arXiv:1502.03167, as D3 writes it; Krizhevsky, Sutskever, Hinton 2012, section 3.3.
"""

from dataclasses import dataclass, field
from math import prod

import numpy as np

from striate.byhand.einstein import einstein
from striate.byhand.operation import Array, Gradients, Operation
from striate.errors import SettingsError, SizeError, StriateError


@dataclass
class BatchNormalisation(Operation):
    """x̂ = (x − μ) / √(σ² + ε),  y = γ x̂ + β, for each channel; M values of it in the batch, b and all places.

    In training μ and σ² are the batch's own, and depend on every x: ∂μ/∂x_j = 1/M, ∂√(σ² + ε)/∂x_j = x̂_j / M, hence
    ∂x̂_i/∂x_j = (δ_ij − 1/M − x̂_i x̂_j / M) / √(σ² + ε), and with g = γ dy summed over all i

        dx = (g − 1/M Σ g − x̂ 1/M Σ g x̂) / √(σ² + ε),  dγ = Σ dy x̂,  dβ = Σ dy

    In a test they are averages that ran along in training, mean ← (1 − m) mean + m μ, and of the variance likewise with
    M / (M − 1) σ². Then y is linear in x, dx = g / √(σ² + ε), and may be folded into the layer before it.
    """

    epsilon: float = 1e-5
    momentum: float = 0.1
    mean: Array | None = field(default=None, repr=False)
    variance: Array | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not (self.epsilon > 0 and 0 <= self.momentum <= 1):
            raise SettingsError(f"{self}; expected an epsilon above 0, and a momentum from 0 to 1")
        if (self.mean is None) != (self.variance is None):
            raise SettingsError("of the running mean and variance one came; expected both, or neither")

    def forward(self, x: Array, gamma: Array, beta: Array) -> Array:
        """x (N, C) or (B, C, …), γ (C), β (C) to y of x's shape. Raises SizeError for a γ or β of other length."""
        self._check(x, gamma, beta)
        around = (0, *range(2, x.ndim))
        μ, σ2 = self._measure(x, around) if self.training else self._remembered()
        deviation = np.sqrt(σ2 + self.epsilon)
        x_hat = (x - along(μ, x)) / along(deviation, x)
        self.keep(x_hat, gamma / deviation, around, self.training)
        return along(gamma, x) * x_hat + along(beta, x)

    def backward(self, dy: Array) -> Gradients:
        """dx, dγ, dβ."""
        x_hat, slope, around, trained = self.kept
        dγ, dβ = (dy * x_hat).sum(axis=around), dy.sum(axis=around)
        if trained:
            M = dy.size / len(dγ)
            dy = dy - along(dβ, dy) / M - x_hat * along(dγ, dy) / M
        return along(slope, dy) * dy, dγ, dβ

    def _check(self, x: Array, gamma: Array, beta: Array) -> None:
        if x.ndim < 2 or not gamma.shape == beta.shape == x.shape[1:2]:
            raise SizeError(f"γ is {gamma.shape} and β {beta.shape}; x {x.shape} needs one number for each channel")
        past = [average.shape for average in (self.mean, self.variance) if average is not None]
        if any(shape != gamma.shape for shape in past):
            raise SizeError(
                f"x {x.shape} needs running averages of {gamma.shape}; they are {' and '.join(map(str, past))}"
            )

    def _measure(self, x: Array, around: tuple[int, ...]) -> tuple[Array, Array]:
        """The batch's mean and variance, which the running averages take in."""
        M = len(x) * prod(x.shape[2:])
        if M < 2:
            raise SizeError(f"x {x.shape} has {M} values in each channel; batch norm in training needs 2 or more")
        μ, σ2 = x.mean(axis=around), x.var(axis=around)
        m = self.momentum
        mean, variance = (0.0, 1.0) if self.mean is None or self.variance is None else (self.mean, self.variance)
        self.mean, self.variance = (1 - m) * mean + m * μ, (1 - m) * variance + m * σ2 * M / (M - 1)
        return μ, σ2

    def _remembered(self) -> tuple[Array, Array]:
        if self.mean is None or self.variance is None:
            raise StriateError(
                "batch norm has seen no batch yet: call forward in training first, or give mean and variance"
            )
        return self.mean, self.variance


@dataclass
class LocalResponseNormalisation(Operation):
    """y[b, c, x] = H[b, c, x] / S[b, c, x]^β,  S[b, c, x] = k + α N[c, J] H[b, J, x]²: N[c, j] = 1 if |c − j| ≤ n / 2.

    H is felt in its own map and, as N is symmetric, in its neighbours' S, ∂S[j]/∂H[c] = 2 α N[j, c] H[c], through the
    derivative −β S^(−β−1) of S^−β:

        dH[b, c, x] = dy[b, c, x] S[b, c, x]^−β − 2 α β H[b, c, x] N[c, J] dy[b, J, x] H[b, J, x] S[b, J, x]^(−β−1)

    The constants are AlexNet's; α is not divided by n.
    """

    n: int = 5
    k: float = 2.0
    alpha: float = 1e-4
    beta: float = 0.75

    def __post_init__(self) -> None:
        if not isinstance(self.n, int) or self.n < 1 or self.n % 2 == 0:
            raise SettingsError(f"n is {self.n} maps; expected an odd number, as many neighbours on either side")
        if not (self.k > 0 and self.alpha >= 0):
            raise SettingsError(f"{self}; expected k above 0, and an α not below")

    def forward(self, H: Array) -> Array:
        """(B, C, …) to the same."""
        if H.ndim < 2 or 0 in H.shape:
            raise SizeError(f"H is {H.shape}; expected (B, C, …), 1 or more each")
        c = np.arange(H.shape[1])
        N = (np.abs(c[:, None] - c) <= self.n // 2).astype(H.dtype)
        flat = H.reshape(*H.shape[:2], -1)
        S = self.k + self.alpha * einstein("S[b, c, x] = N[c, J] H[b, J, x]", N=N, H=flat**2)
        self.keep(flat, N, S)
        return (flat * S**-self.beta).reshape(H.shape)

    def backward(self, dy: Array) -> Gradients:
        """dH, of H's shape."""
        H, N, S = self.kept
        flat = dy.reshape(H.shape)
        shared = einstein("T[b, c, x] = N[c, J] P[b, J, x]", N=N, P=flat * H * S ** (-self.beta - 1))
        return ((flat * S**-self.beta - 2 * self.alpha * self.beta * H * shared).reshape(dy.shape),)


def along(numbers: Array, x: Array) -> Array:
    """One number for each channel, so that it meets (N, C) or (B, C, …)."""
    return numbers.reshape(-1, *(1,) * (x.ndim - 2))
