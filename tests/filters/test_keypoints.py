"""Keypoints on discs and corners that one knows, found again when the scene is turned."""

import cv2
import numpy as np
import pytest

from striate.errors import SettingsError, SizeError, StriateError
from striate.filters.classic.keypoints import orb, sift
from striate.filters.classic.opencv import opencv

BOTH = pytest.mark.parametrize("find", [sift, orb])


@pytest.fixture(scope="module")
def scene():
    """Soft noise, which looks nowhere as it does elsewhere."""
    noise = np.random.default_rng(0).integers(0, 256, (160, 160), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)


def test_a_disc_is_a_blob_at_its_middle_and_of_its_size():
    canvas = np.zeros((100, 100), np.uint8)
    cv2.circle(canvas, (40, 60), 8, 255, -1)
    found = sift(canvas)
    assert len(found.points) > 0
    assert np.abs(found.points - (40, 60)).max() < 0.5
    assert np.abs(found.sizes - 16 / 2**0.5).max() < 1.5  # the spread of the blob that fits best is r/√2


def test_a_square_has_corners_at_its_corners():
    canvas = np.zeros((120, 120), np.uint8)
    canvas[40:80, 40:80] = 255
    found = orb(canvas).points
    corners = np.array([(x, y) for x in (40, 79) for y in (40, 79)])
    away = np.linalg.norm(found[:, None] - corners, axis=2)
    assert (away.min(axis=1) < 4).all()
    assert (away.min(axis=0) < 2).all()


@BOTH
def test_at_most_so_many_keypoints_are_found_the_strongest_first(find, scene):
    found = find(scene, most=50)
    assert 30 < len(found.points) == len(found.descriptors) <= 50
    assert (np.diff(found.strengths) <= 0).all()


@BOTH
def test_a_scene_turned_by_a_quarter_is_recognised_by_its_descriptors(find, scene):
    first, second = find(scene), find(np.rot90(scene))  # (x, y) goes to (y, 159 - x), angles fall by 90
    kind = cv2.NORM_L2 if find is sift else cv2.NORM_HAMMING
    matches = cv2.BFMatcher(kind, crossCheck=True).match(first.descriptors, second.descriptors)
    best = sorted(matches, key=lambda match: match.distance)[:20]
    there = np.array([first.points[match.queryIdx] for match in best])
    here = np.array([second.points[match.trainIdx] for match in best])
    turned = np.stack([there[:, 1], 159 - there[:, 0]], axis=1)
    right = np.linalg.norm(turned - here, axis=1) < 3
    assert right.mean() > 0.8
    turns = [first.angles[match.queryIdx] - second.angles[match.trainIdx] for match in best]
    assert np.median(np.mod(turns, 360)) == pytest.approx(90, abs=3)


@BOTH
def test_each_keypoint_is_told_as_plain_values(find, scene):
    found = find(scene, most=10)
    rows = found.to_dict()["keypoints"]
    assert len(rows) == len(found.points)
    assert list(rows[0]) == ["x", "y", "size", "angle", "strength"]
    assert [rows[0]["x"], rows[0]["y"]] == found.points[0].tolist()
    length = {sift: "128 numbers", orb: "32 bytes"}[find]
    assert found.sentences()[0] == f"{find.__name__}: {len(rows)} keypoints, each with a descriptor of {length}"


@BOTH
def test_a_flat_image_has_none(find):
    found = find(np.full((80, 80), 9, np.uint8))
    assert found.descriptors.shape == (0, {sift: 128, orb: 32}[find])
    assert found.points.shape == (0, 2)
    assert found.to_dict()["keypoints"] == []
    assert len(found.sentences()) == 1
    assert len(found.panels()[1].strokes.paths) == 0


@BOTH
def test_circles_are_as_large_as_what_is_described_and_their_radius_points_along_the_angle(find, scene):
    found = find(scene)
    path = found.panels()[1].strokes.paths[0]
    middle, first = path[0], path[1]
    assert middle.tolist() == found.points[0].tolist()
    radii = np.linalg.norm(path[1:] - middle, axis=1)
    assert radii == pytest.approx(np.full(len(radii), found.sizes[0] / 2), rel=1e-4)
    way = np.degrees(np.arctan2(first[1] - middle[1], first[0] - middle[0])) % 360
    assert way == pytest.approx(float(found.angles[0]), abs=0.1)


def test_where_keypoints_crowd_only_the_strongest_is_drawn(scene):
    found = orb(scene)
    panel = found.panels()[1]
    middles = panel.strokes.paths[:, 0]
    assert 0 < len(middles) < len(found.points)
    assert middles[0].tolist() == found.points[0].tolist()
    assert panel.note == f"{len(found.points)} keypoints; where they crowd, the strongest"
    for number, middle in enumerate(middles[1:], 1):
        earlier = panel.strokes.paths[:number]
        radii = np.linalg.norm(earlier[:, 1] - earlier[:, 0], axis=1)
        assert (np.linalg.norm(earlier[:, 0] - middle, axis=1) > radii * 0.999).all()


@BOTH
@pytest.mark.parametrize("most", [0, -5, 2.5, True, "many", 10**6])
def test_a_number_of_keypoints_that_makes_no_sense_is_refused(find, most):
    with pytest.raises(SettingsError, match=f"^most is {most!r}; expected a whole number from 1 to 100,000$"):
        find(np.zeros((50, 50), np.uint8), most)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
def test_an_image_too_small_for_the_eight_scales_of_orb_is_refused_with_the_least_size(shape):
    with pytest.raises(SizeError, match=f"^the image is {shape[0]}×{shape[1]}; orb needs 2×2 or more .+: enlarge it$"):
        orb(np.zeros(shape, np.uint8))
    assert len(orb(np.zeros(np.maximum(shape, 2), np.uint8)).points) == 0


def test_what_opencv_has_no_memory_for_is_no_matter_of_too_small_a_size():
    with pytest.raises(StriateError, match=r"^OpenCV has given up \(no memory\): try a smaller image$") as refusal:  # noqa: SIM117
        with opencv() as module:
            raise module.error("no memory")
    assert not isinstance(refusal.value, SizeError)
