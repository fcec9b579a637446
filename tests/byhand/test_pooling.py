"""Pooling on lines, images and volumes: every value and gradient is torch's."""

from math import inf

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.byhand import AveragePooling, GlobalAveragePooling, L2Pooling, MaxPooling, MinPooling

AXES = pytest.mark.parametrize("axes", [1, 2, 3])
MAX = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
AVERAGE = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
LENGTH = {
    1: lambda H, power, kernel, stride: functional.lp_pool1d(H, power, kernel[0], stride and stride[0]),
    2: functional.lp_pool2d,
    3: functional.lp_pool3d,
}


@some.composite
def windows(draw, axes):
    """A window, its stride or none, its padding, and the shape of maps on which it fits."""

    def each(numbers):
        return draw(some.tuples(*[numbers] * axes))

    kernel, stride = each(some.integers(1, 3)), draw(some.none() | some.just(each(some.integers(1, 3))))
    padding = tuple((draw(some.integers(0, f - 1)), draw(some.integers(0, f - 1))) for f in kernel)
    size = tuple(
        max(1, f - sum(p)) + more for f, p, more in zip(kernel, padding, each(some.integers(0, 4)), strict=True)
    )
    return kernel, stride, padding, (draw(some.integers(1, 2)), draw(some.integers(1, 3)), *size)


def padded(H, padding, outside=0.0):
    return functional.pad(H, [end for pair in reversed(padding) for end in pair], value=outside)


@AXES
@settings(max_examples=40)
@given(some.data())
def test_the_maximum_is_torchs(agree, axes, data):
    kernel, stride, padding, shape = data.draw(windows(axes))
    agree(MaxPooling(kernel, stride, padding), lambda H: MAX[axes](padded(H, padding, -inf), kernel, stride), shape)


@AXES
@settings(max_examples=30)
@given(some.data())
def test_of_several_maxima_the_first_has_the_gradient_as_in_torch(agree, axes, data):
    kernel, stride, padding, shape = data.draw(windows(axes))
    few = np.random.default_rng(shape).integers(0, 3, shape).astype(float)
    agree(MaxPooling(kernel, stride, padding), lambda H: MAX[axes](padded(H, padding, -inf), kernel, stride), few)


@AXES
@settings(max_examples=30)
@given(some.data())
def test_the_switches_are_torchs_indices(axes, data):
    kernel, stride, padding, shape = data.draw(windows(axes))
    padding = tuple(min(before, f // 2) for f, (before, _) in zip(kernel, padding, strict=True))  # what torch takes
    H = np.random.default_rng(shape).normal(size=[max(w, 3) for w in shape])
    pooling = MaxPooling(kernel, stride, padding)
    pooling.forward(H)
    _, indices = MAX[axes](torch.tensor(H), kernel, stride, padding, return_indices=True)
    np.testing.assert_array_equal(pooling.switches(), indices)


@AXES
@settings(max_examples=30)
@given(some.data())
def test_the_minimum_is_the_opposite_of_the_maximum_of_opposites(agree, axes, data):
    kernel, stride, padding, shape = data.draw(windows(axes))
    agree(MinPooling(kernel, stride, padding), lambda H: -MAX[axes](padded(-H, padding, -inf), kernel, stride), shape)


@AXES
@settings(max_examples=40)
@given(some.data())
def test_the_average_is_torchs_and_counts_the_zeros_of_the_padding(agree, axes, data):
    kernel, stride, padding, shape = data.draw(windows(axes))
    agree(AveragePooling(kernel, stride, padding), lambda H: AVERAGE[axes](padded(H, padding), kernel, stride), shape)


@AXES
@settings(max_examples=40)
@given(some.data())
def test_the_length_is_torchs_of_power_2(agree, axes, data):
    kernel, stride, padding, shape = data.draw(windows(axes))
    agree(L2Pooling(kernel, stride, padding), lambda H: LENGTH[axes](padded(H, padding), 2.0, kernel, stride), shape)


def test_the_length_of_nothing_is_zero_and_so_is_its_gradient():
    pooling = L2Pooling(2)
    assert pooling.forward(np.zeros((1, 1, 4))).tolist() == [[[0, 0]]]
    assert pooling.backward(np.ones((1, 1, 2)))[0].tolist() == [[[0, 0, 0, 0]]]


@AXES
@settings(max_examples=20)
@given(some.data())
def test_the_average_over_all_places_is_torchs_mean(agree, axes, data):
    *_, shape = data.draw(windows(axes))
    agree(GlobalAveragePooling(), lambda H: H.mean(dim=tuple(range(2, 2 + axes))), shape)
