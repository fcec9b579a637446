from collections import Counter
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from striate.datasets.dataset import PARTS, TEST, TRAIN, VALIDATION
from striate.datasets.opening import open_dataset


@pytest.fixture(scope="module")
def digits():
    return open_dataset("digits")


@settings(max_examples=25)
@given(sizes=some.lists(some.integers(1, 40), min_size=2, max_size=4), seed=some.integers(0, 2**32))
@example(sizes=[1, 2, 3, 4], seed=0)
def test_every_class_gives_its_share_to_every_part(sizes, seed):
    with TemporaryDirectory() as folder:
        for number, size in enumerate(sizes):
            (Path(folder) / f"class {number}").mkdir()
            for image in range(size):
                (Path(folder) / f"class {number}/{image}.png").touch()
        dataset = open_dataset(folder, seed=seed)
    shares = Counter(zip(dataset.labels, (PARTS[part] for part in dataset.parts), strict=True))
    for number, size in enumerate(sizes):
        train, validation, test = (shares[f"class {number}", part] for part in (TRAIN, VALIDATION, TEST))
        assert train + validation + test == size
        assert train >= 1
        assert min(validation, test) >= (size >= 3)
        assert abs(test - size / 5) <= 0.5
        assert abs(validation - size / 10) <= 0.5 or validation == 1


def test_the_same_seed_gives_the_same_division_and_another_seed_another(plant):
    root = plant({"cat": 30, "dog": 20})
    first, again, other = (open_dataset(root, seed=seed).parts for seed in (3, 3, 4))
    assert first.tolist() == again.tolist() != other.tolist()
    assert Counter(first.tolist()) == Counter(other.tolist())


def test_the_parts_have_no_image_in_common_and_leave_none_out(plant):
    dataset = open_dataset(plant({"cat": 30, "dog": 20}))
    members = [dataset.members(part) for part in (TRAIN, VALIDATION, TEST)]
    assert sorted(chain(*members)) == list(range(50))
    assert list(map(len, members)) == [35, 5, 10]


def test_digits_are_1797_scans_of_which_a_fifth_is_held_out(digits):
    assert len(digits.names) == len(set(digits.names)) == 1797
    assert len(digits.members(TEST)) == 359
    assert set(digits.labels) == set("0123456789")
    assert digits.divided


def test_the_division_of_the_digits_is_the_same_whatever_the_seed(digits):
    assert digits.parts.tolist() == open_dataset("digits", seed=7).parts.tolist()


def test_the_division_of_the_digits_is_the_same_for_ever(digits):
    held_out = digits.members(TEST)
    assert held_out[:8].tolist() == [5, 9, 12, 14, 16, 17, 19, 23]  # published accuracies hold for these images alone
    assert sum(held_out) == 324_981


def test_the_digits_are_white_ink_on_black_over_the_whole_range(digits):
    scans = np.stack([digits.source(index) for index in range(1797)])
    assert scans.shape == (1797, 8, 8) and scans.dtype == np.uint8
    assert (scans.min(), scans.max()) == (0, 255)
    assert np.median(scans[:, 0, 0]) == 0  # the corner is paper
