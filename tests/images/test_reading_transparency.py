"""What is transparent lies on white: c·a + 255·(1 - a)."""

import io

import numpy as np
import pytest
from PIL import Image

from striate.images.reading import read_image


def reread(image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return read_image(file.getvalue()).astype(int)


def test_half_transparent_colour_is_mixed_with_white():
    pixels = reread(Image.new("RGBA", (1, 1), (200, 100, 0, 128)))
    assert np.abs(pixels[0, 0] - (227, 177, 127)).max() <= 1  # 200·128/255 + 255·127/255 = 227.4


def test_half_transparent_grey_is_mixed_with_white_and_stays_grey():
    pixels = reread(Image.new("LA", (1, 1), (100, 128)))
    assert pixels.shape == (1, 1, 1)
    assert abs(pixels.item() - 177) <= 1


@pytest.mark.parametrize(("alpha", "shown"), [(255, (10, 20, 30)), (0, (255, 255, 255))])
def test_opaque_is_kept_and_fully_transparent_is_white(alpha, shown):
    assert tuple(reread(Image.new("RGBA", (2, 2), (10, 20, 30, alpha)))[0, 0]) == shown


def test_a_transparent_entry_of_a_palette_is_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    assert reread(image, transparency=0).tolist() == [[[255, 255, 255], [200, 100, 50]]]


def test_a_transparent_colour_is_white():
    image = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    assert reread(image, transparency=(1, 2, 3)).tolist() == [[[255, 255, 255], [4, 5, 6]]]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_transparent_grey_is_white_at_every_depth(kind):
    white = np.iinfo(kind).max
    image = Image.fromarray(np.array([[0, white // 5, white]], kind))
    assert reread(image, transparency=0)[:, :, 0].tolist() == [[255, 51, 255]]


@pytest.mark.parametrize("mode", ["La", "RGBa", "PA"])
def test_every_mode_of_pillow_that_has_transparency_lies_on_white(mode):
    assert (read_image(Image.new(mode, (2, 2), 0)) == 255).all()
