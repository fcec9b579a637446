import numpy as np
from hypothesis import given
from hypothesis import strategies as some
from scipy.fft import dctn

from striate.datasets.checking.hashing import FREQUENCIES, differing, directions, hashes

PICTURES = np.random.default_rng(1).integers(0, 256, (5, 32, 32), np.uint8)


def test_coefficients_are_those_of_the_cosine_transform_but_the_mean():
    expected = dctn(PICTURES.astype(float), axes=(1, 2))[:, :8, :8]
    expected[:, 0, 0] = 0
    expected /= np.linalg.norm(expected, axis=(1, 2), keepdims=True)
    assert np.allclose(directions(PICTURES, np.arange(5)), expected, atol=1e-5)


def test_places_choose_the_pictures():
    assert np.allclose(directions(PICTURES, np.array([3, 1])), directions(PICTURES, np.arange(5))[[3, 1]], atol=1e-6)


def test_the_hash_holds_the_signs_of_53_frequencies_the_lowest_first():
    assert len(FREQUENCIES) == 53
    assert FREQUENCIES[:3] == [(0, 1), (1, 0), (1, 1)]
    across = np.zeros((1, 8, 8), np.float32)
    across[0, 0, 1] = 1
    assert hashes(across).tolist() == [1 << 52]


def test_a_hash_does_not_change_with_brightness_and_contrast():
    dim = (PICTURES // 2 + 40).astype(np.uint8)
    own, other = (hashes(directions(pictures, np.arange(5))) for pictures in (PICTURES, dim))
    assert differing(own ^ other).max() <= 1  # rounding may turn a sign next to zero


@given(some.lists(some.integers(0, 2**64 - 1), min_size=1))
def test_differing_bits_are_counted(numbers):
    assert differing(np.array(numbers, np.uint64)).tolist() == [number.bit_count() for number in numbers]
