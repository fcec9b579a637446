"""What fits in a memory, against the predictions at its edge and against trying every number."""

from collections import Counter
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from striate.architectures.catalogue import create_model
from striate.description.fitting import fit_memory, largest
from striate.description.memory import Conditions, inference_bytes, training_bytes
from striate.errors import SettingsError, SizeError

PATTERN = "INPUT 3x32x32 -> [CONV 8 -> BN -> RELU -> POOL]*2 -> FC 32 -> RELU -> FC 10"
BARE = PATTERN.replace(" 3x32x32", "")


def fixed():
    """A module that takes images of one size alone."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 10 * 10, 2))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize(("name", "budget"), [("lenet5", 3_000_000), ("resnet18", 2_000_000_000), (PATTERN, 5_000_000)])
def test_the_batch_that_is_answered_fits_and_one_more_does_not(name, budget, optimizer):
    fits = fit_memory(name, budget, optimizer=optimizer)
    network = create_model(name)
    channels = next(network.parameters()).shape[1]
    for bytes_of, batch in ((training_bytes, fits.training_batch), (inference_bytes, fits.inference_batch)):
        held = [
            bytes_of(network, Conditions((channels, *fits.size), n, optimizer=optimizer)) for n in (batch, batch + 1)
        ]
        assert held[0] <= budget < held[1]


@pytest.mark.parametrize(("name", "size", "budget"), [("lenet5", None, "2MB"), (BARE, (48, 64), "20MB")])
def test_the_size_that_is_answered_fits_and_a_pixel_more_does_not(name, size, budget):
    fits = fit_memory(name, budget, size, batch=3, number_format="float64")
    channels = 1 if name == "lenet5" else 3
    for bytes_of, sides in ((training_bytes, fits.training_size), (inference_bytes, fits.inference_size)):
        held = []
        for more in (0, 1):
            taller = min(sides) + more
            larger = tuple(round(length * taller / min(fits.size)) for length in fits.size)
            network = create_model(name, size=larger, in_channels=channels, num_classes=10)
            held.append(bytes_of(network, Conditions((channels, *larger), 3, "float64")))
        assert held[0] <= fits.budget < held[1]


def test_a_size_keeps_its_aspect():
    fits = fit_memory("resnet18", "1GB", (100, 200))
    assert fits.size == (100, 200)
    for height, width in (fits.training_size, fits.inference_size):
        assert width == 2 * height > 200


def test_more_memory_holds_no_less():
    found = [fit_memory(BARE, budget) for budget in ("1MB", "4MB", "16MB", "64MB")]
    for name in ("training_batch", "inference_batch", "training_size", "inference_size"):
        values = [getattr(fits, name) or (0, 0) if name.endswith("size") else getattr(fits, name) for fits in found]
        assert values == sorted(values)
        assert values[0] < values[-1]


def test_a_memory_that_holds_nothing_answers_none():
    fits = fit_memory("vgg16", "100MB")  # its weights alone take 553 MB
    assert (fits.training_batch, fits.inference_batch) == (0, 0)
    assert (fits.training_size, fits.inference_size) == (None, None)


def test_a_number_is_bytes_and_the_batch_is_32_if_none_is_asked_for():
    fits = fit_memory("lenet5", 8_000_000_000)
    assert (fits.budget, fits.batch) == (8 * 10**9, 32)
    assert fits == fit_memory("lenet5", "8GB", batch=32)


def test_the_least_is_what_one_image_needs():
    fits = fit_memory("lenet5", "1kB", optimizer="adamw")
    network, one = create_model("lenet5"), Conditions((1, 32, 32), 1, optimizer="adamw")
    assert fits.training_least == training_bytes(network, one) > fits.inference_least == inference_bytes(network, one)
    assert fit_memory("lenet5", fits.training_least, optimizer="adamw").training_batch == 1
    assert fit_memory("lenet5", fits.training_least - 1, optimizer="adamw").training_batch == 0


def test_the_least_is_two_images_where_batch_normalisation_needs_them():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2))
    fits = fit_memory(network, "1GB", 8)
    assert fits.training_least == training_bytes(network, Conditions((3, 8, 8), 2))
    assert fits.inference_least == inference_bytes(network, Conditions((3, 8, 8), 1))
    assert fit_memory(network, fits.training_least, 8).training_batch == 2


def test_a_network_of_one_size_answers_its_own_size_or_none():
    assert fit_memory(fixed(), "1GB", 12).training_size == (12, 12)
    assert fit_memory(fixed(), "1GB", 12).inference_size == (12, 12)
    assert fit_memory(fixed(), "1kB", 12).training_size is None


def test_a_pattern_that_fixes_its_size_answers_it():
    fits = fit_memory(PATTERN, "1GB")
    assert fits.training_size == fits.inference_size == (32, 32)
    assert fits.training_batch > 1000


def test_a_network_that_cannot_be_trained_has_no_training_batch():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU(inplace=True))
    fits = fit_memory(network, "1GB", 8)
    assert (fits.training_batch, fits.training_size) == (0, None)
    assert fits.inference_batch > 1000
    assert (fits.training_least, "modified by an inplace operation" in fits.why_not) == (None, True)


def test_a_network_that_does_not_run_at_its_size_is_refused_with_the_layer():
    with pytest.raises(SizeError, match="13×13 pixels: 2 "):
        fit_memory(fixed(), "1GB", 13)


def test_fitting_takes_a_module_for_grey_images():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    fits = fit_memory(network, 1_000_000, 16, in_channels=1)
    held = inference_bytes(network, Conditions((1, 16, 16), fits.inference_batch))
    assert 0.99e6 < held <= 1e6


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        ("8 potatoes", "'8 potatoes' is no size in bytes; expected a number and a unit, as 8GB or 512MiB"),
        ("GB", "'GB' is no size in bytes"),
        ("", "'' is no size in bytes"),
        ("nanGB", "'nanGB' is "),
        ("infGB", "'infGB' is "),
        ("-1GB", "'-1GB' is -1e.09 bytes; expected 1 byte or more"),
        ("0", "'0' is no size in bytes"),
        ("8000000000", "'8000000000' is no size in bytes"),
        ("0 B", "'0 B' is 0 bytes; expected 1 byte or more"),
        (None, "memory is None; expected a size"),
        (1.5, "memory is 1.5; expected a size"),
        ("1e30GB", "less than 2.63"),
    ],
)
def test_a_memory_that_is_none_is_refused(budget, sentence):
    with pytest.raises(SettingsError, match=sentence):
        fit_memory("lenet5", budget)


@given(
    steps=some.lists(some.integers(0, 9), min_size=1, max_size=60),
    budget=some.integers(-1, 200),
    start=some.integers(1, 60),
    power=some.sampled_from([1, 2, 3]),
)
def test_the_search_finds_what_trying_every_number_finds(steps, budget, start, power):
    needed = [0, *accumulate(steps)]  # of 1, 2, …: it grows, with plateaus; that of 0 is never asked for
    most = len(steps)
    expected = max((n for n in range(1, most + 1) if needed[n] <= budget), default=0)
    asked = Counter()

    def ask(n):
        assert 1 <= n <= most
        asked[n] += 1
        return needed[n]

    assert largest(ask, budget, min(start, most), most, power=power) == expected
    assert max(asked.values()) == 1


@given(
    fixed=some.integers(0, 10**9),
    slope=some.integers(1, 10**7),
    budget=some.integers(1, 10**11),
    power=some.sampled_from([1, 2, 3]),
)
def test_a_memory_that_grows_as_a_power_is_met_in_few_questions(fixed, slope, budget, power):
    asked = []

    def ask(n):
        asked.append(n)
        return fixed + slope * n**power

    found = largest(ask, budget, 2, 1_000_000, power=power)
    assert found == 0 or fixed + slope * found**power <= budget
    assert found == 1_000_000 or fixed + slope * (found + 1) ** power > budget
    assert len(asked) <= 8


@given(budget=some.integers(0, 10**12), rough=some.integers(1, 10**5))
def test_a_memory_that_grows_in_uneven_steps_is_met_in_no_more_questions_than_two_for_each_halving(budget, rough):
    asked = []

    def needed(n):
        return 10**6 + 1000 * n * n + rough * (n // 7)

    def ask(n):
        asked.append(n)
        return needed(n)

    found = largest(ask, budget, 2, 1_000_000, power=1)
    assert found == 0 or needed(found) <= budget
    assert found == 1_000_000 or needed(found + 1) > budget
    assert len(asked) <= 5 + 2 * 21
