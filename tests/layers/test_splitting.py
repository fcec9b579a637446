"""Kernels split into columns and rows: by hand, against NumPy's singular values and OpenCV's separable kernels."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from striate.errors import SettingsError, SizeError
from striate.layers.splitting import low_rank

LAPLACIAN = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]])


def equal(one, other):
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_the_sobel_kernel_is_a_column_of_smoothing_and_a_row_of_differences():
    split = low_rank(torch.tensor([[1, 0, -1], [2, 0, -2], [1, 0, -1]]))
    column, row = split.vertical.flatten(), split.horizontal.flatten()
    equal(column / column[0], torch.tensor([1.0, 2, 1]))
    equal(row * column[0], torch.tensor([1.0, 0, -1]))
    assert split.error < 1e-6


@pytest.mark.parametrize(
    "column",
    [cv2.getGaussianKernel(5, 1.2), np.full((7, 1), 1 / 7), cv2.getDerivKernels(1, 0, 5)[1], np.array([[3.0]])],
)
def test_what_opencv_builds_from_a_column_and_a_row_loses_nothing(column):
    row = np.array([[1.0, 2, -5, 3]])
    split = low_rank(torch.from_numpy(column.astype(float) @ row))
    assert (split.vertical.shape, split.horizontal.shape) == ((1, 1, len(column), 1), (1, 1, 1, 4))
    assert split.error < 1e-12
    np.testing.assert_allclose(split.kernel[0, 0], column @ row, atol=1e-12)


def test_the_laplacian_needs_two_pairs():
    values = np.linalg.svd(LAPLACIAN.numpy(), compute_uv=False)
    assert low_rank(LAPLACIAN).error == pytest.approx(values[1] / np.hypot(*values[:2]), rel=1e-5)
    assert low_rank(LAPLACIAN, 2).error < 1e-6


def test_a_kernel_of_zeros_loses_nothing():
    assert low_rank(torch.zeros(3, 3)).error == 0


@given(some.tuples(*[some.integers(1, 4)] * 4), some.data())
def test_the_loss_is_that_of_the_singular_values_left_out(shape, data):
    outputs, channels, height, width = shape
    rank = data.draw(some.integers(1, min(channels * height, outputs * width)))
    kernel = np.random.default_rng(data.draw(some.integers(0, 99))).normal(size=shape)
    rows = kernel.transpose(1, 2, 0, 3).reshape(channels * height, outputs * width)
    values = np.linalg.svd(rows, compute_uv=False)
    split = low_rank(torch.from_numpy(kernel), rank)
    assert split.vertical.shape == (rank, channels, height, 1)
    assert split.horizontal.shape == (outputs, rank, 1, width)
    assert split.error == pytest.approx(np.sqrt((values[rank:] ** 2).sum() / (values**2).sum()), abs=1e-9)
    assert split.error == pytest.approx(
        np.linalg.norm(split.kernel.numpy() - kernel) / np.linalg.norm(kernel), abs=1e-9
    )


SETTINGS = [
    {},
    {"bias": False, "stride": (2, 3)},
    {"padding": (2, 1), "dilation": (1, 2)},
    {"padding": 1, "stride": 2, "padding_mode": "reflect"},
    {"padding": "same", "dilation": (2, 1)},
    {"padding": (1, 2), "padding_mode": "circular"},
]


@pytest.mark.parametrize("how", SETTINGS)
def test_the_two_convolutions_of_full_rank_give_what_the_one_gave(how):
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, (3, 5), **how)
    images = torch.randn(2, 3, 11, 12)
    split = low_rank(layer.weight, 9).convolutions(layer)
    assert [name for name, _ in split.named_children()] == ["vertical", "horizontal"]
    assert split.vertical.bias is None
    equal(split(images), layer(images))


def test_the_two_convolutions_of_a_lower_rank_are_that_of_the_rebuilt_kernel():
    torch.manual_seed(0)
    layer, images = nn.Conv2d(3, 4, 3, padding=1), torch.randn(2, 3, 8, 8)
    split = low_rank(layer.weight, 2)
    expected = torch.nn.functional.conv2d(images, split.kernel, layer.bias, padding=1)
    equal(split.convolutions(layer)(images), expected)
    multiplies = sum(module.weight.numel() for module in split.convolutions(layer))
    assert multiplies == 2 * (3 * 3 + 4 * 3) < layer.weight.numel() == 4 * 3 * 3 * 3


def test_the_convolutions_have_the_number_format_and_mode_of_the_one_and_share_nothing():
    layer = nn.Conv2d(2, 2, 3).to(torch.bfloat16).eval().requires_grad_(False)
    split = low_rank(layer.weight, 6)
    made = split.convolutions(layer)
    assert {numbers.dtype for numbers in (*made.parameters(), split.kernel)} == {torch.bfloat16}
    assert not made.training and not any(numbers.requires_grad for numbers in made.parameters())
    assert all(numbers.is_contiguous() for numbers in made.parameters())  # as files of weights want them
    owned = {numbers.data_ptr() for numbers in made.parameters()}
    assert not owned & {n.data_ptr() for n in (layer.weight, layer.bias, split.vertical, split.horizontal)}
    assert 0 < split.error < 0.01  # of the rounded numbers, though no singular value is left out


@pytest.mark.parametrize("rank", [0, 10, -1, 1.5, None])
def test_a_rank_out_of_range_is_refused(rank):
    with pytest.raises(SettingsError, match=r"^rank is .*; expected a whole number from 1 to 9$"):
        low_rank(torch.zeros(4, 3, 3, 5), rank)  # 3·3 rows, 4·5 columns


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 3), (1, 1, 1, 3, 3), (0, 3)])
def test_a_kernel_of_other_axes_is_refused(shape):
    with pytest.raises(SizeError, match=r"^the kernel is of \(.*\); expected \(F_h, F_w\) or \(K, C, F_h, F_w\)"):
        low_rank(torch.zeros(shape))


def test_a_kernel_that_is_not_finite_is_refused():
    with pytest.raises(SettingsError, match="not finite"):
        low_rank(torch.tensor([[1.0, float("nan")]]))


@pytest.mark.parametrize(
    ("layer", "error", "sentence"),
    [
        (nn.Conv2d(2, 2, 3, groups=2), SettingsError, r"^groups=2 cannot be split .*; expected an nn.Conv2d"),
        (nn.ConvTranspose2d(1, 1, 3), SettingsError, r"^ConvTranspose2d cannot be split"),
        (nn.Conv2d(1, 2, 3), SizeError, r"^the convolution's kernel is 2 × 1 × 3 × 3; expected 1 × 1 × 3 × 3"),
    ],
)
def test_convolutions_that_cannot_take_the_split_are_refused(layer, error, sentence):
    with pytest.raises(error, match=sentence):
        low_rank(LAPLACIAN).convolutions(layer)
