"""Parameters against the tensors that torch makes, multiplies against sums of ones, where each term counts itself."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from striate.arithmetic.counts import (
    convolution_multiplies,
    convolution_parameters,
    fully_connected_parameters,
    locally_connected_parameters,
    matrix_multiplies,
)
from striate.errors import SizeError

sides = some.integers(1, 6)
widths = some.integers(1, 40)
CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


def parameters_of(layer):
    return sum(parameter.numel() for parameter in layer.parameters())


@given(widths, widths, some.lists(sides, min_size=1, max_size=3), sides, some.booleans())
def test_a_convolution_has_the_parameters_that_torch_gives_it(per_group, out_per_group, window, groups, biases):
    channels, maps = per_group * groups, out_per_group * groups
    layer = CONVOLUTIONS[len(window)](channels, maps, window, groups=groups, bias=biases, device="meta")
    assert convolution_parameters(channels, maps, window, groups=groups, biases=biases) == parameters_of(layer)


@given(widths, widths, some.booleans())
def test_a_fully_connected_layer_has_the_parameters_that_torch_gives_it(inputs, outputs, biases):
    layer = nn.Linear(inputs, outputs, bias=biases, device="meta")
    assert fully_connected_parameters(inputs, outputs, biases=biases) == parameters_of(layer)


@given(sides, sides, some.tuples(sides, sides), some.tuples(sides, sides), some.booleans())
def test_a_locally_connected_layer_has_the_parameters_of_one_small_matrix_at_each_place(
    channels, maps, window, positions, biases
):
    inputs = channels * window[0] * window[1]
    everywhere = nn.ModuleList(
        nn.Linear(inputs, maps, bias=biases, device="meta") for _ in range(positions[0] * positions[1])
    )
    counted = locally_connected_parameters(channels, maps, window, positions, biases=biases)
    assert counted == parameters_of(everywhere)


@given(widths, widths)
def test_a_window_over_the_whole_map_is_a_fully_connected_layer(channels, maps):
    assert convolution_parameters(channels, maps, (5, 5)) == fully_connected_parameters(25 * channels, maps)


@pytest.mark.parametrize(("channels", "maps"), [(3, 4), (4, 3)])
def test_groups_that_do_not_divide_the_channels_are_refused(channels, maps):
    with pytest.raises(SizeError, match=f"{channels} channels in and {maps} out do not divide into 2 groups"):
        convolution_parameters(channels, maps, (3, 3), groups=2)


@given(rows=sides, inner=sides, columns=sides, batch=sides)
def test_a_matrix_product_multiplies_once_for_every_term_of_its_sums(rows, inner, columns, batch):
    left, right = torch.ones(batch, rows, inner), torch.ones(batch, inner, columns)
    assert matrix_multiplies(rows, inner, columns, batch=batch) == (left @ right).sum()


@given(kernel=some.tuples(sides, sides, sides, sides), extra=some.tuples(sides, sides), batch=sides, groups=sides)
def test_a_convolution_multiplies_once_for_every_term_of_its_sums(kernel, extra, batch, groups):
    kernel = (kernel[0] * groups, *kernel[1:])
    images = torch.ones(batch, groups * kernel[1], kernel[2] + extra[0], kernel[3] + extra[1])
    output = nn.functional.conv2d(images, torch.ones(kernel), groups=groups)  # each value counts its own terms
    assert convolution_multiplies(kernel, output.shape[2:], batch=batch) == output.sum()


@given(kernel=some.tuples(sides, sides, sides, sides), positions=some.tuples(sides, sides), stride=some.integers(1, 3))
def test_a_transposed_convolution_multiplies_at_the_positions_of_its_input(kernel, positions, stride):
    output = nn.functional.conv_transpose2d(torch.ones(1, kernel[0], *positions), torch.ones(kernel), stride=stride)
    assert convolution_multiplies(kernel, positions) == output.sum()
