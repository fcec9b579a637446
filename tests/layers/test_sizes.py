"""Settings that are one number or two, and maps that fit to them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch.nn import functional

from striate.errors import SettingsError, SizeError
from striate.layers.activations import Maxout, Softmax
from striate.layers.sizes import expect_maps, least_size, pair, whole
from striate.layers.splitting import low_rank
from striate.layers.squeeze import SqueezeExcitation


@pytest.mark.parametrize(
    ("value", "both"),
    [(3, (3, 3)), ((2, 5), (2, 5)), ([2, 5], (2, 5)), (np.int64(3), (3, 3)), (np.arange(7)[6], (6, 6))],
)
def test_one_number_serves_both_axes(value, both):
    made = pair("stride", value)
    assert made == both
    assert [type(size) for size in made] == [int, int]


@pytest.mark.parametrize(
    "value",
    [0, -1, 2.0, "3", None, (), (3,), (1, 2, 3), (1, 0), (1, 2.5), True, (2, True), np.True_, np.arange(2), 100_001],
)
def test_anything_else_is_refused_by_the_name_of_the_setting(value):
    with pytest.raises(SettingsError) as refused:
        pair("stride", value)
    wanted = "a whole number from 1 to 100,000, or two of them, for height and for width"
    assert str(refused.value) == f"stride is {value!r}; expected {wanted}"


def test_padding_may_be_none_at_all():
    assert pair("padding", 0, least=0) == (0, 0)


def test_a_single_number_has_its_own_range():
    assert whole("rank", np.uint8(4), most=4) == 4
    with pytest.raises(SettingsError, match=r"^rank is 5; expected a whole number from 1 to 4$"):
        whole("rank", 5, most=4)
    with pytest.raises(SettingsError, match=r"^rank is True; expected a whole number from 0 to 4$"):
        whole("rank", True, least=0, most=4)


def test_layers_take_the_numbers_of_numpy():
    two = np.int64(2)
    assert repr(Maxout(two, dim=two)) == "Maxout(pieces=2, dim=2)"
    assert Softmax(dim=two).dim == 2
    assert SqueezeExcitation(np.int64(8), two).reduce.weight.shape == (4, 8)
    assert low_rank(torch.eye(3), two).vertical.shape == (2, 1, 3, 1)


axes = some.tuples(some.integers(1, 4), some.integers(0, 2), some.integers(1, 3))


@given(axes, axes)
def test_the_least_size_is_that_on_which_a_convolution_of_torch_fits_just_once(high, wide):
    window, padding, dilation = zip(high, wide, strict=True)
    least = least_size(window, padding, dilation)
    kernel = torch.ones(1, 1, *window)
    assert functional.conv2d(torch.ones(1, 1, *least), kernel, None, 1, padding, dilation).numel()
    for rows, columns in ((1, 0), (0, 1)):
        maps = torch.ones(1, 1, least[0] - rows, least[1] - columns)
        if maps.numel():  # of torch itself one knows that it takes no maps without values
            with pytest.raises(RuntimeError, match="Kernel size can't be greater than actual input size"):
                functional.conv2d(maps, kernel, None, 1, padding, dilation)


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (3, 5, 4), (0, 3, 9, 9)])
def test_maps_may_be_of_a_batch_or_of_one_image(shape):
    expect_maps(torch.zeros(shape), 3, (5, 4))


@pytest.mark.parametrize("shape", [(), (5, 4), (1, 4, 5, 4), (4, 5, 4), (1, 3, 4, 4), (1, 3, 5, 3), (1, 1, 3, 5, 4)])
def test_other_maps_are_refused_with_all_numbers(shape):
    with pytest.raises(SizeError) as refused:
        expect_maps(torch.zeros(shape), 3, (5, 4))
    wanted = "(N, 3, H, W), or (3, H, W) of one image, of at least 5×4 values"
    assert str(refused.value) == f"maps are {shape}; expected {wanted}: resize them, or build the layer for them"
