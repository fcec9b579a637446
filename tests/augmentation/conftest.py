"""Batches whose images say where each of their pixels came from, and draws for them."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from striate.augmentation.views import Views
from striate.images.keyed import Draws


@pytest.fixture(scope="session")
def coordinates():
    """Views of images whose channel 0 holds x and channel 1 holds y, in pixels; the first pixel's middle is at 0.5."""

    def make(count=4, height=24, width=32, **known):
        y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        return Views(torch.stack([x, y]).repeat(count, 1, 1, 1), 255, **known)

    return make


@pytest.fixture(scope="session")
def draws():
    """Draws for so many images."""

    def make(count, seed=0, epoch=0):
        return Draws(seed, epoch, np.arange(count))

    return make


@pytest.fixture(scope="session")
def photographs():
    """Six colourful parts of two photographs that ship with scikit-learn: uint8 (6, 3, 64, 80)."""
    corners = [(100, 200), (200, 300), (150, 60)]
    parts = [
        load_sample_image(name)[top : top + 64, left : left + 80]
        for name in ("china.jpg", "flower.jpg")
        for top, left in corners
    ]
    return torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2).contiguous()
