"""Memory by hand, by walking a chain step by step, and by writing sizes out and reading them back."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from striate.arithmetic.memory import (
    NUMBER_FORMATS,
    OPTIMIZER_STATES,
    chain_inference,
    chain_training,
    parameter_values,
    peak,
    read_bytes,
    written_bytes,
)
from striate.errors import SettingsError

sizes = some.integers(0, 10**9)


@given(some.lists(some.integers(-(10**9), 10**9)))
def test_the_peak_is_the_highest_level_of_a_tank_that_starts_empty(changes):
    level = highest = 0
    for change in changes:
        level += change
        highest = max(highest, level)
    assert peak(changes) == highest


@given(some.lists(sizes, min_size=2))
def test_a_chain_holds_what_is_left_when_each_layer_lets_its_input_go(values):
    changes = [values[0]]
    for before, after in pairwise(values):
        changes += [after, -before]  # the output is made while the input is still there
    assert chain_inference(values) == peak(changes)


@pytest.mark.parametrize(("values", "held"), [([], 0), ([7], 7), ([7, 2], 9), ([7, 2, 1], 9), ([1, 2, 7, 1], 9)])
def test_a_chain_holds_two_neighbours_at_once(values, held):
    assert chain_inference(iter(values)) == held


@given(some.lists(sizes, min_size=1))
def test_training_holds_all_activations_and_their_gradients(values):
    assert chain_training(iter(values)) == sum(values) + sum(values)
    assert chain_training(values) >= chain_inference(values)


@pytest.mark.parametrize(
    ("optimizer", "copies"),
    [
        ("sgd", ("weight", "gradient")),
        ("momentum", ("weight", "gradient", "velocity")),
        ("adamw", ("weight", "gradient", "mean", "variance")),
    ],
)
def test_the_parameters_are_held_with_their_gradients_and_the_optimizers_states(optimizer, copies):
    assert parameter_values(1_000, optimizer=optimizer) == 1_000 * len(copies)
    assert optimizer in OPTIMIZER_STATES


def test_an_unknown_optimizer_is_refused_with_those_that_are_known():
    with pytest.raises(SettingsError, match="optimizer is 'adagrad'; expected one of sgd, momentum, adamw"):
        parameter_values(1, optimizer="adagrad")


@pytest.mark.parametrize(("name", "bits"), [("float64", 64), ("float32", 32), ("bfloat16", 16), ("float16", 16)])
def test_a_number_takes_an_eighth_of_its_bits_in_bytes(name, bits):
    assert NUMBER_FORMATS[name] * 8 == bits


@given(some.integers(1, 10**17))
def test_a_size_that_was_written_reads_back_to_three_digits(count):
    text = written_bytes(count)
    again = read_bytes(text)
    assert abs(again - count) <= 0.005 * count
    assert written_bytes(again) == text


@given(some.integers(1, 999 * 10**12))
def test_a_written_size_has_three_digits_at_most(count):
    assert re.fullmatch(r"\d{1,3} B|(\d\.\d\d|\d\d\.\d|\d\d\d) (kB|MB|GB|TB)", written_bytes(count))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_995, "10.0 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (2 * 10**15, "2000 TB"),
    ],
)
def test_sizes_are_rounded_to_the_digits_that_are_shown(count, text):
    assert written_bytes(count) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("8GB", 8 * 10**9),
        ("8 gb", 8 * 10**9),
        (" 512MiB ", 512 * 2**20),
        ("1.5 GiB", 3 * 2**29),
        ("1KiB", 1024),
        ("1 TiB", 2**40),
        ("8G", 8 * 10**9),
        ("2 k", 2000),
        ("1.5M", 1_500_000),
        ("1 T", 10**12),
        ("100B", 100),
        ("1 kB", 1000),
        ("1e3 MB", 10**9),
        ("2TB", 2 * 10**12),
    ],
)
def test_a_size_is_read_as_people_write_it(text, count):
    assert read_bytes(text) == count


@pytest.mark.parametrize(
    "text", ["", "GB", "100", "0", "1e30", "nan", "8 bits", "eight GB", "8GB GB", "8 PB", "1,5 GB"]
)
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(SettingsError, match=r"is no size in bytes; expected a number and a unit, as 8GB or 512MiB"):
        read_bytes(text)


@pytest.mark.parametrize("text", ["0 B", "0.5 B", "-8GB", "inf GB", "nan GB", "1e30 K"])
def test_a_size_that_no_machine_has_is_refused(text):
    with pytest.raises(SettingsError, match=r"expected 1 byte or more, and less than 2\^63"):
        read_bytes(text)
