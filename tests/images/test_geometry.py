import numpy as np
import pytest
from PIL import Image, ImageOps

from striate.images.preparation import Geometry

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def noise(height, width, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def shown(planes):
    """(C, H, W) as Pillow shows it, (H, W, C)."""
    return planes.transpose(1, 2, 0)


@pytest.mark.parametrize("interpolation", PILLOW)
@pytest.mark.parametrize(("fit", "shape"), [("stretch", (30, 50)), ("crop", (40, 40)), ("pad", (40, 40))])
def test_resizing_is_pillows(interpolation, fit, shape):
    pixels = noise(*shape)
    expected = Image.fromarray(pixels).resize((16, 16), PILLOW[interpolation])
    ours = Geometry((16, 16), fit=fit, interpolation=interpolation).apply(pixels)
    np.testing.assert_array_equal(shown(ours), np.asarray(expected))


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (7, 7), (100, 9), (1, 1)])
@pytest.mark.parametrize("size", [(16, 16), (12, 20), (20, 12)])
def test_cropping_is_pillows_fit(shape, size):
    pixels = noise(*shape)
    expected = ImageOps.fit(Image.fromarray(pixels), size[::-1], Image.Resampling.BILINEAR)
    difference = shown(Geometry(size).apply(pixels)).astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1  # the box is a fraction of a pixel: the last bit may round otherwise


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
@pytest.mark.parametrize("channels", [1, 3])
def test_any_image_comes_out_in_the_size_asked_for(fit, channels):
    for shape in ((1, 1), (3, 200), (200, 3), (32, 32)):
        planes = Geometry((24, 40), fit=fit).apply(noise(*shape, channels))
        assert planes.shape == (channels, 24, 40)
        assert planes.dtype == np.uint8 and planes.flags.writeable and planes.flags.c_contiguous


def test_grey_as_colour_is_three_equal_planes():
    pixels = noise(4, 4, 1)
    np.testing.assert_array_equal(shown(Geometry((4, 4), channels=3).apply(pixels)), pixels.repeat(3, axis=2))


@pytest.mark.parametrize(("colour", "luma"), [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29)])
def test_colour_as_grey_is_its_luma(colour, luma):
    pixels = np.full((4, 4, 3), colour, np.uint8)  # ITU-R 601: 0.299 R + 0.587 G + 0.114 B
    assert (Geometry((4, 4), channels=1).apply(pixels) == luma).all()
