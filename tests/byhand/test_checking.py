"""The check of gradients, checked: functions of one number, whose slopes one knows, right and wrong on purpose."""

import numpy as np
import pytest

from striate.byhand import (
    Add,
    BatchNormalisation,
    CrossEntropy,
    Dropout,
    GradientCheck,
    Graph,
    Linear,
    MinPooling,
    Operation,
    ReLU,
    SoftmaxCrossEntropy,
    SquaredNorm,
    Tanh,
    gradient_check,
)
from striate.errors import StriateError

random = np.random.default_rng(0)


class Function(Operation):
    """y = value(x) for each number, and whatever the test says is its slope."""

    def __init__(self, value, slope):
        self.value, self.slope = value, slope

    def forward(self, x):
        self.keep(x)
        return self.value(x)

    def backward(self, dy):
        return (self.slope(self.kept) * dy,)


class Changed(Operation):
    """An operation whose gradients a test may change before they are given."""

    def __init__(self, operation, change):
        self.operation, self.change = operation, change

    def forward(self, x, W=None, b=None):
        return self.operation.forward(*(array for array in (x, W, b) if array is not None))

    def backward(self, dy):
        return self.change(*self.operation.backward(dy))


def check_at(x, value, slope):
    return gradient_check(Function(value, slope), np.array(x))


def check_linear(change, *, rows=4):
    return gradient_check(Changed(Linear(), change), random.normal(size=(2, 3)), random.normal(size=(rows, 3)))


def ramp(x):
    return np.maximum(x, 0)


def test_the_slope_of_a_square_is_twice_the_side():
    assert check_at([1.0, -2.0, 0.0, 1e4], np.square, lambda x: 2 * x).passed


def test_the_error_is_that_part_of_the_larger_number_which_is_too_much():
    check = check_at([1.0, -2.0], np.square, lambda x: 2.02 * x)
    assert not check.passed
    assert check.errors["x"] == pytest.approx(0.02 / 2.02, rel=1e-4)


@pytest.mark.parametrize(("factor", "passed"), [(1 + 1e-7, True), (1 + 1e-5, False), (1 - 1e-5, False), (-1, False)])
def test_a_gradient_must_be_right_to_a_millionth(factor, passed):
    assert check_at([0.5, 3.0], np.exp, lambda x: factor * np.exp(x)).passed is passed


@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0])
def test_at_a_kink_any_slope_between_those_of_the_two_sides_is_right(slope):
    check = check_at([0.0], ramp, lambda x: slope)
    assert check.passed
    assert check.kinks == {"x": 1}


@pytest.mark.parametrize("slope", [1.5, -0.1, 1.01])
def test_at_a_kink_a_slope_beyond_those_of_the_two_sides_is_wrong(slope):
    check = check_at([0.0], ramp, lambda x: slope)
    assert not check.passed
    assert check.kinks == {"x": 1}


@pytest.mark.parametrize("x", [1e-7, 1e-6, 3e-6, 0.9e-5])
def test_near_a_kink_only_the_slope_of_its_own_side_is_right(x):
    assert check_at([x], ramp, lambda x: 1.0).passed
    assert check_at([-x], ramp, lambda x: 0.0).passed
    for side in (x, -x):
        check = check_at([side], ramp, lambda x: 0.5)
        assert not check.passed
        assert check.kinks == {"x": 0}


@pytest.mark.parametrize("seed", range(10))
def test_ties_of_windows_that_overlap_may_pull_in_opposite_directions(seed):
    check = gradient_check(MinPooling(3, stride=1), np.zeros((1, 1, 6)), seed=seed)
    assert check.passed
    assert check.kinks == {"H": 6}


@pytest.mark.parametrize("change", [lambda dx, dW, db: (dx, dW.T), lambda dx, dW, db: (dx, dW.sum())])
def test_a_gradient_of_another_shape_is_infinitely_wrong(change):
    check = check_linear(change)
    assert not check.passed
    assert check.errors["W"] == np.inf
    assert check.errors["x"] < 1e-6


def test_a_gradient_too_many_is_wrong_but_for_an_input_that_may_be_left_out():
    assert check_linear(lambda dx, dW, db: (dx, dW, db)).passed
    assert check_linear(lambda dx, dW, db: (dx, dW, db, db)).errors["x4"] == np.inf


def test_no_gradient_counts_as_zeros():
    assert check_linear(lambda dx, dW, db: (None, dW)).errors["x"] == 1
    assert check_linear(lambda dx, dW, db: (dx,)).errors["W"] == 1
    unused = Graph({"y": (ReLU(), "x"), "z": (ReLU(), "other"), "L": (ReLU(), "y")})
    assert gradient_check(unused, np.ones(2), np.ones(2)).passed


@pytest.mark.parametrize("inputs", [(np.ones((2, 3), int), np.ones((4, 3), int)), (np.ones((0, 3)), np.ones((0, 3)))])
def test_where_there_is_nothing_to_compare_there_is_no_verdict(inputs):
    with pytest.raises(StriateError, match="expected a floating number at least"):
        gradient_check(Linear(), *inputs)


