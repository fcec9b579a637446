"""What an operation is asked with: options, sizes and values, all made by one function that takes one of several.

Hypothesis chooses for the contract, `random.Random` for the mutants.
"""

import numpy as np


class Draws:
    """Options, sizes and values for one operation."""

    def __init__(self, choose, sorts=("any", "whole", "sparse")):
        self.of = choose
        self._random = np.random.default_rng(choose(range(1000)))
        self._sort = choose(sorts)  # whole and sparse numbers meet kinks, ties and empty windows

    def size(self, most=3):
        return self.of(range(1, most + 1))

    def normal(self, *shape):
        return self._random.normal(size=shape)

    def numbers(self, *shape):
        x = self.normal(*shape)
        if self._sort == "whole":
            return np.round(x)
        return x * (self._random.random(shape) < 0.6) if self._sort == "sparse" else x

    def positive(self, *shape):
        return np.abs(self.numbers(*shape)) + 0.25

    def bias(self, *shape):
        return self.of(((), (self.numbers(*shape),)))

    def each(self, axes, options):
        """One for all axes, or one for each."""
        return self.of((self.of(options), tuple(self.of(options) for _ in range(axes))))

    def maps(self, *, axes=None, channels=None):
        places = [self.size(4) for _ in range(axes or self.size(2))]
        return self.numbers(self.size(2), channels or self.size(3), *places)
