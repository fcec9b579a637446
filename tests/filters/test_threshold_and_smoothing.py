"""Thresholds by hand and by Otsu's own criterion; smoothing against its formulas in NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from striate import filter_image
from striate.errors import ImageError, SettingsError
from striate.filters.classic.smoothing import smooth_bilateral, smooth_gaussian, smooth_median
from striate.filters.classic.threshold import threshold

greys = arrays(np.uint8, some.tuples(some.integers(1, 8), some.integers(1, 8)))
NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def spread_within(grey, level):
    """What Otsu makes least: the variance on both sides of the level, weighted by their pixels."""
    sides = [grey[grey > level].astype(float), grey[grey <= level].astype(float)]
    return sum(side.var() * side.size for side in sides if side.size)


@given(greys)
@settings(max_examples=25)  # each tries all levels
def test_no_level_parts_the_pixels_better_than_otsus(grey):
    found = threshold(grey)
    least = min(spread_within(grey, level) for level in range(255))
    assert spread_within(grey, found.level) == pytest.approx(least, rel=1e-6, abs=1e-6)


@given(greys, some.integers(0, 255))
def test_white_is_what_is_brighter_than_the_level(grey, level):
    found = threshold(grey, level)
    assert (found.white == (grey > level)).all()
    assert (found.level, found.found) == (level, False)


def test_a_colour_image_is_parted_by_its_brightness():
    red, blue = (255, 0, 0), (0, 0, 255)  # 76 and 29
    found = threshold(np.array([[red, blue]], np.uint8), 50)
    assert found.white.tolist() == [[True, False]]
    assert found.to_dict() == {"name": "threshold", "size": [1, 2], "level": 50.0, "found": False, "white": 0.5}
    assert found.sentences() == ["threshold: white above 50 (as given)", "white: 50.0% of the pixels"]


@pytest.mark.parametrize("level", [-1, 256, float("nan"), "9", True, None])
def test_a_level_that_no_pixel_can_have_is_refused(level):
    if level is None:
        assert threshold(NOISE, level).found
    else:
        with pytest.raises(SettingsError, match=f"^level is {level!r}; expected a number from 0 to 255$"):
            threshold(NOISE, level)


@pytest.mark.parametrize(("size", "kernel"), [(3, "gaussian_3x3"), (5, "gaussian_5x5")])
def test_the_small_gaussians_are_the_kernels_of_the_lectures(size, kernel):
    exact = filter_image(NOISE, kernel).response
    assert np.abs(smooth_gaussian(NOISE, size).smooth - exact).max() <= 0.5  # rounded to whole pixels


@pytest.mark.parametrize("size", [3, 5, 7, 9, 11])
def test_a_gaussian_is_binomial_up_to_five_and_beyond_that_of_its_spread(size):
    half, spread = size // 2, 0.3 * ((size - 1) / 2 - 1) + 0.8
    bell = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * spread**2))
    line = {3: np.array([1, 2, 1]) / 4, 5: np.array([1, 4, 6, 4, 1]) / 16}.get(size, bell / bell.sum())
    for grey in (NOISE[:, :, 0], np.repeat(np.uint8([[0] * 20 + [255] * 20]), 3, axis=0)):
        around = np.pad(grey.astype(float), half, mode="edge")
        rows = np.apply_along_axis(np.convolve, 1, around, line, "valid")
        exact = np.apply_along_axis(np.convolve, 0, rows, line, "valid")
        assert np.abs(smooth_gaussian(grey, size).smooth[:, :, 0] - exact).max() < 1.5


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_median_is_the_middle_of_the_pixels_around(size):
    half = size // 2
    around = np.pad(NOISE, ((half, half), (half, half), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(around, (size, size), (0, 1))
    assert (smooth_median(NOISE, size).smooth == np.median(windows, axis=(3, 4))).all()


@pytest.mark.parametrize(("size", "unlike", "far"), [(1, 75, 75), (3, 75, 75), (7, 30, 5), (9, 200, 75)])
@pytest.mark.parametrize("image", [NOISE, NOISE[:, :, :1]], ids=["colour", "grey"])
def test_a_bilateral_mean_is_taken_over_a_disc(size, unlike, far, image):
    half, (height, width) = size // 2, image.shape[:2]
    around = np.pad(image.astype(float), ((half, half), (half, half), (0, 0)), mode="edge")
    total, counted = np.zeros(image.shape), np.zeros((height, width, 1))
    for down, right in np.ndindex(size, size):
        distance = (down - half) ** 2 + (right - half) ** 2
        if distance <= half**2:
            there = around[down : down + height, right : right + width]
            difference = np.abs(there - image).sum(axis=2, keepdims=True)
            counts = np.exp(-distance / (2 * far**2) - difference**2 / (2 * unlike**2))
            total, counted = total + counts * there, counted + counts
    found = smooth_bilateral(image, size, unlike=unlike, far=far)
    assert np.abs(found.smooth - total / counted).max() < 1
    assert found.sentences()[0] == f"smooth_bilateral: over discs {size} across"
    assert smooth_median(image, size).sentences()[0] == f"smooth_median: over squares of {size}×{size}"


def test_a_bilateral_mean_keeps_an_edge_that_a_gaussian_softens():
    step = np.repeat(np.uint8([[20] * 10 + [220] * 10]), 10, axis=0)
    assert (smooth_bilateral(step, 9, unlike=20).smooth[:, :, 0] == step).all()
    assert smooth_gaussian(step, 9).change > 5


@pytest.mark.parametrize("smooth", [smooth_gaussian, smooth_median, smooth_bilateral])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1, 3), (6, 7, 1)], ids=str)
def test_a_smoothed_image_has_the_shape_of_the_image_and_a_flat_one_is_left(smooth, shape):
    found = smooth(np.full(shape, 77, np.uint8))
    assert found.smooth.shape == (*shape, 1)[:3] == found.image.shape
    assert (found.smooth == 77).all()
    assert found.change == 0


@pytest.mark.parametrize("smooth", [smooth_gaussian, smooth_median, smooth_bilateral])
@pytest.mark.parametrize("size", [0, 2, -3, 257, 3.0, "3", None])
def test_a_square_without_a_middle_is_refused(smooth, size):
    with pytest.raises(SettingsError, match=f"^size is {size!r}; expected an odd number from 1 to 255"):
        smooth(NOISE, size)


@pytest.mark.parametrize("how", [{"unlike": 0}, {"far": -1}, {"far": float("inf")}, {"unlike": "wide"}])
def test_a_spread_that_makes_no_sense_is_refused(how):
    with pytest.raises(SettingsError, match="expected a number from 1 to 1000"):
        smooth_bilateral(NOISE, **how)


@pytest.mark.parametrize("operation", [threshold, smooth_gaussian, smooth_median, smooth_bilateral])
def test_what_is_no_image_is_refused(operation, tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        operation(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="does not say what is white"):
        operation(np.zeros((3, 3), int))
