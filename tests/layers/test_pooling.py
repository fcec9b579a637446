"""L2 and min pooling: by hand, against torch, NumPy and OpenCV."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from torch import nn

from striate.errors import SettingsError, SizeError
from striate.layers.pooling import L2Pool2d, MinPool2d
from striate.layers.unpooling import SwitchPool2d

MAPS = torch.tensor([[[[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]])


def window_by_window(maps, pool, measure, outside):
    """`measure` of each window (C, F, F), of maps that are surrounded by `outside`."""
    (high, wide), (down, across), (rows, columns) = pool.kernel_size, pool.stride, pool.padding
    edges = ((0, 0), (0, 0), (rows, rows), (columns, columns))
    padded = np.pad(maps.numpy(), edges, constant_values=outside)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (high, wide), axis=(2, 3))
    return measure(windows[:, :, ::down, ::across])


windows, strides, lengths = some.integers(1, 4), some.integers(1, 3), some.integers(1, 8)


@some.composite
def pools(draw, kind):
    kernel_size = (draw(windows), draw(windows))
    padding = tuple(draw(some.integers(0, window // 2)) for window in kernel_size)
    return kind(kernel_size, (draw(strides), draw(strides)), padding)


def fits(pool, size):
    axes = zip(size, pool.kernel_size, pool.padding, strict=True)
    return all(length + 2 * pad >= window for length, window, pad in axes)


@settings(max_examples=50)
@given(pools(L2Pool2d), some.tuples(lengths, lengths))
def test_l2_pooling_is_the_length_of_each_window(pool, size):
    assume(fits(pool, size))
    maps = torch.randn(2, 3, *size)
    expected = window_by_window(maps, pool, lambda seen: np.sqrt((seen**2).sum((-2, -1))), 0)
    np.testing.assert_allclose(pool(maps).numpy(), expected, rtol=1e-4, atol=1e-6)


@settings(max_examples=50)
@given(pools(MinPool2d), some.tuples(lengths, lengths))
def test_min_pooling_is_the_smallest_of_each_window(pool, size):
    assume(fits(pool, size))
    maps = torch.randn(2, 3, *size)
    expected = window_by_window(maps, pool, lambda seen: seen.min((-2, -1)), np.inf)
    np.testing.assert_array_equal(pool(maps).numpy(), expected)


def test_two_by_two_windows_pooled_by_hand():
    assert MinPool2d(2)(MAPS).tolist() == [[[[1, 2], [1, 0]]]]
    squares = [[1 + 1 + 25 + 36, 4 + 16 + 49 + 64], [9 + 4 + 1 + 4, 1 + 0 + 9 + 16]]
    torch.testing.assert_close(L2Pool2d(2)(MAPS), torch.tensor([[squares]]).sqrt())


@pytest.mark.parametrize(("kernel_size", "stride"), [(2, None), (3, 2), ((3, 2), (1, 3))])
def test_l2_pooling_is_that_of_torch_where_torch_has_it(kernel_size, stride):
    torch.manual_seed(0)
    ours, theirs = torch.randn(2, 3, 9, 8).requires_grad_(), None
    theirs = ours.detach().clone().requires_grad_()
    made, expected = L2Pool2d(kernel_size, stride)(ours), nn.LPPool2d(2, kernel_size, stride)(theirs)
    torch.testing.assert_close(made, expected)
    made.cos().sum().backward()
    expected.cos().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_where_a_window_is_zero_all_over_the_gradient_is_zero():
    maps = torch.tensor([[[[0.0, 0.0, 3.0, 4.0]]]], requires_grad=True)
    L2Pool2d((1, 2))(maps).sum().backward()
    torch.testing.assert_close(maps.grad, torch.tensor([[[[0.0, 0.0, 0.6, 0.8]]]]))


def test_what_is_no_number_is_not_hidden():
    maps = torch.tensor([[[[np.nan, 1.0, 2.0, 2.0]]]])
    for pool in (L2Pool2d((1, 2)), MinPool2d((1, 2))):
        assert pool(maps).isnan().tolist() == [[[[True, False]]]]


def test_padding_never_is_the_smallest():
    maps = torch.full((1, 1, 3, 3), 7.0)
    assert torch.equal(MinPool2d(3, 1, 1)(maps), maps)


def test_padding_adds_nothing_to_the_length():
    maps = torch.full((1, 1, 2, 2), 3.0)
    torch.testing.assert_close(L2Pool2d(3, 1, 1)(maps), torch.full((1, 1, 2, 2), 6.0))


@pytest.mark.parametrize("number_format", [torch.uint8, torch.int8, torch.int32])
def test_min_pooling_of_whole_numbers_is_the_erosion_of_opencv(number_format):
    torch.manual_seed(0)
    picture = torch.randint(0, 128, (9, 10), dtype=number_format)
    picture[2, 3] = torch.iinfo(number_format).min
    made = MinPool2d(3, 1, 1)(picture[None, None])[0, 0]
    assert made.dtype is number_format
    as_floats = picture.numpy().astype(np.float64)
    np.testing.assert_array_equal(made.numpy(), cv2.erode(as_floats, np.ones((3, 3))))


@pytest.mark.parametrize(
    ("kind", "number_format", "kinds"),
    [
        (L2Pool2d, torch.int64, "floating point numbers"),
        (MinPool2d, torch.bool, "floating point or whole numbers"),
        (SwitchPool2d, torch.bool, "floating point or whole numbers"),
    ],
)
def test_numbers_that_a_pooling_cannot_take_are_refused(kind, number_format, kinds):
    with pytest.raises(SettingsError, match=f"^the input is of {number_format}; expected {kinds}: convert it first"):
        kind(2)(torch.ones(1, 1, 4, 4, dtype=number_format))


def test_squares_of_half_precision_are_lost_where_the_docstring_says():
    for value, length in ((255.0, 255.0), (257.0, np.inf), (0.00018, 0.00024), (0.00017, 0.0)):
        made = L2Pool2d(1)(torch.full((1, 1, 1, 1), value, dtype=torch.float16))
        assert made.item() == pytest.approx(length, rel=0.02)


def test_one_image_may_come_without_a_batch():
    maps = torch.arange(16.0).view(1, 4, 4)
    for pool in (L2Pool2d(2), MinPool2d(2)):
        torch.testing.assert_close(pool(maps), pool(maps[None])[0])


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"kernel_size": 0}, r"^kernel_size is 0; expected a whole number from 1 to 100,000, or two of"),
        ({"kernel_size": 3, "stride": (2, 0)}, r"^stride is \(2, 0\); expected"),
        ({"kernel_size": 3, "padding": -1}, r"^padding is -1; expected a whole number from 0 to 100,000"),
        ({"kernel_size": 3, "padding": 2}, r"^padding is \(2, 2\) for a window of \(3, 3\); expected at most half"),
    ],
)
def test_windows_that_make_no_sense_are_refused(how, complaint):
    with pytest.raises(SettingsError, match=complaint):
        MinPool2d(**how)


@pytest.mark.parametrize("shape", [(1, 1, 2, 8), (1, 8, 0), (4, 4), (1, 1, 8, 8, 8)])
@pytest.mark.parametrize("kind", [L2Pool2d, MinPool2d, SwitchPool2d])
def test_maps_on_which_a_window_fits_nowhere_are_refused(kind, shape):
    with pytest.raises(SizeError) as refused:
        kind((4, 3), padding=(0, 1))(torch.zeros(shape))
    wanted = "(N, C, H, W), or (C, H, W) of one image, of at least 4×1 values: resize them, or build the layer for them"
    assert str(refused.value) == f"maps are {shape}; expected {wanted}"


def test_a_map_without_values_is_refused_even_where_padding_makes_room():
    with pytest.raises(SizeError, match=r"^maps are \(1, 1, 0, 4\); .* of at least 1×1 values"):
        MinPool2d(2, padding=1)(torch.zeros(1, 1, 0, 4))
