import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from striate.datasets.loading import ImageSet
from striate.tasks.classification import Evaluation


def evaluation(confusion, probabilities=None, targets=None):
    """An evaluation with these counts, whose images do not matter."""
    counts = np.array(confusion, np.int64)
    targets = np.zeros(0, np.int64) if targets is None else np.array(targets, np.int64)
    images = ImageSet(np.zeros((len(targets), 1, 1, 1), np.uint8), targets, tuple(map(str, range(len(targets)))))
    given = np.zeros((0, len(counts))) if probabilities is None else np.array(probabilities, np.float32)
    return Evaluation(tuple("abcdefgh"[: len(counts)]), counts, 0.5, images, given)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilsons_as_newcombe_publishes_it(right, n, low, high):
    assert evaluation([[right, n - right], [0, 0]]).interval == pytest.approx((low, high), abs=6e-5)


@given(right=st.integers(0, 10_000), wrong=st.integers(1, 10_000))
def test_the_interval_is_within_0_and_1_and_holds_the_accuracy(right, wrong):
    one = evaluation([[right, wrong], [0, 0]])
    low, high = one.interval
    assert 0 <= low <= one.accuracy + 1e-12
    assert one.accuracy - 1e-12 <= high <= 1


@given(seed=st.integers(0, 2**32 - 1), k=st.integers(2, 8), n=st.integers(1, 60))
def test_counts_precision_and_recall_are_scikit_learns(seed, k, n):
    generator = np.random.default_rng(seed)
    actual, said = generator.integers(0, k, (2, n))
    one = evaluation(confusion_matrix(actual, said, labels=range(k)))
    precision, recall, _, shown = precision_recall_fscore_support(actual, said, labels=range(k), zero_division=np.nan)
    assert [row["class"] for row in one.per_class] == list("abcdefgh"[:k])
    assert [row["n"] for row in one.per_class] == shown.tolist()
    for name, theirs in (("precision", precision), ("recall", recall)):
        ours = [np.nan if row[name] is None else row[name] for row in one.per_class]
        np.testing.assert_allclose(ours, theirs)
    assert one.accuracy == pytest.approx((actual == said).mean())
    assert (one.n, one.right) == (n, (actual == said).sum())


def test_a_class_that_was_neither_shown_nor_said_has_no_precision_and_no_recall():
    rows = evaluation([[2, 0, 0], [1, 0, 0], [0, 0, 0]]).per_class
    assert rows[0] == {"class": "a", "n": 2, "precision": 2 / 3, "recall": 1.0}
    assert rows[1] == {"class": "b", "n": 1, "precision": None, "recall": 0.0}
    assert rows[2] == {"class": "c", "n": 0, "precision": None, "recall": None}


def test_mistakes_come_most_confident_first_and_equal_ones_in_their_order():
    said = [[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.6, 0.4], [0.8, 0.2]]
    assert evaluation([[0, 1], [3, 1]], said, targets=[1, 1, 1, 1, 1]).mistakes == [0, 2, 4, 3]


def test_without_mistakes_there_are_none():
    assert evaluation([[1, 0], [0, 0]], [[0.7, 0.3]], targets=[0]).mistakes == []


def test_the_dictionary_holds_plain_values():
    one = evaluation([[3, 1], [0, 2]])
    answer = json.loads(json.dumps(one.to_dict()))
    assert answer["accuracy"] == 5 / 6
    assert (answer["n"], answer["right"], answer["loss"]) == (6, 5, 0.5)
    assert answer["interval_95"] == list(one.interval)
    assert answer["confusion"] == [[3, 1], [0, 2]]
    assert answer["per_class"][1] == {"class": "b", "n": 2, "precision": 2 / 3, "recall": 1.0}
