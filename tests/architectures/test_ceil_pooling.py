"""Patterns whose pooling hangs over the edge (ceil), on small images: torch itself says what is left."""

from itertools import product

import pytest
import torch
from torch import nn

from striate.architectures.catalogue import create_model
from striate.description.describing import describe
from striate.errors import PatternError, SizeError


def torchs(pooling, window, side, stride, padding):
    """What torch leaves of a side, or None where it refuses."""
    layer = pooling(window, stride, padding, ceil_mode=True)
    try:
        return layer(torch.zeros(1, 1, side, side)).shape[-1]
    except RuntimeError:
        return None


@pytest.mark.parametrize("window", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("side", range(1, 8))
def test_pooling_that_reaches_over_the_edge_leaves_what_torch_leaves(window, side):
    for stride, padding in product((1, 2, 3), range(window // 2 + 1)):
        for name, pooling in (("max", nn.MaxPool2d), ("avg", nn.AvgPool2d)):
            text = f"INPUT 1x{side}x{side} -> POOL {name} {window}x{window}/{stride} pad {padding} ceil -> FC 2"
            left = torchs(pooling, window, side, stride, padding)
            if left is None:
                with pytest.raises((SizeError, PatternError)):
                    create_model(text)
            else:
                model = create_model(text)
                assert model(torch.zeros(1, 1, side, side)).shape == (1, 2)
                assert sum(p.numel() for p in model.parameters()) == 2 * left**2 + 2, text


def test_a_window_that_hangs_over_a_small_image_is_described_as_torch_runs_it():
    pattern = "INPUT 1x2x2 -> POOL 3x3/2 ceil -> FC 2"
    assert torchs(nn.MaxPool2d, 3, 2, 2, 0) == 1
    assert describe(pattern).rows[1].output == (1, 1, 1)