def test_a_check_is_as_true_as_it_has_passed():
    assert check_linear(lambda *d: d)
    assert not check_linear(lambda dx, dW, db: (dx, 2 * dW))


def test_a_small_loss_hides_no_wrong_gradient():
    assert gradient_check(SquaredNorm(1e-12), random.normal(size=3))
    assert not gradient_check(Changed(SquaredNorm(1e-12), lambda dW: (-3 * dW,)), random.normal(size=3))


def test_what_is_too_small_to_see_is_not_called_right():
    def vanished(dx, dW, db):
        return 0 * dx, dW

    tiny = 3e-11 * np.ones((3, 3))
    check = gradient_check(Changed(Linear(), vanished), random.normal(size=(2, 3)), tiny, np.ones(3))
    assert check.unseen == {"x": 6, "W": 0, "b": 0}
    assert "6 too small to see" in str(check)


def test_curvature_is_no_kink():
    p = np.array([[3e-5, 1.0]])
    wrong = gradient_check(Changed(CrossEntropy(), lambda dp, _: (1.0015 * dp, None)), p, np.array([0]))
    assert not wrong
    assert wrong.kinks == {"x": 0}


def test_near_the_edge_of_what_is_taken_the_steps_are_smaller():
    assert gradient_check(CrossEntropy(), np.array([[5e-6, 1.0]]), np.array([0]))


def test_large_values_are_stepped_from_as_small_ones():
    assert gradient_check(SoftmaxCrossEntropy(), np.array([[1e5, 1e5 + 1, 1e5 - 2]]), np.array([1]))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_wrong(wrong):
    assert not check_at([1.0, 2.0, 3.0], np.square, lambda x: np.where(x == 2, wrong, 2 * x)).passed
    assert not check_at([1.0, 2.0, 3.0], lambda x: np.where(x > 1.5, wrong, x), np.ones_like).passed


def test_one_number_in_a_thousand_that_is_a_hundredth_off_is_found():
    def a_hundredth_off(dx, dW, db):
        index = np.unravel_index(np.abs(dW).argmin(), dW.shape)  # the hardest to see
        dW[index] *= 1.01
        return dx, dW

    assert check_linear(lambda *d: d, rows=400).passed
    assert not check_linear(a_hundredth_off, rows=400).passed


def test_classes_are_whole_numbers_and_have_no_gradient():
    check = gradient_check(SoftmaxCrossEntropy(), random.normal(size=(3, 4)), np.array([0, 3, 1]))
    assert check.passed
    assert list(check.errors) == ["s"]


def test_where_nothing_is_felt_the_gradient_is_zero_and_nothing_else():
    silent = [-1.0, -2.0]
    assert check_at(silent, ramp, lambda x: 0 * x).errors == {"x": 0.0}
    assert not check_at(silent, ramp, lambda x: 0 * x + 1e-6).passed


def test_a_gradient_of_zeros_is_wrong_where_something_is_felt():
    assert check_at([1.0, 2.0], np.square, lambda x: 0 * x).errors["x"] == pytest.approx(1)


def test_single_precision_is_checked_in_double():
    assert gradient_check(Linear(), np.float32([[0.1, 0.2]]), np.float32([[0.3, 0.4]])).passed


def test_a_check_leaves_the_operation_and_its_inputs_as_they_came():
    x, ones = random.normal(size=(4, 2)), np.ones(2)
    before = x.copy()
    normalisation, dropout = BatchNormalisation(), Dropout(np.random.default_rng(0))
    assert gradient_check(normalisation, x, ones, ones).passed
    assert gradient_check(dropout, x).passed
    assert normalisation.mean is None
    assert dropout.random.bit_generator.state == np.random.default_rng(0).bit_generator.state
    np.testing.assert_array_equal(x, before)


def test_it_prints_a_line_for_each_input_and_says_which_is_wrong():
    check = GradientCheck({"x": 2.5e-11, "W": 0.5, "b": np.nan}, {"x": 3, "W": 0, "b": 0}, {"x": 0, "W": 2, "b": 0})
    assert str(check) == "right  dx  2.5e-11  3 at kinks\nWRONG  dW  5.0e-01  2 too small to see\nWRONG  db  nan"


def test_only_the_gradient_that_is_wrong_is_called_so():
    lines = str(check_linear(lambda dx, dW, db: (dx, 1.01 * dW))).splitlines()
    assert [line[:9] for line in lines] == ["right  dx", "WRONG  dW"]


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        (Add(), ["x1", "x2"]),
        (Linear(), ["x", "W"]),
        (Graph({"s": (Linear(), "picture", "weights"), "p": (Tanh(), "s")}), ["picture", "weights"]),
    ],
)
def test_inputs_have_the_names_that_the_operation_gives_them(operation, names):
    x = random.normal(size=(2, 2))
    assert list(gradient_check(operation, x, x).errors) == names


def test_lists_are_taken_as_arrays():
    assert gradient_check(Linear(), [[1.0, 2.0]], [[3.0, 4.0]]).passed
