"""Places of a window: by hand, by counting them one by one, and against torch, which runs here without any data."""

from fractions import Fraction

import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as some
from torch.nn import functional

from striate.arithmetic.windows import both_ends, fit, output_size, transposed_output_size
from striate.errors import SizeError

lengths, windows, strides, dilations, paddings = (
    some.integers(1, 60),
    some.integers(1, 11),
    some.integers(1, 5),
    some.integers(1, 4),
    some.integers(0, 6),
)


def line(length):
    return torch.empty(1, 1, length, device="meta")


def kernel(window):
    return torch.empty(1, 1, window, device="meta")


def places_one_by_one(values, window, stride, dilation):
    """First values of all whole windows, from the first value on."""
    return [first for first in values[::stride] if first + dilation * (window - 1) in values]


@given(lengths, windows, strides, paddings, dilations)
def test_a_window_has_as_many_positions_as_one_counts(length, window, stride, padding, dilation):
    fitting = places_one_by_one(range(-padding, length + padding), window, stride, dilation)
    assume(fitting)
    assert output_size(length, window, stride=stride, padding=padding, dilation=dilation) == len(fitting)


@given(lengths, windows, strides, some.tuples(paddings, paddings), dilations)
@example(1, 1, 3, (2, 0), 1)  # the only place lies in the padding
def test_what_lies_behind_the_last_place_is_dropped(length, window, stride, padding, dilation):
    before, after = padding
    fitting = places_one_by_one(range(-before, length + after), window, stride, dilation)
    assume(fitting)
    here = fit(length, window, stride=stride, padding=padding, dilation=dilation)
    reached = fitting[-1] + dilation * (window - 1)
    assert here.places == len(fitting)
    assert here.dropped == sum(value > reached for value in range(length))
    assert here.exact == Fraction(length + before + after - dilation * (window - 1) - 1, stride) + 1


@given(lengths, windows, strides, paddings, dilations)
def test_a_convolution_of_torch_makes_as_many_values(length, window, stride, padding, dilation):
    assume(length + 2 * padding > dilation * (window - 1))
    made = functional.conv1d(line(length), kernel(window), stride=stride, padding=padding, dilation=dilation)
    assert output_size(length, window, stride=stride, padding=padding, dilation=dilation) == made.shape[2]


