"""A wrong gradient planted in any operation is found: in what backward answers, and in every line that makes it.

More than six hundred mistakes of one operator, number, index, step or order in the lines that make gradients; those few
that change nothing are listed, with the reason.
"""

from inspect import unwrap
from itertools import count

import numpy as np
import pytest

from striate.byhand import Operation, gradient_check
from striate.byhand.columns import col2im
from striate.byhand.convolution import bias_gradient
from striate.byhand.sliding import overlay
from tests.byhand.mutants import mutants, planted, swapped_indices
from tests.byhand.operations import OPERATIONS, fixed

WRONG = {
    "scaled": lambda dx: 1.01 * dx,
    "one number": lambda dx: dx + 0.01 * np.abs(dx).max() * (np.arange(dx.size) == dx.size // 2).reshape(dx.shape),
    "the other sign": lambda dx: -dx,
    "zero": lambda dx: 0 * dx,
    "transposed": lambda dx: dx.T if dx.ndim == 2 and len(dx) == len(dx.T) else dx,
}


class Changed(Operation):
    """An operation whose gradient by one input is not what it says."""

    def __init__(self, operation, place, change):
        self.operation, self.place, self.change = operation, place, change

    def forward(self, *inputs):
        self.count = len(inputs)
        return self.operation.forward(*inputs)

    def backward(self, dy):
        gradients = list(self.operation.backward(dy))[: self.count]
        gradients[self.place] = self.change(gradients[self.place])
        return tuple(gradients)


def felt_everywhere(title):
    """The first drawn case, without ties, where no input has a gradient of zeros."""
    for seed in count():
        operation, inputs = fixed(title, seed, sorts=("any",))
        y = operation.forward(*inputs)
        gradients = operation.backward(np.random.default_rng(0).normal(size=y.shape))[: len(inputs)]
        if all(dx is None or np.abs(dx).max() > 1e-2 for dx in gradients):
            return operation, inputs, gradients


@pytest.mark.parametrize("title", OPERATIONS)
def test_a_wrong_gradient_is_found_and_no_other_is_blamed(title):
    operation, inputs, gradients = felt_everywhere(title)
    for place, dx in enumerate(gradients):
        changes = [how for how in WRONG if dx is not None and np.abs(WRONG[how](dx) - dx).max() > 1e-4]
        assert dx is None or set(changes) >= {"scaled", "one number", "the other sign", "zero"}
        for how in changes:
            check = gradient_check(Changed(operation, place, WRONG[how]), *inputs)
            assert [name for name, error in check.errors.items() if error > 1e-6] == [f"x{place + 1}"], how


def functions_that_make_gradients():
    """Each with the titles of operations that call it."""
    sliding = ["Convolution on images", "UpConvolution", "LocallyConnected", "MaxPooling", "L2Pooling"]
    found = {bias_gradient: sliding[:2], overlay: sliding, col2im: ["ConvolutionByColumns on images"]}
    for title in OPERATIONS:
        operation, _ = fixed(title, 0)
        for name in ("forward", "backward", "slope", "gradients"):
            if callable(function := getattr(type(operation), name, None)):
                found.setdefault(unwrap(function), []).append(title)
    return {function: titles for function, titles in found.items() if mutants(function)}


FUNCTIONS = functions_that_make_gradients()
CASES = 30
CHANGES_NOTHING = {
    "dO = by_group(dO.reshape(*dO.shape[:2], -2), 1, self.groups)  # (B, G, K/G, P)": "NumPy takes -2 for -1",
    "V = columns.reshape(len(columns), -2, *window.kernel, *window.places)": "NumPy takes -2 for -1",
    "dW = (dO @ np.swapaxes(X_col, -1, 2)).sum(axis=0)": "axis 2 of four is axis -2",
    "return np.asarray(V / np.where(y == 0, 2, y))": "where y is 0, V is 0",
    "shared = einstein('T[b, c, x] = N[J, c] P[b, J, x]', N=N, P=flat * H * S ** (-self.beta - 1))": "N is symmetric",
    "gradients = {result: self.values[result] if dy is None else dy}": "a check always gives dy",
    "gradients = {result: np.ones_like((self.values)) if dy is None else dy}": "a check always gives dy",
}


def is_caught(function, mutant, cases):
    with planted(function, mutant), np.errstate(all="ignore"):
        for operation, inputs in cases:
            try:
                if not gradient_check(operation, *inputs).passed:
                    return True
            except Exception:  # what stops the program has been noticed
                return True
    return False


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__qualname__)
def test_every_mistake_in_a_line_is_found(function):
    titles = FUNCTIONS[function]
    cases = [fixed(title, seed) for seed in range(-(-CASES // len(titles))) for title in titles]
    every = mutants(function)
    survivors = [mutant.line for mutant in every if not is_caught(function, mutant, cases)]
    unknown = "\n".join(line for line in survivors if line not in CHANGES_NOTHING)
    assert not unknown, f"{len(every)} mutants, {len(every) - len(survivors)} caught; not\n{unknown}"


def test_hundreds_of_mistakes_are_planted_and_few_change_nothing():
    lines = [mutant.line for function in FUNCTIONS for mutant in mutants(function)]
    assert len(lines) >= 600
    assert set(CHANGES_NOTHING) <= set(lines)
    assert len(CHANGES_NOTHING) < 10


def example(x, y):
    if x.ndim < 0:
        raise ValueError(x - y)
    return x[1:] ** 2 - y.sum(axis=0), y


def test_the_mistakes_of_a_line_are_those_that_one_counts_by_hand():
    assert sorted(mutant.line for mutant in mutants(example)) == sorted(
        [
            "return (y, x[1:] ** 2 - y.sum(axis=0))",  # the order
            "return (x[1:] ** 2), y",  # a step left out
            "return y.sum(axis=0), y",
            "return x[1:] - y.sum(axis=0), y",
            "return 2 - y.sum(axis=0), y",
            "return x ** 2 - y.sum(axis=0), y",
            "return x[1:] ** 2 - y, y",
            "return (x[1:] ** 2 + y.sum(axis=0)), y",  # an operator
            "return x[1:] ** (2 + 1) - y.sum(axis=0), y",
            "return x[1:] ** (2 - 1) - y.sum(axis=0), y",
            "return x[2:] ** 2 - y.sum(axis=0), y",  # a number
            "return x[1:] ** 3 - y.sum(axis=0), y",
            "return x[1:] ** 2 - y.sum(axis=1), y",
        ]
    )


def test_indices_are_swapped_within_a_tensor():
    assert list(swapped_indices("y[i] = A[i, J] x[J]")) == ["y[i] = A[J, i] x[J]"]


def test_a_mutant_is_gone_when_the_test_of_it_is_over():
    mutant = next(mutant for mutant in mutants(example) if "+ y" in mutant.line)
    x, y = np.array([1.0, 3.0]), np.array([4.0])
    with planted(example, mutant):
        assert example(x, y)[0] == [13]
    assert example(x, y)[0] == [5]
