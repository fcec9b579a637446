"""Maxout and softmax: by hand, as the lectures have them, and against torch and NumPy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from striate.errors import SettingsError, SizeError
from striate.layers.activations import Maxout, Softmax


def test_maxout_is_the_larger_of_two_linear_maps():
    torch.manual_seed(0)
    inputs, both = torch.randn(5, 3), nn.Linear(3, 8)
    one, other = both.weight.chunk(2)
    expected = torch.maximum(inputs @ one.T + both.bias[:4], inputs @ other.T + both.bias[4:])
    torch.testing.assert_close(Maxout()(both(inputs)), expected)


def test_maxout_behind_a_convolution_takes_the_largest_piece_of_each_unit_at_each_place():
    torch.manual_seed(0)
    values = nn.Conv2d(2, 3 * 5, 3)(torch.randn(2, 2, 6, 7))  # (N, 3 pieces of 5 units, H, W)
    made = Maxout(pieces=3)(values)
    assert made.shape == (2, 5, 4, 5)
    for unit in range(5):
        pieces = values[:, [unit, unit + 5, unit + 10]]
        assert torch.equal(made[:, unit], pieces.amax(1))


def test_maxout_of_a_map_and_its_negative_is_the_absolute_value():
    values = torch.linspace(-2, 2, 9)[:, None]
    assert torch.equal(Maxout()(torch.cat([values, -values], 1)), values.abs())


def test_maxout_along_the_last_dimension_serves_sequences():
    values = torch.arange(24.0).view(2, 3, 4)
    assert torch.equal(Maxout(dim=-1)(values), values[..., 2:])


def test_only_the_largest_piece_learns():
    values = torch.tensor([[1.0, 7.0, 5.0, 3.0]], requires_grad=True)  # units (1, 5) and (7, 3)
    Maxout()(values).sum().backward()
    assert values.grad.tolist() == [[0, 1, 1, 0]]


def test_a_piece_that_is_no_number_is_not_passed_over():
    assert Maxout()(torch.tensor([[math.nan, 1.0], [1.0, math.nan]])).isnan().all()


@pytest.mark.parametrize(("base", "expected"), [(2, [0.97, 0.03]), (math.e, [0.9933, 0.0067])])
def test_the_lectures_example_needs_base_two(base, expected):
    shares = Softmax(base=base)(torch.tensor([[4.0, -1.0]]))
    assert [round(share, len(str(expected[0])) - 2) for share in shares[0].tolist()] == expected


@given(some.lists(some.floats(-20, 20), min_size=1, max_size=6), some.floats(0.1, 12))
def test_shares_are_powers_of_the_base_over_their_sum(scores, base):
    powers = np.power(base, np.array(scores))
    made = Softmax(base=base)(torch.tensor([scores], dtype=torch.float64))
    np.testing.assert_allclose(made[0].numpy(), powers / powers.sum(), rtol=1e-9)


def test_base_e_is_the_softmax_of_torch_along_any_dimension():
    torch.manual_seed(0)
    scores = torch.randn(2, 3, 4)
    for dim in (-1, 0, 1, 2):
        assert torch.equal(Softmax(dim=dim)(scores), nn.Softmax(dim)(scores))


@pytest.mark.parametrize("height", [1e6, -1e6, 3e38])
def test_large_scores_neither_overflow_nor_lose_their_differences(height):
    scores = torch.tensor([[height, height, 0.0]]) if height > 1e6 else torch.tensor([[height, height - 1, height - 2]])
    expected = [[0.5, 0.5, 0]] if height > 1e6 else [[4 / 7, 2 / 7, 1 / 7]]
    torch.testing.assert_close(Softmax(base=2)(scores), torch.tensor(expected))


def test_the_slope_of_softmax_in_base_two_is_p_times_delta_minus_p_times_ln_two():
    scores = torch.tensor([[4.0, -1.0, 0.5]], dtype=torch.float64)
    shares = Softmax(base=2)(scores)[0]
    slopes = torch.autograd.functional.jacobian(Softmax(base=2), scores)[0, :, 0]
    torch.testing.assert_close(slopes, math.log(2) * (shares.diag() - shares.outer(shares)))


@pytest.mark.parametrize("pieces", [0, -1, 1.5, "two"])
def test_pieces_that_are_no_number_from_one_on_are_refused(pieces):
    with pytest.raises(SettingsError, match=f"^pieces is {pieces!r}; expected a whole number from 1"):
        Maxout(pieces)


@pytest.mark.parametrize("base", [0, -2, math.nan, math.inf, "e", True, None, 10**400])
def test_a_base_that_is_not_above_zero_is_refused(base):
    with pytest.raises(SettingsError, match=f"^base is {base!r}; expected a number above 0 that fits a float"):
        Softmax(base=base)


@pytest.mark.parametrize("dim", [1.5, "x", None, True, 64, -65])
@pytest.mark.parametrize("kind", [Maxout, Softmax])
def test_a_dimension_that_is_none_is_refused_at_once(kind, dim):
    with pytest.raises(SettingsError, match=f"^dim is {dim!r}; expected a whole number from -64 to 63$"):
        kind(2, dim)


def test_whole_numbers_have_no_shares():
    for base in (2, math.e):
        with pytest.raises(SettingsError, match=r"^the input is of torch.int64; expected floating point numbers: conv"):
            Softmax(base)(torch.tensor([[4, -1]]))


def test_units_that_do_not_divide_into_pieces_are_refused_with_what_to_build():
    with pytest.raises(SizeError, match=r"^7 values along dimension 1 do not divide into 2 pieces .* give 2 times as"):
        Maxout()(torch.zeros(1, 7, 3, 3))


@pytest.mark.parametrize("layer", [Maxout(), Softmax()])
def test_an_input_without_the_dimension_is_refused(layer):
    with pytest.raises(SizeError, match=r"^scores of shape \(4,\) have no dimension 1: pass another `dim`$"):
        layer(torch.zeros(4))
