"""Unpooling: by hand, in loops, against torch where windows do not overlap; and the maxima come back."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as some
from torch import nn

from striate.errors import SettingsError, SizeError
from striate.layers.unpooling import BedOfNails, Switches, SwitchPool2d, SwitchUnpool2d

MAPS = torch.tensor([[[[1.0, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]]])


@given(some.integers(1, 4), some.integers(1, 4), some.integers(1, 4))
def test_nails_stand_in_the_upper_left_of_their_cells(scale, height, width):
    maps = torch.randn(2, 3, height, width)
    expected = np.zeros((2, 3, height * scale, width * scale), np.float32)
    for row, column in product(range(height), range(width)):
        expected[:, :, row * scale, column * scale] = maps[:, :, row, column]
    for layout in (torch.contiguous_format, torch.channels_last):
        np.testing.assert_array_equal(BedOfNails(scale)(maps.contiguous(memory_format=layout)), expected)
    np.testing.assert_array_equal(BedOfNails(scale)(maps[0]), expected[0])


def test_a_bed_of_nails_by_hand():
    made = BedOfNails(2)(torch.tensor([[[[1.0, 2.0], [3.0, float("inf")]]]]))
    assert made[0, 0].tolist() == [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, float("inf"), 0], [0, 0, 0, 0]]


def test_maxima_go_back_to_where_they_were():
    pooled, switches = SwitchPool2d(2)(MAPS)
    assert pooled.tolist() == [[[[5, 6], [7, 8]]]]
    assert switches.indices.tolist() == [[[[5, 2], [12, 15]]]]
    assert switches.size == (4, 4)
    decoded = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    made = SwitchUnpool2d()(decoded, switches)
    assert made.tolist() == [[[[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]]]


@pytest.mark.parametrize(
    ("window", "stride", "overlap"), [(2, None, False), (3, 2, True), (2, 3, False), ((2, 3), (2, 2), True)]
)
def test_windows_wider_than_their_steps_overlap(window, stride, overlap):
    _, switches = SwitchPool2d(window, stride)(torch.zeros(1, 1, 6, 6))
    assert switches.overlap is overlap


windows = some.tuples(some.integers(1, 4), some.integers(1, 4))
lengths = some.tuples(some.integers(4, 9), some.integers(4, 9))
seeds = some.integers(0, 1000)


@settings(max_examples=50)
@given(windows, lengths, seeds)
def test_windows_that_do_not_overlap_give_what_torch_gives(window, size, seed):
    maps = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(seed))
    pooled, switches = SwitchPool2d(window)(maps)
    expected, indices = nn.MaxPool2d(window, return_indices=True)(maps)
    assert torch.equal(pooled, expected)
    assert torch.equal(switches.indices, indices)
    restored = nn.MaxUnpool2d(window)(pooled, indices, output_size=size)
    assert torch.equal(SwitchUnpool2d()(*SwitchPool2d(window)(maps)), restored)


@settings(max_examples=50)
@given(some.integers(1, 4), some.integers(1, 3), some.integers(0, 2), lengths, seeds)
def test_unpooling_restores_each_maximum_in_its_place_to_the_bit(window, stride, padding, size, seed):
    maps = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(seed))
    pooled, switches = SwitchPool2d(window, stride, min(padding, window // 2))(maps)
    restored = SwitchUnpool2d()(pooled, switches)
    chosen = torch.zeros_like(maps, dtype=torch.bool).flatten(2)
    chosen.scatter_(2, switches.indices.flatten(2), True)
    chosen = chosen.view_as(maps)
    assert torch.equal(restored[chosen], maps[chosen])
    assert not restored[~chosen].any()


@given(some.floats(width=32), some.integers(1, 9))
@example(15609845.0, 3)  # a third of it, thrice, is 1 less
@example(11184814.0, 3)  # a third of three of it is 1 less
def test_equal_values_for_one_place_come_back_as_they_are(value, windows):
    switches = Switches(torch.zeros(1, 1, 1, windows, dtype=torch.int64), (1, 1))
    made = SwitchUnpool2d()(torch.full((1, 1, 1, windows), value), switches)
    np.testing.assert_array_equal(made.item(), value)


@pytest.mark.parametrize("windows", range(1, 5))
def test_equal_values_do_so_in_small_formats_too(windows):
    values = torch.arange(2**14, dtype=torch.int16).view(torch.bfloat16)  # those from 0 to 2
    switches = Switches(torch.zeros(1, 2**14, 1, windows, dtype=torch.int64), (1, 1))
    made = SwitchUnpool2d()(values.view(1, -1, 1, 1).expand(-1, -1, 1, windows), switches)
    assert torch.equal(made.flatten(), values)


def test_values_that_meet_are_written_as_their_mean_and_share_the_gradient():
    maps = torch.tensor([[[[0.0, 0.0, 9.0, 0.0, 0.0, 5.0, 1.0]]]])
    _, switches = SwitchPool2d((1, 3), (1, 2))(maps)
    assert switches.indices.tolist() == [[[[2, 2, 5]]]]
    decoded = torch.tensor([[[[1.0, 2.0, 4.0]]]], requires_grad=True)
    made = SwitchUnpool2d()(decoded, switches)
    assert made.tolist() == [[[[0, 0, 1.5, 0, 0, 4, 0]]]]
    made.sum().backward()
    assert decoded.grad.tolist() == [[[[0.5, 0.5, 1]]]]


def test_odd_maps_need_no_size_to_come_back():
    maps = torch.rand(1, 1, 7, 5)
    assert SwitchUnpool2d()(*SwitchPool2d(2)(maps)).shape == maps.shape


def test_one_image_may_come_without_a_batch():
    pooled, switches = SwitchPool2d(2)(MAPS[0])
    assert torch.equal(SwitchUnpool2d()(pooled, switches), SwitchUnpool2d()(*SwitchPool2d(2)(MAPS))[0])


def test_switches_serve_other_maps_of_their_shape_alone():
    _, switches = SwitchPool2d(2)(MAPS)
    with pytest.raises(
        SizeError, match=r"^maps are \(1, 2, 2, 2\) and the switches \(1, 1, 2, 2\): unpool maps of the"
    ):
        SwitchUnpool2d()(torch.zeros(1, 2, 2, 2), switches)


@pytest.mark.parametrize("scale", [0, -2, 1.5, (2, 2)])
def test_a_scale_that_is_no_number_from_one_on_is_refused(scale):
    with pytest.raises(SettingsError, match=r"^scale is .*; expected a whole number from 1"):
        BedOfNails(scale)


def test_nails_need_height_and_width():
    with pytest.raises(SizeError, match=r"^maps are \(3, 4\); expected \(N, C, H, W\), or \(C, H, W\) of one image"):
        BedOfNails(2)(torch.zeros(3, 4))


def test_whole_numbers_come_back_unless_they_would_be_averaged():
    maps = torch.arange(16).view(1, 1, 4, 4)
    assert SwitchUnpool2d()(*SwitchPool2d(2)(maps)).tolist() == [
        [[[0, 0, 0, 0], [0, 5, 0, 7], [0, 0, 0, 0], [0, 13, 0, 15]]]
    ]
    with pytest.raises(SettingsError, match=r"^the input is of torch.int64; expected floating point numbers: convert"):
        SwitchUnpool2d()(*SwitchPool2d(2, 1)(maps))
