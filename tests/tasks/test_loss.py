import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import recall_score

from striate.tasks.classification import Classification
from striate.training.balance import class_weights

SEEDS = st.integers(0, 2**32 - 1)


def cross_entropy(scores, targets, smoothing):
    """-sum_k q_k log p_k, q = (1 - s) of the target and s/K of all, in float64 NumPy."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    q = (1 - smoothing) * np.eye(scores.shape[1])[targets] + smoothing / scores.shape[1]
    return -(q * log_p).sum(axis=1).mean()


@given(seed=SEEDS, n=st.integers(1, 20), k=st.integers(2, 12), smoothing=st.floats(0, 0.9))
def test_the_loss_is_the_formulas(seed, n, k, smoothing):
    generator = np.random.default_rng(seed)
    scores, targets = generator.normal(scale=5, size=(n, k)), generator.integers(0, k, n)
    loss = Classification(smoothing).loss(torch.from_numpy(scores), torch.from_numpy(targets))
    assert loss.item() == pytest.approx(cross_entropy(scores, targets, smoothing))


def test_scores_that_say_nothing_cost_the_logarithm_of_the_number_of_classes():
    assert Classification(0.1).loss(torch.zeros(3, 10), torch.tensor([0, 4, 9])).item() == pytest.approx(np.log(10))


def test_huge_scores_do_not_overflow():
    scores = torch.tensor([[1e4, 0.0], [0.0, 1e4]])
    assert Classification().loss(scores, torch.tensor([0, 1])).item() == 0
    assert Classification().loss(scores, torch.tensor([1, 0])).item() == 1e4


@given(seed=SEEDS, n=st.integers(1, 20), k=st.integers(2, 6))
def test_the_metrics_are_the_loss_and_the_share_of_right_answers(seed, n, k):
    generator = np.random.default_rng(seed)
    scores, targets = generator.normal(size=(n, k)), generator.integers(0, k, n)
    measured = Classification(0.1).measure(torch.from_numpy(scores), torch.from_numpy(targets))
    said, shown = scores.argmax(axis=1), sorted(set(targets.tolist()))
    recalls = recall_score(targets, said, labels=shown, average=None)
    assert measured["accuracy"] == pytest.approx((scores.argmax(axis=1) == targets).mean())
    assert measured["loss"] == pytest.approx(cross_entropy(scores, targets, 0.1))
    assert measured["balanced_accuracy"] == pytest.approx(np.mean(recalls))


@given(seed=SEEDS, n=st.integers(1, 20), k=st.integers(2, 6))
def test_a_weighted_loss_is_the_mean_of_the_weighted_ones(seed, n, k):
    generator = np.random.default_rng(seed)
    scores, targets = generator.normal(size=(n, k)), generator.integers(0, k, n)
    weights = generator.uniform(0.1, 5, k)
    loss = Classification(class_weights=tuple(weights)).loss(torch.from_numpy(scores), torch.from_numpy(targets))
    each = [cross_entropy(scores[[place]], targets[[place]], 0.0) for place in range(n)]
    assert loss.item() == pytest.approx(np.mean(weights[targets] * each))
    shares = torch.eye(k, dtype=torch.float64)[targets]
    same = Classification(class_weights=tuple(weights)).loss(torch.from_numpy(scores), shares)
    assert same.item() == pytest.approx(loss.item())


def test_each_class_weighs_the_same_in_all_however_the_batches_fall():
    """Ten batches of which only one has the rare class; scores that say nothing, so that all images cost the same."""
    targets = torch.tensor([0] * 90 + [1] * 10)
    task = Classification(class_weights=class_weights(np.array([90, 10])))
    batches = [task.loss(torch.zeros(10, 2), part).item() for part in torch.split(targets, 10)]
    assert sum(batches[:9]) == pytest.approx(batches[9])


def test_mixed_targets_cost_the_shares_of_each_class():
    scores, shares = torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([[0.7, 0.0, 0.3]])
    expected = 0.7 * cross_entropy(scores.numpy(), [0], 0) + 0.3 * cross_entropy(scores.numpy(), [2], 0)
    assert Classification().loss(scores, shares).item() == pytest.approx(expected)


@pytest.mark.parametrize("weights", [None, (0.5, 1.5, 1.0)])
def test_the_loss_of_short_numbers_is_taken_in_float32(weights):
    scores, targets = torch.tensor([[1.0, 2.0, 0.5], [0.25, -1.0, 3.0]]), torch.tensor([1, 0])
    loss = Classification(0.1, weights)
    short = loss.loss(scores.bfloat16(), targets)
    assert short.dtype == torch.float32
    assert torch.equal(short, loss.loss(scores, targets))  # these scores are the same in both
