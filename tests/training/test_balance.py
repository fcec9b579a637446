import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from sklearn.utils.class_weight import compute_class_weight

from striate.training.balance import balanced_order, class_weights, occurrences

labels = some.lists(some.integers(0, 4), min_size=1, max_size=60)


@given(labels)
def test_weights_are_scikit_learns_balanced_ones(targets):
    shown, counts = np.unique(targets, return_counts=True)
    assert class_weights(counts) == pytest.approx(tuple(compute_class_weight("balanced", classes=shown, y=targets)))


@given(labels, some.integers(0, 9), some.integers(0, 9))
def test_an_epoch_shows_each_class_and_each_image_of_a_class_equally_often(targets, seed, epoch):
    order = balanced_order(torch.tensor(targets), seed, epoch).numpy()
    assert len(order) == len(targets)
    shown = np.array(targets)[order]
    counts = [np.count_nonzero(shown == number) for number in np.unique(targets)]
    assert max(counts) - min(counts) <= 1
    for number in np.unique(targets):
        each = [np.count_nonzero(order == place) for place in np.flatnonzero(np.array(targets) == number)]
        assert max(each) - min(each) <= 1


def test_another_epoch_shows_other_images_of_the_common_class():
    targets = torch.tensor([0] * 90 + [1] * 10)
    common = [set(order[order < 90].tolist()) for order in (balanced_order(targets, 0, epoch) for epoch in range(4))]
    assert all(len(own) == 50 for own in common)
    assert len(set.union(*common)) > 80


@given(some.lists(some.integers(0, 6), max_size=40))
def test_occurrences_are_counted_from_the_left(order):
    assert occurrences(torch.tensor(order, dtype=torch.int64)).tolist() == [
        order[:place].count(own) for place, own in enumerate(order)
    ]
