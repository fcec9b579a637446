import numpy as np
import pytest
import torch

from striate.datasets.loading import ImageSet


@pytest.fixture
def batch():
    images = np.arange(3 * 1 * 2 * 2, dtype=np.uint8).reshape(3, 1, 2, 2)
    return ImageSet(images, np.array([7, 8, 9]), ("a", "b", "c")).batch(torch.device("cpu"))


def test_a_batch_holds_the_images_and_targets_of_a_set(batch):
    assert len(batch) == 3
    assert batch.images.dtype == torch.uint8
    assert batch.images.flatten().tolist() == list(range(12))
    assert batch.targets.tolist() == [7, 8, 9]


def test_selecting_keeps_images_and_targets_together(batch):
    chosen = batch.select(torch.tensor([2, 0]))
    assert len(chosen) == 2
    assert chosen.images[:, 0, 0, 0].tolist() == [8, 0]
    assert chosen.targets.tolist() == [9, 7]
