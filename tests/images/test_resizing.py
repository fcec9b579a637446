"""Resizing against Pillow, which defines it, and for floats against torch in float64, which has its own."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as some
from PIL import Image

from striate.images.resizing import nearest, resized

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
TASKS = Path("/proc/self/task")
sides = some.integers(1, 60)
pairs = some.tuples(sides, sides)
channels = some.sampled_from([1, 3, 4, 7])


def noise(height, width, channels=3, *, contrast=1):
    """Random pixels (H, W, C); of a contrast of 255, black and white ones only."""
    return (np.random.default_rng(0).integers(0, 256, (height, width, channels)) // contrast * contrast).astype(
        np.uint8
    )


def by_pillow(pixels, size, interpolation):
    """Each channel by itself, first its rows and then its columns, (C, *size)."""
    planes, across = [Image.fromarray(np.ascontiguousarray(plane)) for plane in pixels.transpose(2, 0, 1)], size[1]
    rows = [plane.resize((across, len(pixels)), PILLOW[interpolation]) for plane in planes]
    return np.stack([np.asarray(plane.resize(size[::-1], PILLOW[interpolation])) for plane in rows])


@given(pairs, pairs, channels, some.sampled_from([1, 255]), some.sampled_from(["bilinear", "bicubic"]))
@example((1, 500), (60, 60), 3, 255, "bilinear")
@example((500, 1), (7, 9), 7, 1, "bicubic")
@example((1, 1), (60, 60), 4, 1, "bicubic")
@example((59, 60), (60, 60), 3, 255, "bilinear")
def test_eight_bits_are_pillows_to_a_level(shape, size, channels, contrast, interpolation):
    pixels = noise(*shape, channels, contrast=contrast)
    difference = np.abs(resized(pixels, size, interpolation).astype(int) - by_pillow(pixels, size, interpolation))
    # two levels, of noise: 23 of 134 million values bilinear, 737 of 77 million bicubic
    assert difference.max() <= 2 and (difference > 1).sum() <= max(1, difference.size // 1000)


@given(pairs, pairs, channels)
def test_the_nearest_is_pillows_exactly(shape, size, channels):
    pixels = noise(*shape, channels)
    np.testing.assert_array_equal(resized(pixels, size, "nearest"), by_pillow(pixels, size, "nearest"))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(224, 224), (64, 96), (300, 400)])
def test_photographs_are_pillows_own_to_a_level(shared, interpolation, size):
    beyond = 0
    for path in sorted(shared.glob("data/imagenet_sample/*.JPEG"))[:12]:
        with Image.open(path) as image:
            colours = image.convert("RGB")
        expected = np.asarray(colours.resize(size[::-1], PILLOW[interpolation])).transpose(2, 0, 1)
        difference = np.abs(resized(np.asarray(colours), size, interpolation).astype(int) - expected)
        beyond += (difference > 1).sum()
        assert difference.max() <= (2 if interpolation == "bilinear" else 16)  # a bicubic mean can overshoot
    assert beyond <= 12 * 3 * size[0] * size[1] * (2e-5 if interpolation == "bilinear" else 1e-4)


@given(some.integers(1, 3000), some.integers(1, 300))
@example(6, 9)  # the middles of some new pixels lie on the border of two old ones
@example(4, 3)
def test_the_nearest_pixel_is_pillows_where_two_are_as_near(old, new):
    row = np.arange(old, dtype=np.int32)[None]
    expected = np.asarray(Image.fromarray(row).resize((new, 1), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(nearest(row, (1, new)), expected)


def test_the_nearest_pixel_keeps_numbers_of_any_kind():
    assert nearest(np.array([[1, 65535], [7, 9]], np.uint16), (1, 4)).tolist() == [[7, 7, 9, 9]]
    assert nearest(np.array([[True, False]]), (1, 4)).tolist() == [[True, True, False, False]]


@given(pairs, some.tuples(sides, some.integers(2, 60)), channels, some.sampled_from(["bilinear", "bicubic"]))
def test_floats_are_resized_as_torch_resizes_them_in_float64(shape, size, channels, interpolation):
    pixels = np.random.default_rng(0).random((*shape, channels))  # torch 2.13 errs where the result is one column
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
    expected = torch.nn.functional.interpolate(image, size, mode=interpolation, antialias=True)[0].numpy()
    np.testing.assert_allclose(resized(pixels, size, interpolation), expected, atol=1e-5)


@pytest.mark.parametrize("interpolation", PILLOW)
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_the_size_it_has_changes_nothing_and_the_memory_is_its_own(interpolation, kind):
    pixels = noise(5, 6).astype(kind)
    planes = resized(pixels, (5, 6), interpolation)
    np.testing.assert_array_equal(planes.transpose(1, 2, 0), pixels)
    assert planes.flags.c_contiguous and planes.flags.writeable and not np.shares_memory(planes, pixels)


@pytest.mark.parametrize("interpolation", PILLOW)
def test_views_of_any_order_and_pixels_that_may_not_be_written_are_taken(interpolation):
    pixels = noise(30, 40)
    view = pixels[::-1, 3:30].transpose(1, 0, 2)
    view.flags.writeable = False
    expected = resized(np.ascontiguousarray(view), (9, 11), interpolation)
    np.testing.assert_array_equal(resized(view, (9, 11), interpolation), expected)


@pytest.mark.skipif(not TASKS.is_dir(), reason="threads are counted where Linux lists them")
def test_threads_that_resize_start_no_threads_of_their_own():
    def resize_much(_):
        resized(noise(600, 800), (224, 224), "bilinear")
        resized(noise(600, 800).astype(np.float32), (224, 224), "bicubic")

    before, together = torch.get_num_threads(), Barrier(2)
    torch.set_num_threads(4)
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: together.wait(), range(2)))  # both have started
            threads = len(list(TASKS.iterdir()))
            list(pool.map(resize_much, range(8)))
            assert len(list(TASKS.iterdir())) == threads
    finally:
        torch.set_num_threads(before)
