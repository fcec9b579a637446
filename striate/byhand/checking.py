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

import numpy as np

from striate.byhand.graph import Graph
from striate.byhand.operation import Array, Operation

_STEPS = (1e-5, 1e-6, 1e-7)
_TOLERANCE = 1e-6
_KINK = 1e-3  # slopes on either side that differ by more at the smallest step
_OWN = 2018  # drawn from the same seed as the inputs, G might be one of them


@dataclass(frozen=True)
class GradientCheck:
    """For each input the largest relative error of a number of its gradient, and how many numbers lie at kinks."""

    errors: dict[str, float]
    kinks: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether every number of every gradient is right to a millionth."""
        return all(error <= _TOLERANCE for error in self.errors.values())

    def __str__(self) -> str:
        lines = [
            f"{'right' if error <= _TOLERANCE else 'WRONG'}  d{name}  {error:.1e}"
            + (f"  {self.kinks[name]} at kinks" if self.kinks[name] else "")
            for name, error in self.errors.items()
        ]
        return "\n".join(lines)


def gradient_check(operation: Operation, *inputs: Array, seed: int = 0) -> GradientCheck:
    """Compare the operation's gradient by each floating input, taken as float64, with central differences.

    An error is relative to the number, or to a thousandth of the largest of its gradient if that is more, or to a
    ten-thousandth of the largest G ⊗ y, or of 1, below which it is rounding that is seen. Every value is computed by a
    copy of the operation, so that dropout draws the same and running averages stay. An operation that gives no gradient
    for a floating input, one of another shape, or one too many, fails with an infinite error; what is no number, with
    nan.

    >>> from striate.byhand.linear import Linear
    >>> random = np.random.default_rng(0)
    >>> check = gradient_check(Linear(), random.normal(size=(2, 3)), random.normal(size=(4, 3)))
    >>> check.passed, list(check.errors)
    (True, ['x', 'W'])
    """
    exact = [x.astype(np.float64) if np.issubdtype(x.dtype, np.floating) else x for x in map(np.asarray, inputs)]
    checked = deepcopy(operation)
    y = checked.forward(*(x.copy() for x in exact))
    G = np.random.default_rng((seed, _OWN)).normal(size=y.shape)
    gradients = checked.backward(G.copy())
    errors, kinks = {}, {}
    names = _names(operation, len(exact))
    for place, (name, x) in enumerate(zip(names, exact, strict=False)):
        dx = gradients[place] if place < len(gradients) else None
        if np.issubdtype(x.dtype, np.floating):

            def value(moved: Array, place: int = place) -> Array:
                return G * deepcopy(operation).forward(*exact[:place], moved, *exact[place + 1 :])

            errors[name], kinks[name] = (np.inf, 0) if dx is None or dx.shape != x.shape else _compare(value, x, dx)
    for more in range(len(names), len(gradients)):
        errors[f"x{more + 1}"], kinks[f"x{more + 1}"] = np.inf, 0
    return GradientCheck(errors, kinks)


@np.errstate(invalid="ignore")  # ∞ − ∞ is nan, which is reported
def _compare(value: Callable[[Array], Array], x: Array, dx: Array) -> tuple[float, int]:
    """The largest relative error of dx, and the number of kinks."""
    middle = value(x)
    floor = max(1e-3 * np.abs(dx).max(initial=0), 1e-4 * np.abs(middle).max(initial=1))
    worst, kinks = 0.0, 0
    for index in np.ndindex(x.shape):
        error, at_kink = _compare_one(value, middle, x, index, float(dx[index]), floor)
        worst, kinks = float(np.maximum(worst, error)), kinks + at_kink  # nan is the worst
    return worst, kinks


def _compare_one(
    value: Callable[[Array], Array], middle: Array, x: Array, index: tuple[int, ...], analytic: float, floor: float
) -> tuple[float, bool]:
    """The relative error of one number, at the first step at which it is right, else at the last."""
    for step in _STEPS:
        h = step * max(1, abs(x[index]))
        left, right = ((value(_moved(x, index, side * h)) - middle) / (side * h) for side in (-1, 1))
        numeric = float((left + right).sum() / 2)
        scale = max(abs(analytic), abs(numeric), floor)
        error = abs(analytic - numeric) / scale
        if error <= _TOLERANCE:
            return error, False
    least, most = float(np.minimum(left, right).sum()), float(np.maximum(left, right).sum())
    if most - least > _KINK * scale:
        return max(least - analytic, analytic - most, 0.0) / scale, True
    return error, False


def _moved(x: Array, index: tuple[int, ...], by: float) -> Array:
    moved = x.copy()
    moved[index] += by
    return moved


def _names(operation: Operation, count: int) -> list[str]:
    """The names of the first inputs, as the operation calls them."""
    if isinstance(operation, Graph):
        return list(operation.leaves)
    parameters = signature(operation.forward).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return [f"x{place + 1}" for place in range(count)]
    return [p.name for p in parameters]
