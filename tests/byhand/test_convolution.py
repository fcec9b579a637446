"""Convolution and its kin on lines, images and volumes: every value and gradient is torch's, at any stride and edge."""

from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.byhand import Convolution, ConvolutionByColumns, DepthwiseConvolution, LocallyConnected

CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
BOTH = pytest.mark.parametrize("kind", [Convolution, ConvolutionByColumns])
AXES = pytest.mark.parametrize("axes", [1, 2, 3])


@some.composite
def slides(draw, axes):
    """How a window slides, its kernel, and a size of maps on which it fits."""

    def each(least, most):
        return draw(some.tuples(*[some.integers(least, most)] * axes))

    kernel, stride, dilation = each(1, 3), each(1, 3), each(1, 3)
    padding = tuple(zip(each(0, 2), each(0, 2), strict=True))
    ends = zip(kernel, dilation, padding, each(0, 3), strict=True)
    size = tuple(max(1, d * (f - 1) + 1 - sum(p)) + more for f, d, p, more in ends)
    return {"stride": stride, "padding": padding, "dilation": dilation}, kernel, size


@some.composite
def layers(draw, axes):
    """Options of a convolution, and the shapes of H, A and, or not, b."""
    how, kernel, size = draw(slides(axes))
    B, C, K, groups = (draw(some.integers(1, 3)) for _ in range(4))
    shapes = (B, groups * C, *size), (groups * K, C, *kernel), (groups * K,)
    return how | {"groups": groups}, shapes[: draw(some.integers(2, 3))]


def padded(H, padding):
    """Before torch's convolution, which pads both ends alike."""
    return functional.pad(H, [end for pair in reversed(padding) for end in pair])


def by_torch(*, padding=((0, 0),) * 3, **how):
    return lambda H, A, b=None: CONVOLVE[H.ndim - 2](padded(H, padding[: H.ndim - 2]), A, b, **how)


@BOTH
@AXES
@settings(max_examples=80)
@given(some.data())
def test_a_convolution_has_the_values_and_gradients_of_torch(agree, kind, axes, data):
    how, shapes = data.draw(layers(axes))
    agree(kind(**how), by_torch(**how), *shapes)


@pytest.mark.slow
@BOTH
@AXES
@settings(max_examples=2000)
@given(some.data())
def test_a_convolution_has_the_values_and_gradients_of_torch_in_thousands_of_cases(agree, kind, axes, data):
    how, shapes = data.draw(layers(axes))
    agree(kind(**how), by_torch(**how), *shapes)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # torch tells us that it will copy
@BOTH
@AXES
@settings(max_examples=30)
@given(some.data(), some.integers(1, 4), some.integers(1, 2))
def test_same_padding_has_the_values_and_gradients_of_torch(agree, kind, axes, data, window, dilation):
    size = data.draw(some.tuples(*[some.integers(1, 6)] * axes))
    how = {"padding": "same", "dilation": dilation}
    agree(kind(**how), lambda H, A: CONVOLVE[axes](H, A, **how), (2, 2, *size), (1, 2, *(window,) * axes))


@BOTH
@settings(max_examples=30)
@given(some.integers(1, 3), some.integers(0, 2), some.integers(1, 2))
def test_one_number_stands_for_every_axis(agree, kind, stride, padding, dilation):
    how = {"stride": stride, "padding": padding, "dilation": dilation}
    agree(kind(**how), lambda H, A: functional.conv2d(H, A, **how), (2, 3, 7, 6), (2, 3, 3, 2))


@BOTH
def test_lists_are_as_good_as_tuples(agree, kind):
    reference = by_torch(stride=(2, 1), padding=((1, 0), (2, 2)), dilation=(1, 2))
    agree(kind(stride=[2, 1], padding=[[1, 0], 2], dilation=[1, 2]), reference, (2, 3, 7, 6), (2, 3, 3, 2))


@AXES
@settings(max_examples=40)
@given(some.data())
def test_the_sum_as_it_stands_and_the_matrix_product_make_the_same_whole_numbers(axes, data):
    how, shapes = data.draw(layers(axes))
    random = np.random.default_rng(shapes[0])
    inputs = [random.integers(-9, 10, shape) for shape in shapes]
    one, other = Convolution(**how), ConvolutionByColumns(**how)
    y = one.forward(*inputs)
    assert (y == other.forward(*inputs)).all()
    dy = random.integers(-9, 10, y.shape)
    for ours, theirs in zip(one.backward(dy), other.backward(dy), strict=True):
        assert (ours == theirs).all()


@AXES
@settings(max_examples=40)
@given(some.data())
def test_a_depthwise_convolution_is_torchs_with_a_group_for_each_channel(agree, axes, data):
    how, kernel, size = data.draw(slides(axes))
    C = data.draw(some.integers(1, 4))
    reference = by_torch(**how, groups=C)
    shapes = ((2, C, *size), (C, *kernel), (C,))
    agree(DepthwiseConvolution(**how), lambda H, A, b: reference(H, A[:, None], b), *shapes)


def unfolded(H, kernel, *, padding, stride):
    """V (B, C, places …, offsets …)."""
    V = padded(H, padding)
    for axis, (window, step) in enumerate(zip(kernel, stride, strict=True)):
        V = V.unfold(2 + axis, window, step)
    return V


@AXES
@settings(max_examples=40)
@given(some.data())
def test_a_locally_connected_layer_is_torchs_unfold_and_a_sum_at_each_place(agree, axes, data):
    how, kernel, size = data.draw(slides(axes))
    del how["dilation"]
    C, K = data.draw(some.integers(1, 3)), data.draw(some.integers(1, 3))
    places = unfolded(torch.empty(1, 1, *size), kernel, **how).shape[2 : 2 + axes]

    def reference(H, A, b=0):
        V, weights = (T.reshape(*T.shape[:2], prod(places), prod(kernel)) for T in (unfolded(H, kernel, **how), A))
        return torch.einsum("bcxd,kcxd->bkx", V, weights).reshape(2, K, *places) + b

    shapes = (2, C, *size), (K, C, *places, *kernel), (K, *places)
    agree(LocallyConnected(**how), reference, *shapes[: data.draw(some.integers(2, 3))])


def test_by_themselves_they_see_every_place_and_nothing_beyond(agree):
    agree(Convolution(), functional.conv2d, (1, 4, 5, 6), (3, 4, 2, 3))
    agree(ConvolutionByColumns(), functional.conv2d, (1, 4, 5, 6), (3, 4, 2, 3))
    agree(DepthwiseConvolution(), lambda H, A: functional.conv2d(H, A[:, None], groups=4), (1, 4, 5, 6), (4, 2, 3))
    agree(LocallyConnected(), lambda H, A: torch.einsum("bcx,kcxd->bkx", H, A), (2, 3, 4), (2, 3, 4, 1))
