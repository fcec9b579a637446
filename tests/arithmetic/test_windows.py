import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from striate.arithmetic.windows import output_size
from striate.errors import SizeError


@given(
    length=some.integers(1, 60),
    window=some.integers(1, 11),
    stride=some.integers(1, 5),
    padding=some.integers(0, 6),
    dilation=some.integers(1, 4),
)
def test_a_window_has_as_many_positions_as_one_counts(length, window, stride, padding, dilation):
    values = range(-padding, length + padding)
    firsts = values[::stride]
    fitting = [first for first in firsts if first + dilation * (window - 1) in values]
    assume(fitting)
    assert output_size(length, window, stride=stride, padding=padding, dilation=dilation) == len(fitting)


@pytest.mark.parametrize(("stride", "positions"), [(1, 5), (2, 3), (3, 2)])
def test_seven_values_under_a_window_of_three_give_what_the_lecture_says(stride, positions):
    assert output_size(7, 3, stride=stride) == positions  # at stride 3 it is 2.33: the rightmost column is dropped


@pytest.mark.parametrize("window", [1, 3, 5, 7, 11])
def test_a_padding_of_half_the_window_keeps_the_size(window):
    assert output_size(32, window, padding=(window - 1) // 2) == 32


def test_a_stride_of_two_halves_the_picture():
    assert output_size(32, 2, stride=2) == 16


def test_alexnet_takes_227_pixels_down_to_6():
    layers = [(11, 4, 0), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1), (3, 1, 1), (3, 1, 1), (3, 2, 0)]
    sides = [227]
    for window, stride, padding in layers:
        sides.append(output_size(sides[-1], window, stride=stride, padding=padding))
    assert sides == [227, 55, 27, 27, 13, 13, 13, 13, 6]


def test_a_window_that_fits_nowhere_is_refused_with_what_came_and_what_to_do():
    with pytest.raises(SizeError, match=r"a window of 5 does not fit on 4 values: enlarge"):
        output_size(4, 5)


def test_dilation_makes_the_window_reach_further():
    assert output_size(5, 3, dilation=2) == 1
    with pytest.raises(SizeError, match="a window of 7"):
        output_size(5, 3, dilation=3)
