"""The locally connected layer: place by place in loops, against a convolution, and against the arithmetic."""

from itertools import product

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from torch import nn
from torch.nn import functional

import striate
from striate.arithmetic.counts import locally_connected_parameters
from striate.errors import SettingsError, SizeError
from striate.layers.locally_connected import LocallyConnected2d


def place_by_place(layer, maps):
    """The formula, one value after the other, on maps that are padded by hand."""
    (rows, columns), (down, across), (high, wide) = layer.padding, layer.stride, layer.kernel_size
    padded = torch.zeros(*maps.shape[:2], maps.shape[2] + 2 * rows, maps.shape[3] + 2 * columns)
    padded[:, :, rows : rows + maps.shape[2], columns : columns + maps.shape[3]] = maps
    height, width, channels = layer.weight.shape[:3]
    made = torch.zeros(len(maps), channels, height, width)
    for n, k, h, w in product(range(len(maps)), range(channels), range(height), range(width)):
        seen = padded[n, :, h * down : h * down + high, w * across : w * across + wide]
        made[n, k, h, w] = (layer.weight[h, w, k] * seen).sum() + (0 if layer.bias is None else layer.bias[k, h, w])
    return made


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("size", "kernel_size", "stride", "padding"),
    [(6, 3, 1, 0), ((5, 7), (2, 3), (2, 1), (1, 2)), ((4, 3), (4, 3), 1, 0)],
)
def test_each_place_has_its_own_weights(size, kernel_size, stride, padding, bias):
    torch.manual_seed(0)
    layer = LocallyConnected2d(2, 3, size, kernel_size, stride=stride, padding=padding, bias=bias)
    maps = torch.randn(2, 2, *layer.size)
    torch.testing.assert_close(layer(maps), place_by_place(layer, maps))


sides = some.integers(1, 7)
pairs = some.tuples(sides, sides)


@settings(max_examples=40)
@given(pairs, pairs, some.tuples(*[some.integers(1, 3)] * 2), some.tuples(*[some.integers(0, 2)] * 2))
def test_with_the_same_weights_everywhere_it_is_a_convolution(size, kernel_size, stride, padding):
    assume(all(length + 2 * pad >= window for length, window, pad in zip(size, kernel_size, padding, strict=True)))
    layer = LocallyConnected2d(2, 3, size, kernel_size, stride=stride, padding=padding)
    kernel, bias = torch.randn(3, 2, *kernel_size), torch.randn(3)
    with torch.no_grad():
        layer.weight.copy_(kernel.expand_as(layer.weight))
        layer.bias.copy_(bias[:, None, None].expand_as(layer.bias))
    maps = torch.randn(2, 2, *size)
    expected = functional.conv2d(maps, kernel, bias, stride, padding)
    torch.testing.assert_close(layer(maps), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_it_has_as_many_parameters_as_the_arithmetic_says(bias):
    with torch.device("meta"):
        layer = LocallyConnected2d(3, 8, (32, 20), (5, 3), stride=(3, 1), padding=(0, 1), bias=bias)
    expected = locally_connected_parameters(3, 8, (5, 3), (10, 20), biases=bias)
    assert sum(parameter.numel() for parameter in layer.parameters()) == expected


def test_it_takes_as_many_multiplies_as_a_convolution():
    layer, peer = LocallyConnected2d(3, 8, (9, 10), 3, stride=2, padding=1), nn.Conv2d(3, 8, 3, 2, 1)
    multiplies = [striate.describe(nn.Sequential(own), (9, 10)).multiplies for own in (layer, peer)]
    assert multiplies == [5 * 5 * 8 * 3 * 3 * 3] * 2


def test_forty_thousand_hidden_units_on_10x10_pixels_each_have_four_million_weights():
    with torch.device("meta"):
        layer = LocallyConnected2d(1, 1, (209, 209), 10, bias=False)
    assert layer.weight.shape[:2] == (200, 200)
    assert layer.weight.numel() == 4_000_000


def test_it_starts_as_a_convolution_of_torch_does():
    torch.manual_seed(0)
    layer, peer = LocallyConnected2d(4, 8, 30, 5), nn.Conv2d(4, 512, 5)
    for own, theirs in ((layer.weight, peer.weight), (layer.bias, peer.bias)):
        assert own.abs().max().item() == pytest.approx(theirs.abs().max().item(), rel=0.02)
        assert own.std().item() == pytest.approx(theirs.std().item(), rel=0.1)


def test_it_is_not_equivariant_to_translation():
    torch.manual_seed(0)
    layer, maps = LocallyConnected2d(1, 1, 8, 3, bias=False), torch.zeros(1, 1, 8, 8)
    maps[..., 3, 3] = 1
    moved = layer(maps.roll(1, -1))
    assert not torch.allclose(moved, layer(maps).roll(1, -1))


@pytest.mark.parametrize("shape", [(1, 3, 8, 7), (1, 2, 8, 8), (8, 8), (8,), (1, 1, 3, 8, 8)])
def test_maps_that_its_places_do_not_fit_are_refused_with_what_it_takes(shape):
    layer = LocallyConnected2d(3, 4, 8, 3)
    with pytest.raises(SizeError) as refused:
        layer(torch.zeros(shape))
    assert str(refused.value).startswith(f"maps are {shape}; a layer with weights for each place of (N, 3, 8, 8) takes")


def test_one_image_may_come_without_a_batch():
    torch.manual_seed(0)
    layer, maps = LocallyConnected2d(2, 3, (5, 4), 3, stride=(2, 1), padding=1), torch.randn(2, 2, 5, 4)
    torch.testing.assert_close(layer(maps[1]), layer(maps)[1])


def test_more_weights_than_any_memory_has_are_refused_with_their_count():
    with pytest.raises(
        SettingsError, match=r"^998 × 998 × 100000 × 100000 × 3 × 3 weights; expected at most 10,000,000"
    ):
        LocallyConnected2d(100_000, 100_000, 1000, 3)


def test_a_window_that_does_not_fit_is_refused():
    with pytest.raises(SizeError, match=r"^a window of 5 does not fit on 4 values: enlarge the input$"):
        LocallyConnected2d(1, 1, 4, 5)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("in_channels", 0), ("out_channels", -1), ("size", 0), ("kernel_size", 2.5), ("stride", (0, 1)), ("padding", -1)],
)
def test_settings_that_make_no_sense_are_refused_by_name(setting, value):
    how = {"in_channels": 1, "out_channels": 1, "size": 4, "kernel_size": 2} | {setting: value}
    with pytest.raises(SettingsError, match=f"^{setting} is "):
        LocallyConnected2d(**how)
