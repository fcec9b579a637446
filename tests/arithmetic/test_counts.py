import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from striate.arithmetic.counts import convolution_multiplies, matrix_multiplies


def test_ten_filters_of_five_by_five_on_colour_have_760_parameters():
    layer = nn.Conv2d(3, 10, kernel_size=5, padding=2)
    assert sum(parameter.numel() for parameter in layer.parameters()) == 760
    assert convolution_multiplies(layer.weight.shape, (32, 32)) == 750 * 32 * 32


@pytest.mark.parametrize(
    ("kernel", "positions", "multiplies"),
    [((6, 1, 5, 5), (28, 28), 117_600), ((16, 6, 5, 5), (10, 10), 240_000), ((120, 16, 5, 5), (1, 1), 48_000)],
)
def test_the_convolutions_of_lenet_multiply_as_often_as_its_table_says(kernel, positions, multiplies):
    assert convolution_multiplies(kernel, positions) == multiplies


@pytest.mark.parametrize(("inner", "columns", "multiplies"), [(400, 120, 48_000), (120, 84, 10_080), (84, 10, 840)])
def test_the_matrices_of_lenet_multiply_as_often_as_its_table_says(inner, columns, multiplies):
    assert matrix_multiplies(1, inner, columns) == multiplies


sides = some.integers(1, 6)


@given(rows=sides, inner=sides, columns=sides, batch=sides)
def test_a_matrix_product_multiplies_once_for_every_term_of_its_sums(rows, inner, columns, batch):
    left, right = torch.ones(batch, rows, inner), torch.ones(batch, inner, columns)
    assert matrix_multiplies(rows, inner, columns, batch=batch) == (left @ right).sum()


@given(kernel=some.tuples(sides, sides, sides, sides), extra=some.tuples(sides, sides), batch=sides)
def test_a_convolution_multiplies_once_for_every_term_of_its_sums(kernel, extra, batch):
    images = torch.ones(batch, kernel[1], kernel[2] + extra[0], kernel[3] + extra[1])
    output = nn.functional.conv2d(images, torch.ones(kernel))  # of ones: each value counts its own terms
    assert convolution_multiplies(kernel, output.shape[2:], batch=batch) == output.sum()
