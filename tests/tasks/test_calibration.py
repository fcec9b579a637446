import json
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from striate.errors import SettingsError, SizeError
from striate.tasks.calibration import calibrate


def two(*sure):
    """Probabilities of two classes, the first of which is said with these."""
    return np.array([[own, 1 - own] for own in sure])


def test_the_error_is_the_mean_gap_weighted_by_images():
    # 0.9 and 0.9 right, 0.95 wrong: said 2.75 / 3, right 2 / 3; 0.6 wrong: a gap of 0.6; 4 images in all
    found = calibrate(two(0.9, 0.9, 0.95, 0.6), np.array([0, 0, 1, 1]), bins=5)
    assert [own.n for own in found.bins] == [0, 0, 1, 0, 3]
    assert found.bins[4].said == pytest.approx(2.75 / 3)
    assert found.bins[4].right == pytest.approx(2 / 3)
    assert found.error == pytest.approx(3 / 4 * 0.25 + 1 / 4 * 0.6)
    assert (found.said, found.right) == (pytest.approx(3.35 / 4), pytest.approx(0.5))


def test_sure_and_always_right_is_perfect_and_sure_and_always_wrong_is_as_bad_as_can_be():
    sure = np.eye(3)[[0, 1, 2, 2]]
    assert calibrate(sure, np.array([0, 1, 2, 2])).error == 0
    assert calibrate(sure, np.array([1, 2, 0, 0])).error == 1


def test_half_right_at_one_half_is_perfect():
    assert calibrate(two(0.5, 0.5), np.array([0, 1])).error == 0


def test_a_probability_on_an_edge_belongs_to_the_bin_below():
    found = calibrate(two(0.75), np.array([0]), bins=4)
    assert [own.n for own in found.bins] == [0, 0, 1, 0]
    assert (found.bins[2].low, found.bins[2].high) == (0.5, 0.75)


def test_an_empty_bin_has_no_shares():
    empty = calibrate(two(0.9), np.array([0])).bins[0]
    assert (empty.n, empty.said, empty.right) == (0, None, None)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 80), k=st.integers(2, 6), bins=st.integers(1, 20))
def test_bins_are_scikit_learns(seed, n, k, bins):
    generator = np.random.default_rng(seed)
    probabilities, targets = generator.dirichlet(np.ones(k), n), generator.integers(0, k, n)
    found = calibrate(probabilities, targets, bins=bins)
    right = probabilities.argmax(axis=1) == targets
    shares, means = calibration_curve(right, probabilities.max(axis=1), n_bins=bins, pos_label=True)
    np.testing.assert_allclose([own.right for own in found.filled], shares)
    np.testing.assert_allclose([own.said for own in found.filled], means)
    assert (found.n, found.right) == (n, pytest.approx(right.mean()))
    assert 0 <= found.error <= 1


@given(n=st.integers(1, 60), p=st.floats(0.01, 1.0))
def test_the_gap_of_chance_is_the_mean_over_all_outcomes(n, p):
    found = calibrate(np.tile([p, 0.0], (n, 1)), np.zeros(n, int), bins=1)
    exact = sum(comb(n, right) * p**right * (1 - p) ** (n - right) * abs(right / n - p) for right in range(n + 1))
    assert found.chance == pytest.approx(exact, abs=1e-12)


def test_the_gap_of_chance_is_what_draws_from_the_probabilities_show():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.full(3, 0.5), 200)
    drawn = [
        calibrate(probabilities, np.array([generator.choice(3, p=row) for row in probabilities])) for _ in range(200)
    ]
    errors = [found.error for found in drawn]
    assert np.mean(errors) == pytest.approx(drawn[0].chance, abs=4 * np.std(errors) / np.sqrt(200))


def test_half_precision_is_counted_exactly():
    found = calibrate(np.tile(np.float16([0.7, 0.3]), (5000, 1)), np.zeros(5000, int))
    assert found.said == pytest.approx(float(np.float16(0.7)), abs=1e-12)


def test_the_dictionary_holds_plain_values():
    answer = json.loads(json.dumps(calibrate(two(0.9, 0.8), np.array([0, 1])).to_dict()))
    assert answer["expected_calibration_error"] == pytest.approx((0.1 + 0.8) / 2)
    assert answer["n"] == 2
    assert answer["bins"][0] == {"low": 0.0, "high": 0.1, "n": 0, "said": None, "right": None}


@pytest.mark.parametrize(
    ("rows", "targets", "bins", "error"),
    [(2, 3, 10, SizeError), (0, 0, 10, SizeError), (2, 2, 0, SettingsError), (2, 2, 1.5, SettingsError)],
)
def test_what_cannot_be_compared_is_refused(rows, targets, bins, error):
    with pytest.raises(error) as caught:
        calibrate(np.full((rows, 2), 0.5), np.zeros(targets, int), bins=bins)
    assert "expected" in str(caught.value)
