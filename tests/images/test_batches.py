import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from striate.datasets.loading import ImageSet
from striate.images.batches import keyed_generator

numbers = some.integers(0, 2**32 - 1)
keys = some.tuples(numbers, numbers, numbers)


def draws(*key):
    return torch.rand(8, generator=keyed_generator(*key)).tolist()


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


@given(keys)
def test_the_same_key_draws_the_same(key):
    assert draws(*key) == draws(*key)


@given(keys, keys)
def test_another_key_draws_otherwise(one, other):
    assert (draws(*one) == draws(*other)) == (one == other)


@pytest.mark.parametrize(("one", "other"), [((1, 0, 0), (0, 1, 0)), ((1, 2, 0), (2, 1, 0)), ((1, 1, 0), (1, 1, 1))])
def test_keys_that_look_alike_draw_otherwise(one, other):
    assert draws(*one) != draws(*other)


def test_a_keyed_generator_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    draws(1, 2, 3)
    assert torch.equal(torch.get_rng_state(), before)
