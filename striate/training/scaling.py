"""The rate of a larger batch: k times the images in a step, k times the rate, after a slow start.

Linear for SGD, with five epochs of warm-up: Goyal et al. 2017, arXiv:1706.02677, sections 2.1 and 2.2. As the root for
optimizers that divide by the gradient's size: Malladi et al. 2022, arXiv:2205.10287.
"""

import math
from dataclasses import replace

from striate.training.recipe import Recipe

_WARMUP_EPOCHS = 5
_LONGEST_WARMUP = 0.5  # share of the training


def scaled(recipe: Recipe, batch_size: int, *, warmup: float | None = None) -> Recipe:
    """The recipe for another batch; with the warm-up that is asked for, if one is.

    >>> larger = scaled(Recipe(epochs=90, batch_size=256, rate=0.1, warmup=0.0), 8192)
    >>> larger.rate, round(larger.warmup * larger.epochs, 9)
    (3.2, 5.0)
    """
    times = batch_size / recipe.batch_size
    growth = times if recipe.optimizer == "sgd" else math.sqrt(times)
    climb = max(recipe.warmup, min(_WARMUP_EPOCHS / recipe.epochs, _LONGEST_WARMUP)) if warmup is None else warmup
    return replace(recipe, batch_size=batch_size, rate=recipe.rate * growth, warmup=climb)
