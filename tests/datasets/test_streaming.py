"""Orders worked by hand, the bound that the docstring proves, and chi-square tests of what is random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import chisquare

from striate.datasets.streaming import shard_order
from striate.errors import SettingsError

LIKELY = 1e-6  # a right order fails a test once in a million seeds; the seeds here are fixed


def shards_of(*counts):
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def read_places(shards, order):
    """The place (N,) at which each image is read, by the order in which its shards come out with a buffer of 1."""
    places = np.empty(len(shards), np.int64)
    places[order] = np.arange(len(shards))
    return places


@given(
    counts=some.lists(some.integers(0, 30), min_size=1, max_size=8),
    seed=some.integers(0, 2**32),
    epoch=some.integers(0, 1000),
    buffer=some.integers(1, 250),
)
def test_every_image_comes_once_and_never_a_buffer_from_where_it_is_read(counts, seed, epoch, buffer):
    shards = shards_of(*counts)
    order = shard_order(shards, seed, epoch, buffer)
    assert sorted(order.tolist()) == list(range(len(shards)))
    read = read_places(shards, shard_order(shards, seed, epoch, 1))
    assert (np.abs(read[order] - np.arange(len(shards))) < buffer).all()


def test_a_buffer_of_one_reads_each_shard_from_end_to_end():
    shards = np.array([2, 0, 2, 1, 0, 2], np.int32)  # images of a shard need not stand together in the list
    whole = {0: [1, 4], 1: [3], 2: [0, 2, 5]}
    for seed in range(20):
        order = shard_order(shards, seed, 0, 1).tolist()
        sequence = list(dict.fromkeys(shards[order].tolist()))
        assert order == [image for shard in sequence for image in whole[shard]]


def test_the_order_depends_on_seed_and_epoch_alone():
    shards = shards_of(*[50] * 20)
    orders = {(seed, epoch): shard_order(shards, seed, epoch, 100) for seed in (0, 1) for epoch in (0, 1)}
    assert np.array_equal(orders[0, 1], shard_order(shards, 0, 1, 100))
    assert len({order.tobytes() for order in orders.values()}) == 4


def test_every_order_of_the_shards_is_as_likely():
    shards = shards_of(1, 1, 1, 1)
    orders = [tuple(shard_order(shards, seed, 7, 1).tolist()) for seed in range(4800)]
    counts = np.array([orders.count(order) for order in set(orders)])
    assert len(counts) == 24
    assert chisquare(counts).pvalue > LIKELY


def test_a_buffer_for_all_gives_every_order_the_same_chance():
    orders = [tuple(shard_order(shards_of(2, 2), seed, 0, 4).tolist()) for seed in range(4800)]
    counts = np.array([orders.count(order) for order in set(orders)])
    assert len(counts) == 24
    assert chisquare(counts).pvalue > LIKELY


def test_an_image_lands_anywhere_in_its_window_with_the_same_chance():
    shards, buffer, image = shards_of(600), 200, 300
    landed = np.array([int(np.flatnonzero(shard_order(shards, seed, 0, buffer) == image)[0]) for seed in range(4000)])
    early = landed - (image - buffer // 2)  # its time is uniform from 300 to 500, so its place about 200 to 400
    inside = early[(early >= 20) & (early < 180)]  # at the ends the places of the others blur the edge
    assert abs(len(inside) / 4000 - 0.8) < 0.03
    assert chisquare(np.bincount((inside - 20) // 16, minlength=10)).pvalue > LIKELY


def test_neighbours_of_a_sorted_shard_are_parted():
    shards, classes = shards_of(*[100] * 10), np.repeat(np.arange(10), 100)
    batches = classes[shard_order(shards, 0, 0, 500)].reshape(-1, 50)
    assert np.median([len(set(batch)) for batch in batches]) >= 4  # a shard is one class; unshuffled it would be 1


@pytest.mark.parametrize("buffer", [0, -1, 2.5, True])
def test_a_buffer_without_room_is_refused(buffer):
    with pytest.raises(SettingsError, match=r"buffer is .*; expected a whole number from 1"):
        shard_order(shards_of(3), 0, 0, buffer)


def test_no_images_have_an_order_too():
    assert shard_order(shards_of(0), 0, 0, 10).tolist() == []
