"""The loss of tags and their measures, against NumPy by hand, scikit-learn, and every threshold tried."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, f1_score, multilabel_confusion_matrix

from striate.architectures.auxiliary import Scores
from striate.tasks.tag_measures import Counts, Curve, average_precisions, best_thresholds
from striate.tasks.tagging import Tagging, positive_weights

COARSE = st.integers(0, 8).map(lambda eighth: np.float32(eighth / 8))  # so that many are equal
IMAGES = st.integers(1, 12)


@st.composite
def answers(draw, tags=3):
    """Probabilities (N, 3) and what is true."""
    count = draw(IMAGES)
    probabilities = draw(arrays(np.float32, (count, tags), elements=COARSE))
    return probabilities, draw(arrays(bool, (count, tags)))


def test_the_loss_is_the_cross_entropy_of_each_tag_summed_and_of_images_averaged():
    scores, tags = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]]), torch.tensor([[1, 0, 1], [0, 0, 1]])
    p, y = 1 / (1 + np.exp(-scores.double().numpy())), tags.numpy()
    by_hand = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert Tagging().loss(scores, tags).item() == pytest.approx(by_hand.sum() / 2, rel=1e-6)
    smooth = y * 0.8 + 0.1
    by_hand = -(smooth * np.log(p) + (1 - smooth) * np.log(1 - p))
    assert Tagging(label_smoothing=0.2).loss(scores, tags.byte()).item() == pytest.approx(by_hand.sum() / 2, rel=1e-6)


def test_a_weight_multiplies_what_missing_a_tag_costs():
    scores, tags = torch.tensor([[2.0, -1.0], [0.0, 3.0]]), np.array([[1, 0], [0, 1]])
    p, w = 1 / (1 + np.exp(-scores.double().numpy())), np.array([4.0, 0.5])
    by_hand = -(w * tags * np.log(p) + (1 - tags) * np.log(1 - p)).sum() / 2
    loss = Tagging(positive_weights=(4.0, 0.5)).loss(scores, torch.from_numpy(tags))
    assert loss.item() == pytest.approx(by_hand, rel=1e-6)


def test_auxiliary_heads_add_a_share_of_their_losses():
    main, first, second = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)).unbind()
    tags = torch.randint(0, 2, (4, 5), generator=torch.Generator().manual_seed(1))
    task = Tagging(0.1)
    whole = task.loss(Scores(main, (first, second)), tags)
    parts = [task.loss(scores, tags) for scores in (main, first, second)]
    assert whole.item() == pytest.approx((parts[0] + 0.3 * (parts[1] + parts[2])).item(), rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_chance_is_the_loss_of_saying_one_half_to_all(weighted):
    tags = torch.tensor([[1, 0, 1], [0, 0, 1], [0, 1, 1], [0, 0, 0]])
    weights = positive_weights(tags.sum(dim=0).numpy(), 4) if weighted else None
    task, nothing = Tagging(positive_weights=weights), torch.zeros(4, 3)
    assert task.chance(nothing) == pytest.approx(task.loss(nothing, tags).item(), rel=1e-6)
    if not weighted:
        assert task.chance(nothing) == pytest.approx(3 * math.log(2))


def test_with_its_weight_a_tag_costs_as_much_where_it_is_as_where_it_is_not():
    tags = np.array([[1, 1]] * 3 + [[0, 1]] * 5 + [[0, 0]] * 2)
    weights = np.array(positive_weights(tags.sum(axis=0), len(tags)))
    assert np.allclose(weights * tags.sum(axis=0), (1 - tags).sum(axis=0))


@given(answers())
def test_average_precision_is_scikit_learns(given_):
    probabilities, truth = given_
    ours = average_precisions(probabilities, truth)
    for number in range(truth.shape[1]):
        if truth[:, number].any():
            assert ours[number] == pytest.approx(average_precision_score(truth[:, number], probabilities[:, number]))
        else:
            assert np.isnan(ours[number])


@given(answers())
def test_counts_and_f1_are_scikit_learns(given_):
    probabilities, truth = given_
    told = probabilities >= 0.5
    counts = Counts.of(told, truth)
    theirs = multilabel_confusion_matrix(truth, told)
    assert counts.right.tolist() == theirs[:, 1, 1].tolist()
    assert counts.wrong.tolist() == theirs[:, 0, 1].tolist()
    assert counts.missed.tolist() == theirs[:, 1, 0].tolist()
    each = f1_score(truth, told, average=None, zero_division=np.nan)
    assert np.allclose(counts.f1, each, equal_nan=True)
    assert np.allclose(counts.f1_micro, f1_score(truth, told, average="micro", zero_division=np.nan), equal_nan=True)


@given(answers(tags=1))
def test_no_threshold_has_a_higher_f1_than_the_chosen_one(given_):
    probabilities, truth = given_
    (chosen,) = best_thresholds(probabilities, truth)
    tried = np.linspace(0, 1, 33)  # between all eighths, and on them
    f1 = [f1_score(truth, probabilities >= own, zero_division=0) for own in tried]
    best = f1_score(truth, probabilities >= chosen, zero_division=0)
    assert best == pytest.approx(max(f1))
    if f1[16] == pytest.approx(max(f1)):
        assert chosen == 0.5


def test_thresholds_by_hand():
    probabilities = np.array([[0.1, 0.9, 0.2], [0.2, 0.8, 0.1], [0.3, 0.7, 0.3], [0.4, 0.6, 0.4]])
    truth = np.array([[0, 1, 0], [0, 0, 0], [1, 1, 0], [1, 0, 0]], bool)
    first, second, third = best_thresholds(probabilities, truth)
    assert first == pytest.approx(0.25)  # tells the last two alone: F1 = 1
    assert second == pytest.approx(0.65)  # the first three, 2·2 / (3 + 2) = 0.8, before all four, 2·2 / (4 + 2)
    assert third == 0.5  # nothing to learn it from


def test_a_curve_by_hand():
    curve = Curve.of(np.array([0.9, 0.4, 0.4, 0.2]), np.array([True, False, True, True]))
    assert curve.thresholds.tolist() == [0.9, 0.4, 0.2]
    assert curve.precision.tolist() == [1, 2 / 3, 3 / 4]
    assert curve.recall.tolist() == [1 / 3, 2 / 3, 1]
    assert curve.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_an_epoch_is_measured_at_one_half_without_the_weights_of_training():
    generator = torch.Generator().manual_seed(0)
    scores, tags = torch.randn(20, 4, generator=generator), torch.randint(0, 2, (20, 4), generator=generator).byte()
    found = Tagging(0.1, positive_weights=(9.0,) * 4).measure(scores, tags)
    truth, p = tags.numpy().astype(bool), scores.sigmoid().numpy()
    assert found["loss"] == pytest.approx(Tagging(0.1).loss(scores, tags).item())
    assert found["mean_average_precision"] == pytest.approx(average_precision_score(truth, p))
    assert found["f1_micro"] == pytest.approx(f1_score(truth, p >= 0.5, average="micro"))
    assert found["f1_macro"] == pytest.approx(f1_score(truth, p >= 0.5, average="macro"))
    assert found["exact_match"] == ((p >= 0.5) == truth).all(axis=1).mean()


def test_images_without_any_tag_can_be_measured():
    found = Tagging().measure(torch.full((3, 2), -4.0), torch.zeros(3, 2, dtype=torch.uint8))
    assert (found["mean_average_precision"], found["f1_micro"], found["exact_match"]) == (0, 0, 1)
