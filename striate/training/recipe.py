"""A recipe: the numbers that one training follows, and its rate at each step."""

import math
from dataclasses import dataclass
from typing import Literal

from striate.errors import SettingsError

Balance = Literal["none", "loss", "sampler"]  # what is done about classes of unequal size: balance.py


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum; the rate climbs over the first `warmup` of the steps, then falls as a half cosine.

    The defaults were chosen for LeNet-5 by cross-validation within the training part of the digits.
    """

    epochs: int = 40
    batch_size: int = 64
    rate: float = 0.05
    momentum: float = 0.9
    decay: float = 5e-4
    warmup: float = 0.15
    label_smoothing: float = 0.1
    balance: Balance = "none"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; expected a whole number of at least 1")
        if not (0 < self.rate < math.inf):
            raise SettingsError(f"rate is {self.rate}; expected a number above 0")

    def rate_at(self, step: int, steps: int) -> float:
        """The rate of step `step` of `steps`, counted from 0.

        >>> recipe = Recipe(rate=0.1, warmup=0.5)
        >>> [round(recipe.rate_at(step, 8), 3) for step in range(8)]
        [0.025, 0.05, 0.075, 0.1, 0.1, 0.085, 0.05, 0.015]
        """
        climb = self.warmup * steps
        if step < climb:
            return self.rate * (step + 1) / math.ceil(climb)
        return self.rate * (1 + math.cos(math.pi * (step - climb) / (steps - climb))) / 2
