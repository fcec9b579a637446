"""Numbers with the symmetric beta distribution, from uniform ones: by its quantile, so that each needs one number.

The density is proportional to x^(a-1) (1-x)^(a-1), which for a < 1 is infinite at 0. Put t = x^p, p = min(a, 1): then
dx x^(a-1) = dt t^((a-p)/p) / p, finite for all a. That is summed by trapezoids from x = 0 to ½; the other half mirrors.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_POINTS = 20_001


def beta_quantiles(uniform: Tensor, alpha: float) -> Tensor:
    """Beta(alpha, alpha) numbers in [0, 1] for `uniform` ones in [0, 1), float64; exact to about 1e-6."""
    chances = uniform.numpy()
    shares, places = _half(alpha)
    nearer = np.interp(np.minimum(chances, 1 - chances), shares, places) ** (1 / min(alpha, 1))
    return torch.from_numpy(np.where(chances < 0.5, nearer, 1 - nearer))


@lru_cache(maxsize=8)
def _half(alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The share of the distribution below x, and t, for x from 0 to ½."""
    power = min(alpha, 1)
    places = np.linspace(0, 0.5**power, _POINTS)
    density = places ** ((alpha - power) / power) * (1 - places ** (1 / power)) ** (alpha - 1)
    sums = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return sums * (0.5 / sums[-1]), places
