import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import SettingsError
from striate.training.recipe import Recipe
from striate.training.schedule import pace_at


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -1])
def test_fewer_than_one_is_refused_by_name_and_value(name, value):
    with pytest.raises(SettingsError, match=f"{name} is {value}; expected a whole number from 1 to"):
        Recipe(**{name: value})


@pytest.mark.parametrize("rate", [0.0, -0.1, math.nan, math.inf, -math.inf])
def test_a_rate_that_is_no_positive_number_is_refused(rate):
    with pytest.raises(SettingsError, match=f"rate is {rate}; expected a number above 0"):
        Recipe(rate=rate)


def test_the_smallest_recipe_is_one_step_at_the_full_rate():
    assert pace_at(Recipe(epochs=1, batch_size=1, rate=0.3), 0, 1).rate == 0.3


def test_the_rate_climbs_in_equal_parts_and_falls_as_half_a_cosine():
    recipe = Recipe(rate=1.0, warmup=0.2)
    climb, fall = [0.5, 1.0], [(1 + math.cos(math.pi * step / 8)) / 2 for step in range(8)]
    assert [pace_at(recipe, step, 10).rate for step in range(10)] == pytest.approx(climb + fall)


def test_halfway_through_the_fall_the_rate_is_half():
    assert pace_at(Recipe(rate=0.4, warmup=0.2), 6, 10).rate == pytest.approx(0.2)


def test_a_climb_of_a_broken_number_of_steps_reaches_the_full_rate():
    rates = [pace_at(Recipe(rate=1.0, warmup=0.15), step, 10).rate for step in range(3)]  # the climb is 1.5 steps
    assert rates == pytest.approx([0.5, 1.0, (1 + math.cos(math.pi * 0.5 / 8.5)) / 2])


def test_without_a_climb_the_first_step_has_the_full_rate():
    assert [pace_at(Recipe(rate=0.2, warmup=0.0), step, 2).rate for step in range(2)] == pytest.approx([0.2, 0.1])


def test_a_climb_over_all_steps_ends_at_the_full_rate():
    assert [pace_at(Recipe(rate=1.0, warmup=1.0), step, 4).rate for step in range(4)] == [0.25, 0.5, 0.75, 1.0]


@given(steps=st.integers(1, 500), warmup=st.floats(0, 1), rate=st.floats(1e-6, 10))
def test_the_rate_is_never_zero_never_above_the_recipes_and_turns_once(steps, warmup, rate):
    recipe = Recipe(rate=rate, warmup=warmup)
    rates = [pace_at(recipe, step, steps).rate for step in range(steps)]
    top = rates.index(max(rates))
    assert all(0 < one <= rate * (1 + 1e-12) for one in rates)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
