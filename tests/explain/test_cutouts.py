import numpy as np
import pytest

from striate.explain.boxes import Box
from striate.explain.cutouts import PAPER, cutout


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 200, (6, 8, 3), np.uint8)


def test_a_box_inside_shows_those_pixels(picture):
    np.testing.assert_array_equal(cutout(picture, Box(1, 2, 4, 7)), picture[1:4, 2:7])


def test_padding_is_paper(picture):
    shown = cutout(picture, Box(-2, 5, 3, 10))
    assert shown.shape == (5, 5, 3)
    np.testing.assert_array_equal(shown[2:, :3], picture[:3, 5:])
    assert (shown[:2] == PAPER).all() and (shown[:, 3:] == PAPER).all()


def test_of_a_box_longer_than_the_image_the_part_with_most_of_it_is_shown(picture):
    np.testing.assert_array_equal(cutout(picture, Box(-9, -9, 20, 20)), picture)
    shown = cutout(picture, Box(-10, -3, 2, 30))  # rows 0 and 1 alone are inside
    assert shown.shape == picture.shape
    np.testing.assert_array_equal(shown[4:], picture[:2])
    assert (shown[:4] == PAPER).all()
    shown = cutout(picture, Box(4, 0, 30, 8))
    np.testing.assert_array_equal(shown[:2], picture[4:])
    assert (shown[2:] == PAPER).all()


def test_a_box_beside_the_image_is_paper(picture):
    assert (cutout(picture, Box(0, 0, 0, 0)) == PAPER).all()
    shown = cutout(picture, Box(-5, -5, -2, -2))
    assert shown.shape == (3, 3, 3) and (shown == PAPER).all()
