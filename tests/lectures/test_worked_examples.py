"""The numbers that the lecture decks work out on small pictures, by the layers by hand.

D0 to D4 are the decks as docs/errata.md names them; E7 and E14 are its rows. Sizes and counts are in test_numbers.py.
"""

import numpy as np
import pytest
from torch import nn

import striate
from striate.byhand import (
    Convolution,
    ConvolutionByColumns,
    DepthwiseConvolution,
    Flatten,
    Linear,
    MaxPooling,
    im2col,
    window_over,
)
from striate.layers import DepthwiseSeparableConv2d

KINDS = pytest.mark.parametrize("kind", [Convolution, ConvolutionByColumns])
HALVES = np.array([[10, 10, 10, 0, 0, 0]] * 6)
EDGE = np.array([[1, 0, -1]] * 3)
SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])


def filtered(kind, picture, *kernels, **how):
    """Maps (K, …), one for each kernel, of one grey picture."""
    return kind(**how).forward(picture[None, None], np.stack(kernels)[:, None])[0]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# ---- Convolution on grey pictures


@KINDS
@pytest.mark.parametrize(("kernel", "height"), [(EDGE, 30), (SOBEL, 40)])
def test_a_filter_for_vertical_edges_finds_the_one_between_the_halves(kind, kernel, height):  # D1; E7: four rows
    assert filtered(kind, HALVES, kernel)[0].tolist() == [[0, height, height, 0]] * 4
    assert filtered(kind, HALVES[:, ::-1], kernel)[0].tolist() == [[0, -height, -height, 0]] * 4


@KINDS
def test_of_three_filters_each_answers_to_its_own_lines(kind):  # D1, "Concrete example"; E14: both kernels are Sobel's
    vertical, horizontal, blurred = filtered(kind, HALVES, SOBEL, SOBEL.T, np.ones((3, 3), int))
    assert vertical.tolist() == [[0, 40, 40, 0]] * 4
    assert not horizontal.any()
    assert blurred.tolist() == [[90, 60, 30, 0]] * 4
    vertical, horizontal, _ = filtered(kind, HALVES.T, SOBEL, SOBEL.T, np.ones((3, 3), int))
    assert not vertical.any()
    assert horizontal.T.tolist() == [[0, 40, 40, 0]] * 4


CROSS = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
BITS = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]])


@KINDS
def test_the_first_value_of_conv_example_1_is_4_and_the_others_are_counted_by_hand(kind):  # D1
    valid = filtered(kind, BITS, CROSS)[0]
    assert valid.tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
    same = filtered(kind, BITS, CROSS, padding=1)[0]  # D1, example 2
    assert same.shape == (5, 5)
    assert (same[1:-1, 1:-1] == valid).all()


@KINDS
def test_four_places_of_a_kernel_with_bias_1_give_5_1_minus_1_minus_2(kind):
    # D2's picture is not in its text; kernel and values are those that its four sums ask for, read in rows.
    # The value at the upper right meets a weight of 0 alone.
    kernel, picture = np.array([[2, 0], [-1, 1]]), np.array([[1, 0, 7], [-2, 0, 0], [0, 2, -1]])
    made = kind().forward(picture[None, None], kernel[None, None], np.array([1]))[0, 0]
    sums = [[2 * 1 + (-1) * (-2) + 1, 0 + 1], [2 * (-2) + 1 * 2 + 1, (-1) * 2 + 1 * (-1) + 1]]
    assert made.tolist() == sums == [[5, 1], [-1, -2]]


@KINDS
def test_indices_of_kernel_and_picture_grow_together(kind):  # D2's sum over (0, 0), (0, 1), (1, 0), (1, 1)
    A, H = np.array([[1, 10], [100, 1000]]), np.arange(9).reshape(3, 3)
    made = filtered(kind, H, A)[0]
    for x in np.ndindex(2, 2):
        assert made[x] == sum(A[dx] * H[x[0] + dx[0], x[1] + dx[1]] for dx in np.ndindex(2, 2))


# ---- Convolution over channels


