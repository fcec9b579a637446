"""Cropping to whole pixels, then resizing: against Pillow, handed the same box."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from PIL import Image, ImageOps

from striate.errors import ImageError, SettingsError
from striate.images.geometry import Geometry, Part

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
sides = some.integers(1, 60)
shares = some.sampled_from([1.0, 0.875, 0.5, 0.3])


def noise(height, width, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def shown(planes):
    """(C, H, W) as Pillow shows it, (H, W, C)."""
    return planes.transpose(1, 2, 0)


def resized(pixels, size, interpolation):
    """Each channel by Pillow, by itself, first its rows and then its columns."""
    planes, across = [Image.fromarray(np.ascontiguousarray(plane)) for plane in pixels.transpose(2, 0, 1)], size[1]
    rows = [plane.resize((across, len(pixels)), PILLOW[interpolation]) for plane in planes]
    return np.stack([np.asarray(plane.resize(size[::-1], PILLOW[interpolation])) for plane in rows], axis=2)


@given(
    some.tuples(sides, sides),
    some.tuples(sides, sides),
    some.sampled_from([1, 3, 4, 7]),
    some.sampled_from(["crop", "stretch"]),
    some.sampled_from(sorted(PILLOW)),
    shares,
)
def test_it_is_pillows_resize_of_the_part_that_is_kept(shape, size, channels, fit, interpolation, share):
    pixels, geometry = noise(*shape, channels), Geometry(size, fit=fit, interpolation=interpolation, share=share)
    top, left, height, width = geometry.kept(*shape)
    expected = resized(pixels[top : top + height, left : left + width], size, interpolation)
    difference = np.abs(shown(geometry.apply(pixels)).astype(int) - expected)
    assert difference.max() <= 2 and (difference > 1).sum() <= max(1, difference.size // 1000)


@given(some.tuples(sides, sides), some.tuples(sides, sides), some.sampled_from([1, 3, 4, 7]))
@example((1, 500), (8, 8), 3)
def test_a_padded_image_is_the_whole_image_in_the_middle_of_black(shape, size, channels):
    pixels = np.maximum(noise(*shape, channels), 3)  # which a level of difference does not make black
    planes = shown(Geometry(size, fit="pad").apply(pixels))
    with_light = np.argwhere(planes.any(axis=2))
    (top, left), (bottom, right) = with_light.min(axis=0), with_light.max(axis=0) + 1
    assert {top - (size[0] - bottom), left - (size[1] - right)} <= {0, -1}  # an odd rest: less above and on the left
    expected = resized(pixels, (bottom - top, right - left), "bilinear").astype(int)
    difference = np.abs(planes[top:bottom, left:right] - expected)
    assert difference.max() <= 2 and (difference > 1).sum() <= max(1, difference.size // 1000)
    scale = min(size[0] / shape[0], size[1] / shape[1])
    for inner, side in zip((bottom - top, right - left), shape, strict=True):
        assert abs(inner - max(1, side * scale)) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("size", "fit", "share", "shape", "kept"),
    [
        ((224, 224), "crop", 1.0, (375, 500), (0, 62, 375, 375)),  # 125 to cut off: 62 on the left, 63 on the right
        ((224, 224), "crop", 1.0, (500, 375), (62, 0, 375, 375)),
        ((224, 224), "crop", 0.875, (375, 500), (23, 86, 328, 328)),  # 328.125; 47 and 172 to cut off
        ((224, 224), "crop", 0.5, (375, 500), (93, 156, 188, 188)),  # 187.5 is rounded upwards
        ((16, 20), "crop", 1.0, (33, 47), (0, 3, 33, 41)),  # 33 · 20 / 16 = 41.25
        ((10, 30), "crop", 1.0, (10, 10), (3, 0, 3, 10)),  # 3.33
        ((10, 30), "stretch", 0.5, (9, 4), (2, 1, 5, 2)),  # 4.5 upwards
        ((10, 30), "stretch", 1.0, (9, 4), (0, 0, 9, 4)),
        ((10, 30), "pad", 1.0, (9, 4), (0, 0, 9, 4)),
        ((1, 1000), "crop", 0.1, (5, 5), (2, 2, 1, 1)),  # at least a pixel
    ],
)
def test_what_is_kept_by_hand(size, fit, share, shape, kept):
    assert Geometry(size, fit=fit, share=share).kept(*shape) == kept


@given(some.tuples(some.integers(1, 5000), some.integers(1, 5000)), some.tuples(sides, sides), shares)
def test_what_is_kept_lies_in_the_middle_of_the_image_and_touches_its_nearer_sides(shape, size, share):
    top, left, height, width = Geometry(size, share=share).kept(*shape)
    assert 0 <= top <= shape[0] - height and 0 <= left <= shape[1] - width
    assert shape[0] - height - 2 * top in (0, 1) and shape[1] - width - 2 * left in (0, 1)
    assert max(height / shape[0] - share, width / shape[1] - share) <= 1 / min(shape)
    if share == 1:
        assert height == shape[0] or width == shape[1]


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (7, 7), (100, 9), (1, 1)])
@pytest.mark.parametrize("size", [(16, 16), (12, 20), (20, 12)])
def test_cropping_is_pillows_fit_to_half_a_pixel(shape, size):
    down, right = np.mgrid[: shape[0], : shape[1]]
    slope = np.stack([2 * down, 4 * right, down + right], axis=2).astype(np.uint8)  # half a pixel is 1, 2 and 1
    expected = ImageOps.fit(Image.fromarray(slope), size[::-1], Image.Resampling.BILINEAR)
    difference = shown(Geometry(size).apply(slope)).astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 4


def test_cropping_keeps_the_centre():
    stripes = np.zeros((10, 30, 3), np.uint8)
    stripes[:, :10, 0] = stripes[:, 10:20, 1] = stripes[:, 20:, 2] = 255  # red, green, blue
    for picture in (stripes, stripes.transpose(1, 0, 2).copy()):
        assert (shown(Geometry((8, 8), interpolation="nearest").apply(picture)) == (0, 255, 0)).all()


def test_padding_shows_the_whole_picture_on_black():
    lying = Geometry((20, 20), fit="pad").apply(np.full((10, 20, 1), 255, np.uint8))[0]
    assert (lying[5:15] == 255).all()
    assert not lying[:5].any() and not lying[15:].any()
    standing = Geometry((20, 20), fit="pad").apply(np.full((20, 10, 1), 255, np.uint8))[0]
    np.testing.assert_array_equal(standing, lying.T)


def test_padding_keeps_at_least_one_pixel_of_a_thread():
    assert (Geometry((8, 8), fit="pad").apply(np.full((1000, 1, 1), 255, np.uint8)) == 255).any()


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("channels", [1, 3, 4, 7])
def test_any_image_comes_out_in_the_size_asked_for(fit, channels):
    for shape in ((1, 1), (3, 200), (200, 3), (32, 32), (24, 40)):
        planes = Geometry((24, 40), fit=fit).apply(noise(*shape, channels))
        assert planes.shape == (channels, 24, 40)
        assert planes.dtype == np.uint8 and planes.flags.writeable and planes.flags.c_contiguous


def test_grey_as_colour_is_three_equal_planes():
    pixels = noise(4, 4, 1)
    np.testing.assert_array_equal(shown(Geometry((4, 4), channels=3).apply(pixels)), pixels.repeat(3, axis=2))


@given(some.lists(some.tuples(*[some.integers(0, 255)] * 3), min_size=1, max_size=50))
def test_colour_as_grey_is_pillows_luma(colours):
    pixels = np.array(colours, np.uint8)[None]  # ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    np.testing.assert_array_equal(Geometry(expected.shape, channels=1).apply(pixels)[0], expected)


@pytest.mark.parametrize(("held", "wanted"), [(3, 4), (4, 3), (1, 2), (7, 1), (2, 3)])
def test_another_number_of_channels_is_refused_with_both(held, wanted):
    with pytest.raises(ImageError, match=rf"has {held} channels?; expected {wanted}: give --channels {held}"):
        Geometry((4, 4), channels=wanted).apply(noise(8, 8, held))


def test_a_part_is_cut_out_by_its_slices():
    pixels = noise(9, 8)
    np.testing.assert_array_equal(pixels[Part(2, 3, 4, 5).slices], pixels[2:6, 3:8])


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_where_a_point_goes_is_told_by_what_is_kept_and_where_it_is_shown(fit):
    pixels = np.zeros((61, 90, 1), np.uint8)
    pixels[30:36, 50:56] = 255
    geometry = Geometry((40, 50), fit=fit)
    kept, part = geometry.kept(61, 90), geometry.shown(61, 90)
    down, across = (np.average(axis, weights=geometry.apply(pixels)[0]) + 0.5 for axis in np.mgrid[:40, :50])
    assert down == pytest.approx((33 - kept.top) * part.height / kept.height + part.top, abs=0.1)
    assert across == pytest.approx((53 - kept.left) * part.width / kept.width + part.left, abs=0.1)


@pytest.mark.parametrize("limits", [(1, 1), (2, 1), (0, float("inf")), (float("nan"), 1)])
def test_a_range_that_is_none_is_refused(limits):
    with pytest.raises(SettingsError, match="expected two numbers, that of black below that of white"):
        Geometry((8, 8), range=limits)


@pytest.mark.parametrize("channels", [0, -1, 1.5, True, 65536])
def test_a_number_of_channels_that_no_image_has_is_refused(channels):
    with pytest.raises(SettingsError, match=r"channels is .*; expected a whole number from 1 to 65,535"):
        Geometry((8, 8), channels=channels)
