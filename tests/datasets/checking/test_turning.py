import numpy as np
import pytest

from striate.datasets.checking.hashing import directions, turned_coefficients
from striate.datasets.checking.turning import WAYS, turned

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
DONE = {  # what was done to a picture, in NumPy's words
    "": lambda picture: picture,
    "mirrored": np.fliplr,
    "mirrored upside down": np.flipud,
    "turned by 180°": lambda picture: np.rot90(picture, 2),
    "turned by 90° to the left": lambda picture: np.rot90(picture, 1),
    "turned by 90° to the right": lambda picture: np.rot90(picture, -1),
}


@pytest.mark.parametrize("words", DONE)
def test_a_way_brings_back_what_its_words_say_was_done(words):
    assert np.array_equal(turned(DONE[words](PICTURE), WAYS.index(words)), PICTURE)


def test_the_eight_ways_are_all_there_are():
    assert len({turned(PICTURE, way).tobytes() for way in range(8)}) == 8
    for way in (1, 7):  # to mirror and to turn by 90°
        assert WAYS[way] == "mirrored and turned by 90°"
        assert np.array_equal(turned(turned(PICTURE, way), way), PICTURE)


@pytest.mark.parametrize("way", range(8))
def test_coefficients_are_turned_as_the_picture_is(way):
    pair = np.stack([PICTURE, turned(PICTURE, way)])
    lowest = directions(pair, np.arange(2))
    assert np.allclose(turned_coefficients(lowest[:1], way), lowest[1:], atol=1e-5)