@KINDS
def test_three_filters_on_two_channels_make_the_three_maps_of_example_2(kind):  # D1; E14: the third filter is Sobel's
    dot = np.pad([[1]], 2)
    middle = np.pad([[1]], 1)
    filters = np.array([[0.5 * middle, 0.5 * middle], [middle, -middle], [SOBEL, SOBEL.T]])
    maps = kind().forward(np.stack([np.ones((5, 5)), dot])[None], filters)[0]
    assert maps[0].tolist() == [[0.5, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 0.5]]
    assert maps[1].tolist() == [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
    assert maps[2].tolist() == [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]


RED = [[156, 155, 156], [153, 154, 157], [149, 151, 155]]
GREEN = [[167, 166, 167], [164, 165, 168], [160, 162, 166]]
BLUE = [[163, 162, 163], [160, 161, 164], [156, 158, 162]]
RGB = np.array([RED, GREEN, BLUE])
KERNEL = np.array(
    [[[-1, -1, 1], [0, 1, -1], [0, 1, 1]], [[1, 0, 0], [1, -1, -1], [1, 0, -1]], [[0, 1, 1], [0, 1, 0], [1, -1, 1]]]
)


@KINDS
def test_the_corner_of_the_colour_picture_is_308_minus_498_plus_164_plus_1(kind):  # D1, example 4: padding 1
    each = DepthwiseConvolution(padding=1).forward(RGB[None], KERNEL)
    assert each[0, :, 0, 0].tolist() == [308, -498, 164]
    made = kind(padding=1).forward(RGB[None], KERNEL[None], np.array([1]))
    assert made[0, 0, 0, 0] == -25 == 308 - 498 + 164 + 1


def test_the_columns_of_alexnets_first_layer_are_363_by_3025_and_its_maps_55_by_55_by_96():  # D0
    H, A, b = normal(1, 3, 227, 227), normal(96, 3, 11, 11), normal(96)
    layer = ConvolutionByColumns(stride=4)
    X_col = im2col(H, window_over((227, 227), 11, stride=4))
    assert X_col.shape == (1, 363, 3025)
    product = A.reshape(96, 363) @ X_col[0] + b[:, None]
    y = layer.forward(H, A, b)
    assert y.shape == (1, 96, 55, 55)
    np.testing.assert_allclose(y[0], product.reshape(96, 55, 55))
    dO = normal(*y.shape)
    dH, dA, db = layer.backward(dO)
    np.testing.assert_allclose(dA.reshape(96, 363), dO.reshape(96, 3025) @ X_col[0].T)  # ∂L/∂W = Σ_p ∂L/∂s_p x_pᵀ
    np.testing.assert_allclose(db, dO.reshape(96, 3025) @ np.ones(3025))
    assert dH.shape == (1, 3, 227, 227)


@KINDS
@pytest.mark.parametrize(("stride", "padding", "places"), [(1, 0, 5), (2, 0, 3), (1, 1, 7), (3, 1, 3)])
def test_a_window_of_3_has_its_places_on_7_by_7(kind, stride, padding, places):  # D0, D1, D3, D4
    layer = kind(stride=stride, padding=padding)
    y = layer.forward(np.ones((1, 1, 7, 7)), np.ones((1, 1, 3, 3)))
    assert y.shape[2:] == (places, places)
    assert layer.backward(np.ones_like(y))[0].all()  # every value is seen


@KINDS
def test_at_stride_3_it_does_not_fit_and_the_right_and_the_bottom_are_never_seen(kind):  # D1
    layer = kind(stride=3)
    y = layer.forward(np.ones((1, 1, 7, 7)), np.ones((1, 1, 3, 3)))
    assert y.shape[2:] == (2, 2)
    seen = layer.backward(np.ones_like(y))[0][0, 0]
    assert seen[:6, :6].all()
    assert not seen[6].any()
    assert not seen[:, 6].any()


@KINDS
@pytest.mark.parametrize(("windows", "field"), [((5, 5), 9), ((3, 3, 3), 7), ((3, 3), 5)])
def test_what_one_value_depends_on_is_its_receptive_field(kind, windows, field):  # D0, D1: 5 + 5 - 1 = 9
    layers = [kind(padding=window // 2) for window in windows]
    y = np.ones((1, 1, 15, 15))
    for layer, window in zip(layers, windows, strict=True):
        y = layer.forward(y, np.ones((1, 1, window, window)))
    gradient = np.zeros_like(y)
    gradient[0, 0, 7, 7] = 1
    for layer in reversed(layers):
        gradient = layer.backward(gradient)[0]
    rows, columns = np.nonzero(gradient[0, 0])
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == field
    assert len(rows) == field**2


@pytest.mark.parametrize(
    ("layer", "weights", "multiplies"),
    [(nn.Conv2d(2, 4, 3, bias=False), 72, 1152), (DepthwiseSeparableConv2d(2, 4, 3, bias=False), 26, 416)],
)
def test_a_separable_convolution_has_26_weights_for_72_on_6_by_6_by_2(layer, weights, multiplies):  # D1
    card = striate.describe(nn.Sequential(layer), 6, in_channels=2)
    assert (card.parameters, card.multiplies, card.rows[-1].output) == (weights, multiplies, (4, 4, 4))


def test_lenets_c5_is_a_fully_connected_layer_on_400_numbers():  # D1
    H, A, b = normal(2, 16, 5, 5), normal(120, 16, 5, 5), normal(120)
    flat = Linear().forward(Flatten().forward(H), A.reshape(120, 400), b)
    np.testing.assert_allclose(Convolution().forward(H, A, b)[..., 0, 0], flat)


# ---- Pooling


def test_the_largest_of_two_by_two_are_6_8_3_4():  # D0, D3, D4
    picture = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])
    assert MaxPooling(2, 2).forward(picture[None, None])[0, 0].tolist() == [[6, 8], [3, 4]]


def test_the_largest_of_three_by_three_at_stride_2_are_8_7_8_9():  # D3
    picture = np.array([[1, 3, 2, 7, 2], [5, 1, 3, 0, 5], [4, 8, 5, 0, 6], [3, 2, 6, 0, 8], [0, 7, 4, 6, 9]])
    assert MaxPooling(3, 2).forward(picture[None, None])[0, 0].tolist() == [[8, 7], [8, 9]]
