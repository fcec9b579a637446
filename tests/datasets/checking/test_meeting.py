import numpy as np

from striate.datasets.checking.hashing import differing, directions, hashes, turned_coefficients
from striate.datasets.checking.meeting import near_pairs
from striate.datasets.checking.turning import turned


def smooth(count, seed=0):
    """Thumbnails of some frequencies each: no two alike."""
    draw = np.random.default_rng(seed)
    down, right = np.mgrid[:32, :32] / 32
    waves = [np.cos(np.pi * (u * down + v * right)) for u in range(6) for v in range(6)]
    pictures = np.tensordot(draw.normal(size=(count, len(waves))), np.array(waves), 1)
    pictures -= pictures.min(axis=(1, 2), keepdims=True)
    return (255 * pictures / pictures.max(axis=(1, 2), keepdims=True)).astype(np.uint8)


def pairs_of(pictures):
    return near_pairs(directions(pictures, np.arange(len(pictures))))


def test_a_copy_is_met_in_whatever_way_it_was_turned():
    pictures = smooth(60)
    copies = np.stack([turned(pictures[way], way) for way in range(8)])
    pairs = pairs_of(np.concatenate([pictures, copies]))
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert {(way, 60 + way) for way in range(8)} <= found
    brings_back = dict(zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.way, strict=True))
    for way in range(8):
        again = turned(copies[way], int(brings_back[way, 60 + way]))
        assert np.array_equal(again, pictures[way])


def test_pairs_are_alike_and_the_earlier_picture_comes_first():
    pictures = smooth(400, seed=1)
    lowest = directions(pictures, np.arange(400))
    pairs = near_pairs(lowest)
    assert (pairs.first < pairs.second).all()
    for first, second, way in zip(*pairs, strict=True):
        other = turned_coefficients(lowest[second : second + 1], int(way))
        assert (lowest[first] * other[0]).sum() >= 0.799
        assert differing(hashes(lowest[first : first + 1]) ^ hashes(other))[0] <= 14


def test_of_a_crowd_of_copies_each_meets_only_a_few():
    crowd = np.repeat(smooth(1), 600, axis=0)
    crowd[:, 0, 0] = np.arange(600) % 256  # alike, but not equal
    pairs = pairs_of(crowd)
    assert 600 <= len(pairs.first) <= 8 * 600
    assert len(np.unique(np.concatenate([pairs.first, pairs.second]))) == 600


def test_nothing_meets_in_nothing():
    for count in (0, 1):
        assert len(pairs_of(smooth(2)[:count]).first) == 0
