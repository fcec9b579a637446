"""Losses: how wrong a network is, as one number.

Source: D0, "1-layer neural net" with the L2 and the softmax loss; D4, "Optimization", for the support vector machine's
and the penalty. z is what was wanted (as numbers, or 1 at the class and 0 elsewhere), y the number of the class.
The L2 loss is the sum over everything, as in D0's program; losses of classes are means over the batch, as in D4.
"""

from dataclasses import dataclass

import numpy as np

from striate.byhand.activations import Softmax
from striate.byhand.operation import Array, Gradients, Operation, floating
from striate.errors import SizeError, StriateError


class SquaredError(Operation):
    """L = Σ (z − p)².

    dL/dp = −2 (z − p), and dL/dz its opposite.
    """

    def forward(self, p: Array, z: Array) -> Array:
        """p and z of one shape to L, one number."""
        if p.shape != z.shape:
            raise SizeError(f"p is {p.shape} and z {z.shape}; the L2 loss needs one shape")
        self.keep(z - p)
        return np.asarray(((z - p) ** 2).sum())

    def backward(self, dL: Array) -> Gradients:
        """dp, dz."""
        difference = self.kept
        return -2 * difference * dL, 2 * difference * dL


class CrossEntropy(Operation):
    """L = −1/N Σ_n ln p[n, y_n]: of probabilities.

    dL/dp is −1/(N p_y) at the class and 0 elsewhere.
    """

    def forward(self, p: Array, y: Array) -> Array:
        """p (N, K), y (N) to L, one number."""
        z = one_hot(y, p)
        if p[z].min() <= 0:
            raise StriateError(f"a class has probability {p[z].min()}, which has no logarithm: use SoftmaxCrossEntropy")
        self.keep(floating(p), z)
        return np.asarray(-np.log(p[z]).mean())

    def backward(self, dL: Array) -> Gradients:
        """dp (N, K); none for y."""
        p, z = self.kept
        dp = np.zeros_like(p)
        dp[z] = -dL / (len(p) * p[z])
        return dp, None


class SoftmaxCrossEntropy(Operation):
    """L = −1/N Σ_n ln p[n, y_n] with p = softmax(s): both in one, which neither overflows nor takes the logarithm of 0.

    dL/ds_a = −D_ay / p_y = −p_y (δ_ay − p_a) / p_y = p_a − z_a, a mean over the batch: dL/ds = (p − z) / N.
    """

    def forward(self, s: Array, y: Array) -> Array:
        """s (N, K), y (N) to L, one number."""
        z = one_hot(y, s)
        self.keep(Softmax().forward(s), z)
        return np.asarray((np.logaddexp.reduce(s, axis=1) - s[z]).mean())

    def backward(self, dL: Array) -> Gradients:
        """ds (N, K); none for y."""
        p, z = self.kept
        return (p - z) / len(p) * dL, None


class MulticlassSVM(Operation):
    """L = 1/N Σ_n Σ_{j ≠ y} max(0, s_j − s_y + 1).

    With m_j = 1 where s_j − s_y + 1 > 0 and j ≠ y, else 0: dL/ds_j = m_j / N, and dL/ds_y = −Σ_j m_j / N.
    """

    def forward(self, s: Array, y: Array) -> Array:
        """s (N, K), y (N) to L, one number."""
        z = one_hot(y, s)
        margins = np.where(z, 0, np.maximum(0, s - s[z][:, None] + 1))
        self.keep(margins, z)
        return np.asarray(margins.sum() / len(s))

    def backward(self, dL: Array) -> Gradients:
        """ds (N, K); none for y."""
        margins, z = self.kept
        m = (margins > 0).astype(margins.dtype)
        return (m - z * m.sum(axis=1, keepdims=True)) / len(m) * dL, None


@dataclass
class SquaredNorm(Operation):
    """L = λ Σ_k W_k²: the penalty that keeps weights small; with λ = 1 the squared length ‖W‖².

    dL/dW = 2 λ W.
    """

    strength: float = 1.0

    def forward(self, W: Array) -> Array:
        """W of any shape to L, one number."""
        self.keep(W)
        return np.asarray(self.strength * (W**2).sum())

    def backward(self, dL: Array) -> Gradients:
        """dW, of W's shape."""
        return (2 * self.strength * self.kept * dL,)


def one_hot(y: Array, scores: Array) -> Array:
    """z (N, K): true at the class of each row. Raises SizeError unless y holds one class for each row of the scores."""
    if scores.ndim != 2 or 0 in scores.shape:
        raise SizeError(f"the scores are {scores.shape}; expected (N, K), one for each of N examples and K classes")
    (N, K), y = scores.shape, np.asarray(y)
    if y.shape != (N,) or not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= K:
        came = f"{y.dtype} {y.shape}" + (f" from {y.min()} to {y.max()}" if y.size else "")
        raise SizeError(f"the classes are {came}; scores {scores.shape} need {N} whole numbers from 0 to {K - 1}")
    return np.asarray(np.arange(K) == y[:, None])
