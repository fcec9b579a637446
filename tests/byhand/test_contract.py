"""What every operation answers: the same questions to all, on shapes, options and values that hypothesis chooses.

The oracle of the gradients is the difference of two values a small step apart.
"""

from copy import deepcopy
from inspect import isabstract

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from striate import byhand
from striate.byhand import Operation, gradient_check
from striate.errors import StriateError
from tests.byhand.operations import OPERATIONS, drawn, fixed

every_operation = pytest.mark.parametrize("title", OPERATIONS)
a_few = settings(max_examples=10)


def computed(operation, inputs, *, seed=0):
    """A copy that has computed its value, the value, and a gradient by it."""
    copy = deepcopy(operation)
    y = copy.forward(*inputs)
    dy = np.random.default_rng(seed).normal(size=np.shape(y)).astype(np.asarray(y).dtype)
    return copy, y, dy


@every_operation
@given(data=some.data())
@settings(max_examples=15)
def test_every_gradient_is_that_of_small_steps(title, data):
    operation, inputs = data.draw(drawn(title))
    check = gradient_check(operation, *inputs)
    assert check.passed, f"\n{check}"
    assert len(check.errors) == sum(np.issubdtype(x.dtype, np.floating) for x in inputs)


@every_operation
@given(data=some.data())
@a_few
def test_every_gradient_has_the_shape_of_its_input(title, data):
    operation, inputs = data.draw(drawn(title))
    operation, _, dy = computed(operation, inputs)
    gradients = operation.backward(dy)
    for x, dx in zip(inputs, gradients, strict=False):
        assert (dx is None) if np.issubdtype(x.dtype, np.integer) else (dx.shape == x.shape)
    assert len(gradients) >= len(inputs)  # more where a bias may be left out


@every_operation
@given(data=some.data())
@a_few
def test_inputs_value_and_gradient_are_left_as_they_came(title, data):
    operation, inputs = data.draw(drawn(title))
    before = deepcopy(inputs)
    operation, y, dy = computed(operation, inputs)
    value, upstream = y.copy(), dy.copy()
    operation.backward(dy)
    for x, as_it_came in zip([*inputs, y, dy], [*before, value, upstream], strict=True):
        np.testing.assert_array_equal(x, as_it_came)


@every_operation
@given(data=some.data())
@a_few
def test_the_same_inputs_give_the_same_value(title, data):
    operation, inputs = data.draw(drawn(title))
    _, first, _ = computed(operation, inputs)
    _, second, _ = computed(operation, inputs)
    np.testing.assert_array_equal(first, second)


@every_operation
@given(data=some.data())
@a_few
def test_backward_is_linear_and_may_be_asked_again(title, data):
    operation, inputs = data.draw(drawn(title))
    operation, _, u = computed(operation, inputs)
    _, _, v = computed(operation, inputs, seed=1)
    of_u, of_v, of_both = (operation.backward(dy) for dy in (u, v, 2 * u - 3 * v))
    for du, dv, both in zip(of_u, of_v, of_both, strict=True):
        if both is not None:
            np.testing.assert_allclose(2 * du - 3 * dv, both, rtol=1e-9, atol=1e-9)


@every_operation
@given(data=some.data())
@a_few
def test_single_precision_stays_single(title, data):
    operation, inputs = data.draw(drawn(title))
    single = [np.float32(x) if np.issubdtype(x.dtype, np.floating) else x for x in inputs]
    operation, y, dy = computed(operation, single)
    assert y.dtype == np.float32
    assert {dx.dtype for dx in operation.backward(dy) if dx is not None} == {np.dtype(np.float32)}


@every_operation
def test_a_gradient_before_the_value_is_answered_with_what_to_do(title):
    operation, inputs = fixed(title, 0)
    _, _, dy = computed(operation, inputs)
    with pytest.raises(StriateError, match=r"asked for its gradients? before its value: call .*forward first"):
        operation.backward(dy)


@every_operation
def test_narrow_whole_numbers_are_as_good_as_wide_ones(title):
    operation, inputs = fixed(title, 0)
    small = [np.abs(np.rint(20 * x)).astype(np.uint8) if x.dtype.kind == "f" else x for x in inputs]
    wide = [x.astype(np.float64) if x.dtype == np.uint8 else x for x in small]
    expected = deepcopy(operation).forward(*wide)
    np.testing.assert_allclose(deepcopy(operation).forward(*(x.tolist() for x in small)), expected, rtol=1e-12)
    np.testing.assert_allclose(operation.forward(*small), expected, rtol=1e-12)


@every_operation
def test_a_title_begins_with_the_name_of_its_class(title):
    operation, _ = fixed(title, 0)
    assert title.split()[0] == type(operation).__name__


def test_no_operation_escapes_the_contract():
    public = [getattr(byhand, name) for name in byhand.__all__]
    operations = {c.__name__ for c in public if isinstance(c, type) and issubclass(c, Operation) and not isabstract(c)}
    assert operations == {title.split()[0] for title in OPERATIONS}
