"""Dropout: in training some units, drawn anew each time, are silent.

Source: Hinton et al. 2012, arXiv:1207.0580; the lectures' AlexNet uses 0.5.
"""

from dataclasses import dataclass

import numpy as np

from striate.byhand.operation import Array, Gradients, Operation, floating
from striate.errors import SettingsError


@dataclass
class Dropout(Operation):
    """y = m ⊗ x, m = 0 with `probability` p, else 1 / (1 − p), so that the mean of y is x; in a test y = x.

    dx = m ⊗ dy.
    """

    random: np.random.Generator
    probability: float = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.random, np.random.Generator):
            raise SettingsError(
                f"random is {self.random!r}; expected np.random.default_rng(seed), one for all dropouts"
            )
        if not 0 <= self.probability < 1:
            raise SettingsError(
                f"dropout with a probability of {self.probability}; expected 0 or more, and less than 1"
            )

    def forward(self, x: Array) -> Array:
        """y, of x's shape."""
        p, x = self.probability, floating(x)
        m = (self.random.random(x.shape) >= p).astype(x.dtype) / (1 - p) if self.training else np.ones_like(x)
        self.keep(m)
        return m * x

    def backward(self, dy: Array) -> Gradients:
        """dx, of x's shape."""
        return (self.kept * dy,)
