"""Optical flow between images whose motion one knows: a texture, shifted or turned."""

import cv2
import numpy as np
import pytest

from striate.errors import ImageError, SettingsError, SizeError
from striate.filters.classic.flow import optical_flow
from striate.filters.classic.tracks import lucas_kanade

INSIDE = slice(20, -20)


@pytest.fixture(scope="module")
def texture():
    """Soft noise, larger than what is cut out of it."""
    noise = np.random.default_rng(0).integers(0, 256, (140, 160), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)


@pytest.fixture(scope="module")
def moved(texture):
    """Two views of it: the second has everything three pixels further right and two further down."""
    return texture[20:120, 20:140], texture[18:118, 17:137]


def test_a_shift_is_seen_by_every_pixel(moved):
    motion = optical_flow(*moved).motion[INSIDE, INSIDE]
    assert np.median(motion, axis=(0, 1)) == pytest.approx((3, 2), abs=0.1)
    assert (np.linalg.norm(motion - (3, 2), axis=2) < 0.5).mean() > 0.95


def test_a_shift_is_seen_by_every_corner(moved):
    tracks = lucas_kanade(*moved)
    assert len(tracks.starts) > 30
    assert tracks.middle == pytest.approx((3, 2), abs=0.05)


def test_no_more_corners_are_followed_than_asked_for(moved):
    tracks = lucas_kanade(*moved, most=25)
    assert len(tracks.starts) + tracks.lost == 25


def test_nothing_moves_between_an_image_and_itself(texture):
    assert optical_flow(texture, texture).speed.mean() < 0.05
    tracks = lucas_kanade(texture, texture)
    assert np.abs(tracks.ends - tracks.starts).max() < 1e-3
    assert tracks.lost == 0


def test_the_sentences_and_the_values_tell_where_to(moved):
    flow = optical_flow(*moved)
    right, down = flow.motion.mean(axis=(0, 1))
    assert flow.sentences()[0] == f"optical_flow: mean motion {right:+.2f} px to the right, {down:+.2f} px down"
    assert flow.to_dict()["right"] == pytest.approx(float(right))
    tracks = lucas_kanade(*moved, most=9)
    assert tracks.sentences()[1] == "median motion +3.00 px to the right, +2.00 px down"
    assert tracks.to_dict()["tracks"][0] == {"start": tracks.starts[0].tolist(), "end": tracks.ends[0].tolist()}


def test_a_flat_image_has_no_corners_to_follow():
    tracks = lucas_kanade(np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8))
    assert tracks.sentences() == [
        "lucas_kanade: 0 corners followed, 0 lost",
        "median motion +0.00 px to the right, +0.00 px down",
    ]
    assert tracks.panels()[1].strokes.paths.shape == (0, 5, 2)


def test_corners_that_leave_the_image_are_lost(texture):
    left, right = texture[:, :140], texture[:, 12:152]  # what stood in the first twelve columns is gone
    tracks = lucas_kanade(left, right, most=10**5)
    assert tracks.middle == pytest.approx((-12, 0), abs=0.1)
    assert tracks.lost > 0
    assert tracks.sentences()[0] == f"lucas_kanade: {len(tracks.starts)} corners followed, {tracks.lost} lost"


def test_arrows_point_where_the_pixels_go(moved):
    arrows = optical_flow(*moved).panels()[0].strokes.paths
    ways = arrows[:, 1] - arrows[:, 0]
    assert len(arrows) > 100
    assert np.degrees(np.arctan2(*np.median(ways, axis=0)[::-1])) == pytest.approx(np.degrees(np.arctan2(2, 3)), abs=2)
    tracks = lucas_kanade(*moved)
    drawn = tracks.panels()[1].strokes.paths
    assert (drawn[:, 0] == tracks.starts).all()
    assert drawn[:, 1] == pytest.approx(tracks.ends)


def test_still_is_white_and_the_colour_tells_the_direction():
    """The wheel: red to the right, and a third of a turn further each green and blue."""
    still = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    picture, wheel = optical_flow(still, still).panels()[1:]
    assert picture.pixels.min() > 200
    assert wheel.note == "rim: 1 px or more, white: still"
    size = len(wheel.pixels)
    middle, rim = size // 2, size // 2 - 1
    assert wheel.pixels[middle, middle].tolist() == [255, 255, 255]
    assert wheel.pixels[0, 0].tolist() == [255, 255, 255]
    for angle, pure in ((0, 0), (120, 1), (240, 2)):
        x = middle + round(rim * np.cos(np.radians(angle)))
        y = middle + round(rim * np.sin(np.radians(angle)))
        colour = wheel.pixels[y, x].astype(int)
        assert colour.argmax() == pure
        assert colour[pure] == 255
        assert np.delete(colour, pure).max() < 12


@pytest.mark.parametrize("follow", [optical_flow, lucas_kanade])
def test_two_sizes_are_refused(follow):
    with pytest.raises(SizeError, match=r"^the first image is 6×5, the second 5×6; expected one size: resize or crop"):
        follow(np.zeros((6, 5), np.uint8), np.zeros((5, 6), np.uint8))


@pytest.mark.parametrize("follow", [optical_flow, lucas_kanade])
def test_a_second_image_that_cannot_be_read_is_refused_by_name(follow, tmp_path):
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        follow(np.zeros((6, 5), np.uint8), tmp_path / "gone.png")


@pytest.mark.parametrize("most", [0, 1.5, None])
def test_a_number_of_corners_that_makes_no_sense_is_refused(moved, most):
    with pytest.raises(SettingsError, match=f"most is {most}; expected a whole number from 1"):
        lucas_kanade(*moved, most=most)
