import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from striate.images.keyed import Draws, _mix

numbers = some.integers(0, 2**63 - 1)


def draws(seed, epoch, indices, purpose="flip", count=3):
    return Draws(seed, epoch, np.array(indices)).uniform(purpose, count)


def test_a_step_is_that_of_the_published_generator():
    state, outputs = 0, []
    for _ in range(3):
        outputs.append(int(_mix(np.uint64(state))))
        state = (state + 0x9E3779B97F4A7C15) % 2**64
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]  # of Java's SplittableRandom(0)


@given(numbers, numbers, some.lists(numbers, min_size=1, max_size=6), some.randoms())
def test_what_is_drawn_for_an_image_depends_on_no_other(seed, epoch, indices, random):
    together = draws(seed, epoch, indices)
    assert torch.equal(together, torch.cat([draws(seed, epoch, [index]) for index in indices]))


def test_seed_epoch_image_and_purpose_each_change_what_is_drawn():
    one = draws(1, 2, [3])
    others = [draws(2, 2, [3]), draws(1, 3, [3]), draws(1, 2, [4]), draws(1, 2, [3], "turn"), draws(2, 1, [3])]
    assert all((one != other).all() for other in others)


def test_more_numbers_begin_with_the_fewer():
    assert torch.equal(draws(1, 2, [3, 4], count=5)[:, :3], draws(1, 2, [3, 4], count=3))


@pytest.mark.parametrize("axis", ["seed", "epoch", "index", "number"])
def test_the_numbers_are_uniform_and_independent_along_each_part_of_the_key(axis):
    n = 40_000
    if axis == "index":
        values = draws(0, 0, range(n), count=1)[:, 0]
    elif axis == "number":
        values = draws(0, 0, [0], count=n)[0]
    else:
        values = torch.cat([draws(**{"seed": 0, "epoch": 0, axis: k}, indices=[0], count=1)[0] for k in range(n // 20)])
    values = values.numpy()
    counts = np.bincount((values * 10).astype(int), minlength=10)
    chi = ((counts - len(values) / 10) ** 2 / (len(values) / 10)).sum()
    assert chi < 33.7  # 9 degrees of freedom, one in 10,000
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 4 / np.sqrt(len(values))
