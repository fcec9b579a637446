"""Gradient descent: weights go against their gradient, with momentum and weight decay; the rate falls on a plateau.

Source: D4, "Vanilla gradient descent"; AlexNet's recipe in D0 and D1: momentum 0.9, decay 5e-4, rate cut by 10 on a
plateau.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

import numpy as np

from striate.byhand.operation import Array
from striate.errors import SettingsError


@dataclass
class GradientDescent:
    """v ← m v + dW + λ W,  W ← W − α v: rate α, momentum m, decay λ; the gradients of a batch make it stochastic (SGD).

    A decay of λ is the penalty SquaredNorm(λ / 2). AlexNet's paper has α within v, which differs once α changes.

    >>> import numpy as np
    >>> W = np.array([1.0])
    >>> GradientDescent(rate=0.1).step({"W": W}, {"W": np.array([2.0])})
    >>> W
    array([0.8])
    """

    rate: float
    momentum: float = 0.0
    decay: float = 0.0
    velocities: dict[str, Array] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not (self.rate >= 0 and 0 <= self.momentum < 1 and self.decay >= 0):
            raise SettingsError(f"{self}; expected 0 or more of each, and a momentum less than 1")

    def step(self, weights: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Change each array in place by its gradient. Raises SettingsError if one has none, or another shape."""
        if missing := [name for name in weights if name not in gradients]:
            raise SettingsError(f"{', '.join(missing)} has no gradient; leave out what the loss does not depend on")
        for name, W in weights.items():
            shapes = {W.shape, gradients[name].shape, self.velocities.get(name, W).shape}
            if len(shapes) > 1 or not np.issubdtype(W.dtype, np.floating):
                came = f"{name} is {W.dtype} {W.shape} and its gradient {gradients[name].shape}"
                raise SettingsError(f"{came}; expected floats, and one shape from step to step")
        for name, W in weights.items():
            slope = gradients[name] + self.decay * W
            self.velocities[name] = self.momentum * self.velocities[name] + slope if name in self.velocities else slope
            np.subtract(W, self.rate * self.velocities[name], out=W)


@dataclass
class Plateau:
    """Multiply the rate by `factor` when the loss has not fallen by a part of 1e-4 for more than `patience` epochs."""

    descent: GradientDescent
    factor: float = 0.1
    patience: int = 10
    best: float = inf
    waited: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.factor < 1 and self.patience >= 0):
            raise SettingsError(f"factor {self.factor}, patience {self.patience}; expected 0 to 1, and 0 or more")

    def see(self, loss: float) -> None:
        """Take in the loss of an epoch."""
        if loss < self.best * (1 - 1e-4):
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.descent.rate, self.waited = self.descent.rate * self.factor, 0
