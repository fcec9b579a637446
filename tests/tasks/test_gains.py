import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from striate.tasks.gains import gain, newcombe, wilson

counts = st.integers(0, 40)
tables = st.tuples(counts, counts, counts, counts).filter(any)

TABLE_III = {  # Newcombe 1998, Statistics in Medicine 17, 2641: both, first, second, neither, and method 10's interval
    (36, 12, 2, 0): (0.0569, 0.3404),
    (20, 12, 2, 16): (0.0562, 0.3292),
    (18, 12, 2, 18): (0.0562, 0.3290),
    (36, 14, 0, 0): (0.1528, 0.4167),
    (35, 14, 0, 1): (0.1461, 0.4175),
    (18, 14, 0, 18): (0.1441, 0.3963),
    (2, 97, 1, 0): (0.8721, 0.9854),
    (2, 98, 0, 0): (0.9178, 0.9945),
    (1, 98, 0, 1): (0.9171, 0.9916),
    (0, 30, 0, 0): (0.8395, 1.0),
    (54, 0, 0, 0): (-0.0664, 0.0664),
    (53, 0, 0, 1): (-0.0729, 0.0729),
    (27, 0, 0, 27): (-0.0351, 0.0351),
}


@pytest.mark.parametrize(("table", "published"), TABLE_III.items())
def test_the_interval_of_a_paired_difference_is_as_newcombe_publishes_it(table, published):
    assert newcombe(*table) == pytest.approx(published, abs=6e-5)


@given(tables)
def test_the_interval_holds_the_difference_has_a_width_and_lies_within_one(table):
    low, high = newcombe(*table)
    difference = (table[1] - table[2]) / sum(table)
    assert -1 <= low <= difference + 1e-12
    assert difference - 1e-12 <= high <= 1
    assert high - low > 1e-3


@given(tables)
def test_the_interval_turns_round_when_the_two_are_exchanged(table):
    both, first, second, neither = table
    low, high = newcombe(both, first, second, neither)
    assert newcombe(both, second, first, neither) == pytest.approx((-high, -low))


def test_images_that_both_name_alike_make_the_interval_narrower_than_of_two_sets_of_images():
    low, high = newcombe(60, 12, 2, 26)
    (our_low, our_high), (their_low, their_high) = wilson(72, 100), wilson(62, 100)
    apart = np.hypot(0.72 - our_low, their_high - 0.62) + np.hypot(our_high - 0.72, 0.62 - their_low)
    assert high - low < 0.7 * apart


def test_a_gain_is_counted_on_the_same_images():
    ours = np.array([True] * 48 + [False] * 2)
    theirs = np.array([True] * 36 + [False] * 12 + [True] * 2)
    one = gain("the best member", ours, [theirs])
    assert (one.n, one.right, one.other, one.difference) == (50, 48, 38.0, 0.2)
    assert one.interval == pytest.approx((0.0569, 0.3404), abs=6e-5)


def test_a_gain_over_the_mean_of_several_is_the_mean_of_the_gains():
    generator = np.random.default_rng(0)
    ours, first, second = generator.random((3, 80)) < np.array([[0.9], [0.8], [0.7]])
    both = gain("the mean member", ours, [first, second])
    single = [gain("", ours, [first]), gain("", ours, [second])]
    assert both.difference == pytest.approx(np.mean([one.difference for one in single]))
    assert both.interval == pytest.approx(np.mean([one.interval for one in single], axis=0))
    assert gain("", ours, [first, first]).interval == single[0].interval


@pytest.mark.parametrize("n", [20, 100])
def test_in_95_of_100_draws_the_interval_over_the_mean_of_two_holds_the_true_gain(n):
    generator, true, held = np.random.default_rng(n), _true_gain(), 0
    for _ in range(400):
        hard = generator.random(n)[None] + generator.normal(0, 0.2, (3, n))  # who finds one hard, finds all hard
        ours, first, second = hard < np.array([[0.85], [0.75], [0.7]])
        low, high = gain("", ours, [first, second]).interval
        held += low <= true <= high
    assert held / 400 >= 0.94


def _true_gain():
    """Of the draws above, by a sum over how hard an image can be."""
    hard = (np.arange(20_000) + 0.5) / 20_000
    ours, first, second = (norm.cdf((limit - hard) / 0.2).mean() for limit in (0.85, 0.75, 0.7))
    return ours - (first + second) / 2
