"""Upsampling: nearest, bilinear, nails, unpooling and up-convolution have torch's values and gradients."""

from math import prod

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.byhand import BedOfNails, Bilinear, MaxPooling, MaxUnpooling, Nearest, UpConvolution

AXES = pytest.mark.parametrize("axes", [1, 2, 3])
TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
MAX = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
UNPOOL = {1: functional.max_unpool1d, 2: functional.max_unpool2d, 3: functional.max_unpool3d}
few, scales = some.integers(1, 3), some.integers(1, 4)


def sizes(axes, most=4):
    return some.tuples(*[some.integers(1, most)] * axes)


@AXES
@settings(max_examples=60)
@given(some.data(), few, few, some.integers(0, 2))
def test_an_up_convolution_is_torchs_transposed_convolution(agree, axes, data, stride, dilation, padding):
    extra = data.draw(some.integers(0, max(stride, dilation) - 1))
    size, kernel = data.draw(sizes(axes)), data.draw(sizes(axes, 3))
    B, C, K, groups = (data.draw(few) for _ in range(4))
    for w, f in zip(size, kernel, strict=True):
        assume(stride * (w - 1) + dilation * (f - 1) + 1 + extra > 2 * padding)
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "output_padding": extra}
    shapes = (B, groups * C, *size), (groups * C, K, *kernel), (groups * K,)
    agree(
        UpConvolution(**how),
        lambda H, A, b=None: TRANSPOSED[axes](H, A, b, **how),
        *shapes[: data.draw(some.integers(2, 3))],
    )


@settings(max_examples=40)
@given(scales, few, few, sizes(2))
def test_the_nearest_neighbour_is_torchs(agree, scale, B, C, size):
    agree(Nearest(scale), lambda H: functional.interpolate(H, scale_factor=scale, mode="nearest"), (B, C, *size))


@settings(max_examples=40)
@given(scales, few, few, sizes(2))
def test_bilinear_interpolation_is_torchs_between_the_middles_of_cells(agree, scale, B, C, size):
    def reference(H):
        return functional.interpolate(H, scale_factor=scale, mode="bilinear", align_corners=False)

    agree(Bilinear(scale), reference, (B, C, *size))


@AXES
@settings(max_examples=30)
@given(some.data(), scales, few)
def test_a_bed_of_nails_is_an_up_convolution_with_a_single_one(agree, axes, data, scale, C):
    nail = torch.zeros(C, 1, *(scale,) * axes, dtype=torch.float64)
    nail[(..., *(0,) * axes)] = 1
    reference = lambda H: TRANSPOSED[axes](H, nail, stride=scale, groups=C)  # noqa: E731
    agree(BedOfNails(scale), reference, (2, C, *data.draw(sizes(axes))))


@AXES
@settings(max_examples=30)
@given(some.data(), few, few)
def test_unpooling_is_torchs_where_windows_do_not_overlap(agree, axes, data, window, C):
    shape = (2, C, *(window * n + data.draw(some.integers(0, window - 1)) for n in data.draw(sizes(axes))))
    pooling, H = MaxPooling(window), np.random.default_rng(shape).normal(size=shape)
    maxima = pooling.forward(H)
    _, indices = MAX[axes](torch.tensor(H), window, return_indices=True)
    agree(MaxUnpooling(pooling), lambda y: UNPOOL[axes](y, indices, window, output_size=shape[2:]), maxima.shape)


@AXES
@settings(max_examples=30)
@given(some.data(), few, few, few)
def test_values_that_meet_are_averaged_as_torchs_scatter_does(agree, axes, data, window, stride, C):
    shape = (2, C, *(window + n for n in data.draw(sizes(axes))))
    pooling, H = MaxPooling(window, stride), np.random.default_rng(shape).normal(size=shape)
    maxima = pooling.forward(H)
    _, indices = MAX[axes](torch.tensor(H), window, stride, return_indices=True)

    def reference(y):
        flat = torch.zeros(2, C, prod(shape[2:]), dtype=torch.float64)
        return flat.scatter_reduce(2, indices.flatten(2), y.flatten(2), "mean", include_self=False).reshape(shape)

    agree(MaxUnpooling(pooling), reference, maxima.shape)


@AXES
@settings(max_examples=30)
@given(some.data(), some.sampled_from([(2, 2), (3, 2), (3, 1)]))
def test_unpooled_maxima_come_back_to_their_places_and_elsewhere_is_zero(axes, data, how):
    shape = (2, 2, *(3 + n for n in data.draw(sizes(axes))))
    pooling, H = MaxPooling(*how), np.random.default_rng(shape).normal(size=shape)
    back = MaxUnpooling(pooling).forward(pooling.forward(H))
    _, indices = MAX[axes](torch.tensor(H), *how, return_indices=True)
    chosen = torch.zeros(2, 2, prod(shape[2:])).scatter(2, indices.flatten(2), 1.0).reshape(shape).numpy()
    np.testing.assert_allclose(back, H * chosen, rtol=1e-15)


def test_by_themselves_they_double_and_lay_the_kernel_down_at_every_place(agree):
    agree(Nearest(), lambda H: functional.interpolate(H, scale_factor=2, mode="nearest"), (1, 2, 3, 4))
    agree(Bilinear(), lambda H: functional.interpolate(H, scale_factor=2, mode="bilinear"), (1, 2, 3, 4))
    assert BedOfNails().forward(np.array([[[3, 4]]])).tolist() == [[[3, 0, 4, 0]]]
    agree(UpConvolution(), functional.conv_transpose2d, (1, 2, 3, 4), (2, 3, 2, 3))
