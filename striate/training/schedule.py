"""The rate at each step, as a share of its highest, and the momentum beside it.

All climb in a straight line over the warm-up (Goyal et al. 2017, arXiv:1706.02677, section 2.2). Then
  cosine     half a cosine down to 0                                     Loshchilov and Hutter 2016, arXiv:1608.03983
  linear     a straight line down to 0
  one_cycle  the cosine; momentum falls by 0.1 while the rate climbs, and climbs back      Smith 2018, arXiv:1803.09820
  steps      a tenth at each milestone                                   He et al. 2015, arXiv:1512.03385, section 3.4
  plateau    a tenth whenever the validation loss has stopped to fall    Krizhevsky et al. 2012, section 5
  constant   as it is
"""

import math
from dataclasses import dataclass

from striate.training.recipe import Recipe

_CUT = 0.1
_CYCLED = 0.1  # by which momentum falls at the height of the cycle


@dataclass(frozen=True)
class Pace:
    """What the optimizer is told for one step."""

    rate: float
    momentum: float


def pace_at(recipe: Recipe, step: int, steps: int, *, cuts: int = 0) -> Pace:
    """The pace of step `step` of `steps`, counted from 0; `cuts` are those that plateaus have made so far.

    >>> recipe = Recipe(rate=0.1, warmup=0.5)
    >>> [round(pace_at(recipe, step, 8).rate, 3) for step in range(8)]
    [0.025, 0.05, 0.075, 0.1, 0.1, 0.085, 0.05, 0.015]
    """
    climb = recipe.warmup * steps
    if step < climb:
        share = height = (step + 1) / math.ceil(climb)
    else:
        share = _fall(recipe, step, steps, cuts)
        height = (1 + math.cos(math.pi * (step - climb) / (steps - climb))) / 2
    cycled = _CYCLED * height if recipe.schedule == "one_cycle" else 0.0
    return Pace(recipe.rate * share, max(0.0, recipe.momentum - cycled))


def _fall(recipe: Recipe, step: int, steps: int, cuts: int) -> float:
    """The share of the rate after the warm-up."""
    climb = recipe.warmup * steps
    done = (step - climb) / (steps - climb)
    match recipe.schedule:
        case "cosine" | "one_cycle":
            return (1 + math.cos(math.pi * done)) / 2
        case "linear":
            return 1 - done
        case "steps":
            return _CUT ** sum(step >= share * steps for share in recipe.milestones)
        case "plateau":
            return _CUT**cuts
        case "constant":
            return 1.0
