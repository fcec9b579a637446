"""Separable convolutions: the lecture's counts, and against the one convolution that does the same."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import striate
from striate.errors import SettingsError, SizeError
from striate.layers.separable import DepthwiseSeparableConv2d, SpatiallySeparableConv2d


def counted(layer):
    card = striate.describe(nn.Sequential(layer), 4, in_channels=2)
    return card.parameters, card.multiplies


def test_the_lectures_example_has_26_weights_for_72_and_416_multiplies_for_1152():
    assert counted(nn.Conv2d(2, 4, 3, padding=1, bias=False)) == (72, 1152)
    assert counted(DepthwiseSeparableConv2d(2, 4, 3, padding=1, bias=False)) == (26, 416)


def test_a_spatially_separable_one_has_two_short_kernels_for_each_pair_of_maps():
    assert counted(SpatiallySeparableConv2d(2, 4, 3, padding=1, bias=False)) == (72, 1152)  # rank 4: nothing saved
    assert counted(SpatiallySeparableConv2d(2, 4, 3, padding=1, bias=False, rank=1)) == (18, 288)


def test_sobel_is_a_column_times_a_row():
    layer = SpatiallySeparableConv2d(1, 1, 3, bias=False)
    with torch.no_grad():
        layer.vertical.weight.copy_(torch.tensor([1.0, 2.0, 1.0]).view(1, 1, 3, 1))
        layer.horizontal.weight.copy_(torch.tensor([1.0, 0.0, -1.0]).view(1, 1, 1, 3))
    sobel = torch.tensor([[[[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]]])
    maps = torch.randn(1, 1, 6, 6)
    torch.testing.assert_close(layer(maps), functional.conv2d(maps, sobel), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("how", [{}, {"stride": 2, "padding": 1}, {"stride": (1, 3), "padding": (2, 0)}])
def test_two_short_steps_are_one_convolution_by_their_product(how):
    torch.manual_seed(0)
    layer = SpatiallySeparableConv2d(3, 4, (3, 5), **how, rank=2)
    kernel = torch.einsum("rci,krj->kcij", layer.vertical.weight[..., 0], layer.horizontal.weight[..., 0, :])
    maps = torch.randn(2, 3, 9, 10)
    expected = functional.conv2d(maps, kernel, layer.horizontal.bias, **how)
    torch.testing.assert_close(layer(maps), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "how", [{}, {"stride": 2, "padding": 1}, {"stride": (1, 3), "padding": (4, 0), "dilation": (2, 1)}]
)
def test_places_before_channels_are_one_convolution_by_their_product(how):
    torch.manual_seed(0)
    layer = DepthwiseSeparableConv2d(3, 4, 3, **how)
    kernel = layer.pointwise.weight * layer.depthwise.weight.squeeze(1)  # (K, C, 1, 1) x (C, F, F)
    maps = torch.randn(2, 3, 9, 10)
    expected = functional.conv2d(maps, kernel, layer.pointwise.bias, **how)
    torch.testing.assert_close(layer(maps), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", [SpatiallySeparableConv2d, DepthwiseSeparableConv2d])
def test_only_the_second_step_has_biases(kind):
    assert [name for name, _ in kind(2, 4, 3).named_parameters() if "bias" in name] in (
        ["horizontal.bias"],
        ["pointwise.bias"],
    )
    assert not any("bias" in name for name, _ in kind(2, 4, 3, bias=False).named_parameters())


@pytest.mark.parametrize("kind", [SpatiallySeparableConv2d, DepthwiseSeparableConv2d])
@pytest.mark.parametrize(
    ("setting", "value"),
    [("in_channels", 0), ("out_channels", 0), ("kernel_size", (3, 0)), ("stride", 0), ("padding", -1)],
)
def test_settings_that_make_no_sense_are_refused_by_name(kind, setting, value):
    how = {"in_channels": 2, "out_channels": 4, "kernel_size": 3} | {setting: value}
    with pytest.raises(SettingsError, match=f"^{setting} is .*; expected a whole number from"):
        kind(**how)


def test_a_rank_and_a_dilation_under_one_are_refused_by_name():
    with pytest.raises(SettingsError, match=r"^rank is 0; expected a whole number from 1"):
        SpatiallySeparableConv2d(2, 4, 3, rank=0)
    with pytest.raises(SettingsError, match=r"^dilation is 0; expected a whole number from 1"):
        DepthwiseSeparableConv2d(2, 4, 3, dilation=0)


@pytest.mark.parametrize(
    ("layer", "shape", "least"),
    [
        (SpatiallySeparableConv2d(3, 4, 7), (1, 3, 4, 4), "7×7"),
        (SpatiallySeparableConv2d(3, 4, (5, 3), padding=(0, 1)), (1, 3, 4, 4), "5×1"),
        (DepthwiseSeparableConv2d(3, 4, 3), (1, 5, 8, 8), "3×3"),
        (DepthwiseSeparableConv2d(3, 4, 3, dilation=(2, 3), padding=(0, 1)), (1, 3, 4, 8), "5×5"),
    ],
)
def test_maps_that_do_not_fit_are_refused_with_what_does(layer, shape, least):
    with pytest.raises(SizeError) as refused:
        layer(torch.zeros(shape))
    wanted = f"(N, 3, H, W), or (3, H, W) of one image, of at least {least} values"
    assert str(refused.value) == f"maps are {shape}; expected {wanted}: resize them, or build the layer for them"
    height, width = map(int, least.split("×"))
    assert layer(torch.zeros(1, 3, height, width)).shape == (1, 4, 1, 1)
    with pytest.raises(SizeError):
        layer(torch.zeros(1, 3, height, width - 1))