@given(lengths, windows, strides, some.data(), dilations, some.booleans())
def test_a_pooling_of_torch_makes_as_many_values(length, window, stride, data, dilation, ceil):
    padding = data.draw(some.integers(0, window // 2))  # torch takes no more
    room = length + 2 * padding - dilation * (window - 1) - 1
    assume(room >= (1 - stride if ceil else 0))
    made = functional.max_pool1d(
        line(length), window, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil
    ).shape[2]
    assert output_size(length, window, stride=stride, padding=padding, dilation=dilation, ceil=ceil) == made


@given(lengths, windows, strides, paddings, dilations)
def test_with_ceil_a_window_counts_if_it_begins_before_the_padding_at_the_end(
    length, window, stride, padding, dilation
):
    room = length + 2 * padding - dilation * (window - 1) - 1
    assume(room >= 0)
    here = fit(length, window, stride=stride, padding=padding, dilation=dilation, ceil=True)
    whole = places_one_by_one(range(-padding, length + padding), window, stride, dilation)
    over = whole[-1] + stride
    hangs = room % stride and over < length
    assert here.places == len(whole) + bool(hangs)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # torch tells us that it will copy
@given(lengths, windows, dilations)
def test_same_padding_is_that_of_torch(length, window, dilation):
    made = functional.conv1d(line(length), kernel(window), padding="same", dilation=dilation).shape[2]
    assert output_size(length, window, padding="same", dilation=dilation) == made == length


@given(lengths, windows, strides, dilations)
def test_same_padding_gives_a_place_for_every_stride_begun(length, window, stride, dilation):
    before, after = both_ends("same", length, window, stride=stride, dilation=dilation)
    begun = len(range(0, length, stride))
    assert output_size(length, window, stride=stride, padding="same", dilation=dilation) == begun
    assert 0 <= after - before <= 1
    assert before == 0 or fit(length, window, stride=stride, padding="same", dilation=dilation).dropped == 0


@given(lengths, windows.filter(lambda window: window % 2))
def test_same_padding_of_an_odd_window_is_half_of_it_on_both_ends(length, window):
    assert both_ends("same", length, window) == ((window - 1) // 2,) * 2


@given(lengths, windows, strides, paddings, dilations, some.data())
def test_a_transposed_convolution_of_torch_makes_as_many_values(length, window, stride, padding, dilation, data):
    extra = data.draw(some.integers(0, max(stride, dilation) - 1))
    assume(stride * (length - 1) + dilation * (window - 1) + 1 + extra > 2 * padding)
    how = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": extra}
    made = functional.conv_transpose1d(line(length), kernel(window), **how)
    assert transposed_output_size(length, window, **how) == made.shape[2]


@given(lengths, windows, strides, dilations)
def test_a_transposed_convolution_leads_back_to_the_length_of_a_convolution_that_fits(length, window, stride, dilation):
    assume(length > dilation * (window - 1))
    here = fit(length, window, stride=stride, dilation=dilation)
    back = transposed_output_size(here.places, window, stride=stride, dilation=dilation)
    assert back == length - here.dropped


@pytest.mark.parametrize("window", [1, 3, 5, 7, 11])
def test_a_padding_of_half_the_window_keeps_the_size(window):
    assert output_size(32, window, padding=(window - 1) // 2) == 32


def test_a_stride_of_two_halves_the_picture():
    assert output_size(32, 2, stride=2) == 16


def test_dilation_makes_the_window_reach_further():
    assert output_size(5, 3, dilation=2) == 1
    with pytest.raises(SizeError, match="a window of 7"):
        output_size(5, 3, dilation=3)


@pytest.mark.parametrize(
    ("length", "window", "how", "sentence"),
    [
        (7, 3, {"stride": 2}, "fits 3 times on 7 values"),
        (3, 3, {}, "fits 1 time on 3 values"),
        (7, 3, {"stride": 3}, "fits 2.33 times on 7 values: 2 places, the last 1 of 7 values are dropped"),
        (7, 3, {"stride": 3, "padding": (0, 1)}, "fits 2.67 times on 7 values: 2 places, the last 1 of 7 values are"),
        (4, 2, {"stride": 3, "padding": (1, 0)}, "fits 2 times on 4 values"),
        (6, 3, {"stride": 2, "padding": (1, 0)}, "fits 3 times on 6 values"),
        (6, 3, {"stride": 2, "padding": (1, 1)}, "fits 3.50 times on 6 values: 3 places, nothing is dropped"),
        (4, 3, {"stride": 2}, "fits 1.50 times on 4 values: 1 place, the last 1 of 4 values are dropped"),
        (7, 3, {"stride": 3, "ceil": True}, "fits 2.33 times on 7 values: 3 places, nothing is dropped"),
    ],
)
def test_a_fit_says_how_often_and_what_is_lost(length, window, how, sentence):
    assert str(fit(length, window, **how)).startswith(sentence)


@pytest.mark.parametrize(
    ("length", "window", "how", "complaint"),
    [
        (4, 5, {}, r"^a window of 5 does not fit on 4 values: enlarge the input$"),
        (
            1,
            4,
            {"padding": 1},
            r"^a window of 4 does not fit on 1 values with a padding of 1 and 1: enlarge the input$",
        ),
        (0, 1, {}, "a window of 1 does not fit on 0 values"),
        (0, 3, {"padding": "same"}, "does not fit on 0 values"),
        (2, 5, {"stride": 2, "ceil": True}, "a window of 5 does not fit on 2 values"),
        (4, 0, {}, r"^window 0, stride 1, dilation 1; expected 1 or more of each$"),
        (4, 2, {"stride": 0}, "stride 0"),
        (4, 2, {"dilation": -1}, "dilation -1"),
        (4, 2, {"padding": -1}, r"^a padding of -1 and -1; expected 0 or more$"),
        (4, 2, {"padding": (0, -2)}, "a padding of 0 and -2"),
    ],
)
def test_what_fits_nowhere_is_refused_with_what_came_and_what_to_do(length, window, how, complaint):
    with pytest.raises(SizeError, match=complaint):
        output_size(length, window, **how)


@pytest.mark.parametrize(
    ("length", "window", "how", "complaint"),
    [
        (2, 2, {"padding": 2}, r"^a padding of 2 leaves nothing of the 3 values that it cuts$"),
        (0, 2, {}, r"^length 0, window 2, stride 1, dilation 1; expected 1 or more of each$"),
        (2, 0, {}, "window 0"),
        (2, 2, {"stride": 0}, "stride 0"),
        (2, 2, {"padding": -1}, "a padding of -1 and of 0 for the output; expected 0 or more"),
        (2, 2, {"stride": 2, "output_padding": 2}, "less than 2, the larger of stride and dilation"),
    ],
)
def test_a_transposed_convolution_that_makes_nothing_is_refused(length, window, how, complaint):
    with pytest.raises(SizeError, match=complaint):
        transposed_output_size(length, window, **how)
