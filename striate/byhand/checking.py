"""The numerical gradient, slow, approximate and easy, as the check of the analytic one, fast, exact and error-prone.

Source: D4, "Optimization": df/dx ≈ (f(x + h) − f(x − h)) / 2h, for each number of x.

The gradient is that of Σ G ⊗ y with a random G, so that every y counts, and each by another part.

Kinks: where pieces of a function meet, as at 0 of ReLU, it has no derivative, but a slope on either side; any number
between the two is a gradient there, for each y by itself, and is taken as right. If the kink lies near x but not at it,
the two slopes agree as soon as h is small enough. Where kinks meet inside a graph before they reach one y, there are
gradients that do not lie between its slopes: check it at another point.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from inspect import signature
from typing import NamedTuple

import numpy as np

from striate.byhand.graph import Graph
from striate.byhand.operation import Array, Operation
from striate.errors import StriateError

_STEPS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9)  # the least for sharp bends, as of a logarithm near 0
_TOLERANCE = 1e-6
_KINK = 1e-3  # slopes on either side that differ by more
_TINY = 1e-300  # so that nothing is divided by 0
_OWN = 2018  # drawn from the same seed as the inputs, G might be one of them


@dataclass(frozen=True)
class GradientCheck:
    """For each input: the largest relative error of a number of its gradient, and how many numbers lie at kinks.

    `unseen` counts those that differ, but are so small beside the values that rounding is all that the numerical
    gradient can see of them, as in the first layers of a deep stack of sigmoids: they are not said to be right.
    """

    errors: dict[str, float]
    kinks: dict[str, int]
    unseen: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether every number that can be seen of every gradient is right to a millionth."""
        return all(error <= _TOLERANCE for error in self.errors.values())

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return "\n".join(map(self._line, self.errors))

    def _line(self, name: str) -> str:
        verdict = "right" if self.errors[name] <= _TOLERANCE else "WRONG"
        notes = [(self.kinks[name], "at kinks"), (self.unseen[name], "too small to see")]
        return f"{verdict}  d{name}  {self.errors[name]:.1e}" + "".join(f"  {n} {what}" for n, what in notes if n)


class _Comparison(NamedTuple):
    error: float
    at_kink: bool = False
    unseen: bool = False


def gradient_check(operation: Operation, *inputs: Array, seed: int = 0) -> GradientCheck:
    """Compare the operation's gradient by each floating input, taken as float64, with central differences.

    An error is relative to the number, or to a thousandth of the largest of its gradient if that is more, or to a
    ten-thousandth of the largest G ⊗ y, below which it is rounding that is seen. Every value is computed by a copy of
    the operation, so that dropout draws the same and running averages stay. A gradient of None counts as zeros; one of
    another shape, or one too many, fails with an infinite error; what is no number, with nan. Where a step leaves what
    the operation takes, as below a probability of 0, a smaller one is made.

    Raises StriateError if no input has a floating number: there would be nothing to compare.

    >>> from striate.byhand.linear import Linear
    >>> random = np.random.default_rng(0)
    >>> check = gradient_check(Linear(), random.normal(size=(2, 3)), random.normal(size=(4, 3)))
    >>> check.passed, list(check.errors)
    (True, ['x', 'W'])
    """
    exact = [x.astype(np.float64) if np.issubdtype(x.dtype, np.floating) else x for x in map(np.asarray, inputs)]
    if not any(x.size for x in exact if np.issubdtype(x.dtype, np.floating)):
        came = ", ".join(f"{x.dtype} {x.shape}" for x in exact) or "nothing"
        raise StriateError(f"{came} came; expected a floating number at least, or there is no gradient to compare")
    checked = deepcopy(operation)
    y = checked.forward(*(x.copy() for x in exact))
    G = np.random.default_rng((seed, _OWN)).normal(size=y.shape)
    gradients = checked.backward(G.copy())
    found: dict[str, list[_Comparison]] = {}
    names = _names(operation, len(exact))
    for place, (name, x) in enumerate(zip(names, exact, strict=False)):
        dx = gradients[place] if place < len(gradients) else None
        if np.issubdtype(x.dtype, np.floating):

            def value(moved: Array, place: int = place) -> Array:
                return G * deepcopy(operation).forward(*exact[:place], moved, *exact[place + 1 :])

            found[name] = _compare(value, x, np.zeros_like(x) if dx is None else dx)
    for more in range(len(names), len(gradients)):
        found[f"x{more + 1}"] = [_Comparison(np.inf)]
    return GradientCheck(
        {
            name: float(np.max([one.error for one in each], initial=0)) for name, each in found.items()
        },  # nan is the worst
        {name: sum(one.at_kink for one in each) for name, each in found.items()},
        {name: sum(one.unseen for one in each) for name, each in found.items()},
    )


@np.errstate(invalid="ignore")  # ∞ − ∞ is nan, which is reported
def _compare(value: Callable[[Array], Array], x: Array, dx: Array) -> list[_Comparison]:
    """Each number of dx with the numerical one."""
    if dx.shape != x.shape:
        return [_Comparison(np.inf)]
    middle = value(x)
    floor = max(1e-3 * np.abs(dx).max(initial=0), 1e-4 * np.abs(middle).max(initial=0), _TINY)
    return [_compare_one(value, middle, x, index, float(dx[index]), floor) for index in np.ndindex(x.shape)]


def _compare_one(
    value: Callable[[Array], Array], middle: Array, x: Array, index: tuple[int, ...], analytic: float, floor: float
) -> _Comparison:
    """One number at the first step at which it is right, else at the last; at a kink the gap of slopes stays."""
    between = []
    for step in _STEPS:
        h = step * max(1, abs(x[index])) ** (1 / 3)  # of a large number, and of what is made of it, more is rounded
        try:
            left, right = (_slope(value, middle, x, index, side * h) for side in (-1, 1))
        except StriateError:  # outside what the operation takes
            if step == _STEPS[-1]:
                raise
            continue
        numeric = float((left + right).sum() / 2)
        scale = max(abs(analytic), abs(numeric), floor)
        error = abs(analytic - numeric) / scale
        if error <= _TOLERANCE:
            seen = analytic == numeric or max(abs(analytic), abs(numeric)) > _TOLERANCE * floor
            return _Comparison(error, unseen=not seen)
        between.append((float(np.minimum(left, right).sum()), float(np.maximum(left, right).sum())))
    (least, most), gaps = between[:3][-1], [most - least for least, most in between[:3]]  # later, rounding opens them
    if gaps[-1] > max(_KINK * scale, gaps[-2:][0] / 2):
        return _Comparison(max(least - analytic, analytic - most, 0.0) / scale, at_kink=True)
    return _Comparison(error)


def _slope(value: Callable[[Array], Array], middle: Array, x: Array, index: tuple[int, ...], by: float) -> Array:
    """Of each value, over the step that was made: what is added to a large number is rounded."""
    moved = x.copy()
    moved[index] += by
    return np.asarray((value(moved) - middle) / (moved[index] - x[index]))


def _names(operation: Operation, count: int) -> list[str]:
    """The names of the first inputs, as the operation calls them."""
    if isinstance(operation, Graph):
        return list(operation.leaves)
    parameters = signature(operation.forward).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return [f"x{place + 1}" for place in range(count)]
    return [p.name for p in parameters]
