"""How trained arrays begin: random, with a variance that lets signals pass through many layers unchanged.

Source: Glorot and Bengio 2010 ("Xavier"); He et al. 2015, arXiv:1502.01852. A shape is (outputs, inputs) or
(K, C, kernel …); the fan in is the number of values that a unit sees, the fan out that of units that see a value.
The weights of Maxout and LocallyConnected lie otherwise: draw a unit's own shape and stack them.
"""

from math import prod

import numpy as np

from striate.byhand.operation import Array
from striate.errors import SizeError


def xavier(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Normal, of variance 2 / (fan in + fan out): keeps forward and backward signals through tanh near 0.

    >>> xavier((300, 100), np.random.default_rng(0)).var().round(4)
    np.float64(0.005)
    """
    fan_in, fan_out = _fans(shape)
    return random.normal(0, np.sqrt(2 / (fan_in + fan_out)), shape)


def he(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Normal, of variance 2 / fan in: twice 1 / fan in, since ReLU silences half.

    >>> he((300, 100), np.random.default_rng(0)).var().round(4)
    np.float64(0.0199)
    """
    fan_in, _ = _fans(shape)
    return random.normal(0, np.sqrt(2 / fan_in), shape)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) < 2 or min(shape) < 1:
        raise SizeError(f"weights of shape {shape}; expected (outputs, inputs) or (K, C, kernel …), each 1 or more")
    kernel = prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel
