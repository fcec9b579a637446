"""Where branches meet, and the blocks that are small graphs: torch's values and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.byhand import (
    Add,
    Concatenate,
    DepthwiseSeparableConvolution,
    Flatten,
    Reweight,
    SeparableConvolution,
    SqueezeAndExcitation,
)

few, stride, padding = some.integers(1, 4), some.integers(1, 2), some.integers(0, 2)
places = some.lists(few, max_size=3).map(tuple)


@settings(max_examples=40)
@given(some.lists(few, min_size=1, max_size=4).map(tuple), some.integers(1, 4))
def test_branches_are_added_as_in_torch(agree, shape, count):
    agree(Add(), lambda *branches: torch.stack(branches).sum(0), *[shape] * count)


@settings(max_examples=40)
@given(few, some.lists(few, min_size=1, max_size=4), places)
def test_branches_are_laid_behind_one_another_as_in_torch(agree, B, channels, places):
    agree(Concatenate(), lambda *branches: torch.cat(branches, dim=1), *((B, C, *places) for C in channels))


@settings(max_examples=40)
@given(few, few, places)
def test_maps_are_laid_flat_as_in_torch(agree, B, C, places):
    agree(Flatten(), lambda H: H.flatten(1), (B, C, *places))


@settings(max_examples=40)
@given(few, few, places)
def test_maps_are_reweighted_as_torch_multiplies(agree, B, C, places):
    agree(Reweight(), lambda H, w: H * w.reshape(B, C, *(1,) * len(places)), (B, C, *places), (B, C))


@settings(max_examples=30)
@given(C=few, R=few, K=few, F=some.integers(1, 3), stride=stride, padding=padding)
def test_a_separable_convolution_is_torchs_two_one_after_the_other(agree, *, C, R, K, F, stride, padding):
    def reference(H, U, V, b):
        down = functional.conv2d(H, U, stride=(stride, 1), padding=(padding, 0))
        return functional.conv2d(down, V, b, stride=(1, stride), padding=(0, padding))

    shapes = (2, C, 6, 5), (R, C, F, 1), (K, R, 1, F), (K,)
    agree(SeparableConvolution(stride, padding), reference, *shapes)


@settings(max_examples=30)
@given(few, few, few, some.integers(1, 3))
def test_and_one_convolution_with_the_kernel_of_low_rank(agree, C, R, K, F):
    def reference(H, U, V, b):
        return functional.conv2d(H, torch.einsum("kry,rcx->kcxy", V[:, :, 0], U[..., 0]), b)

    agree(SeparableConvolution(), reference, (2, C, 6, 5), (R, C, F, 1), (K, R, 1, F), (K,))


@settings(max_examples=30)
@given(few, few, some.integers(1, 3), stride, padding)
def test_a_depthwise_separable_convolution_is_torchs_of_groups_and_of_one_by_one(agree, C, K, F, stride, padding):
    def reference(H, D, P, b):
        depthwise = functional.conv2d(H, D[:, None], stride=stride, padding=padding, groups=C)
        return functional.conv2d(depthwise, P, b)

    shapes = (2, C, 6, 5), (C, F, F), (K, C, 1, 1), (K,)
    agree(DepthwiseSeparableConvolution(stride, padding), reference, *shapes)


@pytest.mark.parametrize("places", [(5,), (4, 3), (2, 3, 4)])
@settings(max_examples=20)
@given(few, few, few)
def test_squeeze_and_excitation_is_torchs(agree, places, B, C, squeezed):
    def reference(H, W1, b1, W2, b2):
        h = torch.relu(functional.linear(H.flatten(2).mean(2), W1, b1))
        w = torch.sigmoid(functional.linear(h, W2, b2))
        return H * w.reshape(B, C, *(1,) * len(places))

    agree(SqueezeAndExcitation(), reference, (B, C, *places), (squeezed, C), (squeezed,), (C, squeezed), (C,))
