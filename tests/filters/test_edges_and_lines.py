"""Canny's edges and Hough's lines on scenes whose edges one knows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from striate.errors import SettingsError
from striate.filters.classic.edges import canny
from striate.filters.classic.lines import hough_lines

NOISE = np.random.default_rng(0).integers(0, 256, (40, 50), np.uint8)


def half_plane(angle, aside=0, side=120):
    """One straight edge, so many pixels beside the middle, and its distance: white is where x cos a + y sin a > d."""
    across = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    distance = (side - 1) / 2 * sum(across) + aside
    y, x = np.mgrid[:side, :side]
    return np.where(x * across[0] + y * across[1] > distance, 200, 0).astype(np.uint8), distance


@pytest.mark.parametrize(("high", "seen"), [(359, True), (361, False)])
def test_a_step_of_ninety_has_a_gradient_of_four_times_as_much(high, seen):
    step = np.repeat(np.uint8([[0] * 5 + [90] * 5]), 9, axis=0)
    edge = canny(step, low=0, high=high).edge
    assert edge.any() == seen
    assert (edge.sum(axis=1) == seen).all()  # one pixel wide


def test_a_faint_edge_counts_if_it_hangs_on_a_strong_one():
    fading = np.zeros((40, 9), np.uint8)
    fading[:, 5:] = np.linspace(100, 30, 40).astype(np.uint8)[:, None]  # gradients 400 to 120
    alone = canny(fading[30:], low=100, high=300).edge
    assert not alone.any()
    assert canny(fading, low=100, high=300).edge[5:-1].any(axis=1).all()


def test_edges_are_told_with_their_share():
    found = canny(half_plane(0)[0])
    assert found.to_dict() == {
        **{"name": "canny", "size": [120, 120], "low": 100, "high": 200},
        **{"edges": 120, "share": 120 / 14400},
    }
    assert found.sentences() == ["canny: edges above 200, followed down to 100", "edges: 120 pixels, 0.8% of all"]


@pytest.mark.parametrize(
    ("low", "high", "complaint"),
    [
        (200, 100, "^low is 200 and high 100; expected low to be no more than high: exchange them$"),
        (-1, 100, "^low is -1; expected a number from 0 to 2000$"),
        (0, 2001, "high is 2001"),
        (float("nan"), 3, "low is nan"),
        (0, None, "high is None"),
    ],
)
def test_levels_that_make_no_sense_are_refused(low, high, complaint):
    with pytest.raises(SettingsError, match=complaint):
        canny(NOISE, low, high)


@given(some.integers(0, 179), some.integers(-30, 30))
def test_one_straight_edge_is_found_at_its_angle_and_distance(angle, aside):
    scene, distance = half_plane(angle, aside)
    found = hough_lines(scene, votes=30)
    apart = abs(found.angles[0] - angle)
    sign = -1 if apart > 90 else 1  # 179 degrees and 0 are neighbours, with the distance's sign changed
    assert min(apart, 180 - apart) <= 2
    assert abs(sign * found.distances[0] - distance) <= 3


def test_upright_and_level_lines_are_exact_and_sorted_by_votes():
    scene = np.zeros((60, 100), np.uint8)
    scene[20:, :] = 100
    level = hough_lines(scene, votes=90)
    assert (level.distances.tolist(), level.angles.tolist()) == ([19.0], [90.0])
    upright = hough_lines(scene.T, votes=90)
    assert (upright.distances.tolist(), upright.angles.tolist()) == ([19.0], [0.0])
    many = hough_lines(NOISE, votes=8, most=1000).votes
    assert len(many) > 1
    assert (np.diff(many) <= 0).all()


def test_a_line_is_drawn_through_its_pixels():
    for angle in (0, 30, 90, 135):
        found = hough_lines(half_plane(angle)[0], votes=40, most=1)
        start, end = found.panels()[1].strokes.paths[0]
        normal = np.radians(found.angles[0])
        for x, y in (start, end):
            assert x * np.cos(normal) + y * np.sin(normal) == pytest.approx(found.distances[0])
        assert min(start.min(), end.min()) < 0  # beyond the image on both sides
        assert max(start.max(), end.max()) > 119


def test_every_line_has_as_many_votes_as_asked_for():
    level = half_plane(90)[0]
    assert hough_lines(level, 120).votes.tolist() == [120]
    assert len(hough_lines(level, 121).votes) == 0
    for votes in (8, 10, 12):
        assert hough_lines(NOISE, votes, most=10**6).votes.min() == votes
    assert len(hough_lines(NOISE, 1, most=7).votes) == 7


def test_without_a_number_a_line_needs_half_the_shorter_side():
    assert hough_lines(half_plane(0)[0]).least == 60
    assert hough_lines(NOISE[:1, :1]).least == 2


@pytest.mark.parametrize(("long", "least"), [(90, 75), (60, 37), (20, 18), (10, 18)])
def test_without_a_number_ever_fewer_votes_are_asked_for_until_there_is_a_line(long, least):
    """Half of 150 is 75, and 37, and 18; the half of that would be less than ten."""
    scene = np.zeros((150, 200), np.uint8)
    scene[:long, :long] = 200
    found = hough_lines(scene)
    assert found.least == least
    assert found.sentences()[0] == f"hough_lines: lines through {least} edge pixels or more"
    assert (len(found.votes) > 0) == (long >= least)


@given(some.integers(0, 179), some.integers(-30, 30))
def test_one_straight_edge_is_told_as_one_line(angle, aside):
    assert len(hough_lines(half_plane(angle, aside)[0], votes=40).votes) == 1


@pytest.mark.parametrize(("apart", "lines"), [(4, 1), (8, 2)])
def test_two_edges_are_two_lines_if_they_are_more_than_five_pixels_apart(apart, lines):
    bar = np.zeros((100, 100), np.uint8)
    bar[:, 30 : 30 + apart] = 255
    assert len(hough_lines(bar, votes=90).votes) == lines


def test_a_negative_distance_is_told_as_a_positive_one_with_the_normal_turned():
    scene, distance = half_plane(135, aside=-20)
    found = hough_lines(scene, votes=60)
    assert found.distances[0] == pytest.approx(distance, abs=3)
    assert (found.distances[0] < 0, found.angles[0]) == (True, 135)
    assert found.sentences()[2].startswith(f"  {-found.distances[0]:.0f} px from the top left, normal at 315°: ")


def test_an_image_without_edges_has_no_lines():
    found = hough_lines(np.zeros((30, 30), np.uint8))
    assert found.sentences() == ["hough_lines: lines through 15 edge pixels or more", "lines: 0"]
    assert found.to_dict()["lines"] == []
    assert found.panels()[1].strokes.paths.shape == (0, 2, 2)


def test_the_five_strongest_lines_are_told_and_all_are_given():
    found = hough_lines(NOISE, 8)
    assert len(found.sentences()) == 2 + 5
    assert len(found.to_dict()["lines"]) == 20
    first = found.to_dict()["lines"][0]
    assert found.sentences()[2].endswith(f": {first['votes']} votes")


@pytest.mark.parametrize("how", [{"votes": 0}, {"votes": 2.5}, {"most": 0}, {"most": -1}])
def test_numbers_of_votes_and_lines_are_whole_and_positive(how):
    (name, value) = next(iter(how.items()))
    with pytest.raises(SettingsError, match=f"{name} is {value}; expected a whole number from 1"):
        hough_lines(NOISE, **how)
