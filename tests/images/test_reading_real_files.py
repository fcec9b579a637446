"""Files that people really have: photographs by EXIF orientation, PngSuite, the odd ones of Pillow's own tests."""

import numpy as np
import pytest
from PIL import Image

from striate.errors import ImageError
from striate.images.reading import read_image


@pytest.fixture(scope="module")
def odd(shared):
    return shared / "data/broken_and_odd"


def difference(one, other):
    return np.abs(one.astype(float) - other).mean()


@pytest.mark.parametrize("orientation", range(9))
def test_a_photograph_comes_out_upright_whatever_its_orientation(odd, orientation):
    with Image.open(odd / "exif/Landscape_1.jpg") as upright:
        expected = np.asarray(upright)
    pixels = read_image(odd / f"exif/Landscape_{orientation}.jpg")
    assert pixels.shape == expected.shape
    assert difference(pixels, expected) < 5  # grey levels; turned or mirrored it would be more than 70


@pytest.mark.parametrize("name", ["hopper_orientation_2.jpg", "hopper_orientation_4.jpg", "hopper_orientation_6.webp"])
def test_orientation_is_applied_in_every_format_that_has_it(odd, name):
    upright = read_image(odd / "pillow/hopper.png")
    assert difference(read_image(odd / "pillow" / name), upright) < 6
    assert difference(upright[:, ::-1], upright) > 30  # the picture is not its own mirror image


def test_every_file_is_read_as_an_image_or_refused_with_a_reason(odd):
    read, refused = [], {}
    for path in sorted(path for path in odd.rglob("*") if path.is_file()):
        try:
            pixels = read_image(path)
        except ImageError as error:
            refused[path.name] = error.reason
        else:
            read.append(path.name)
            assert pixels.dtype == np.uint8, path
            assert pixels.ndim == 3 and pixels.shape[2] in (1, 3) and pixels.size, path
    assert len(read) >= 340
    assert all(refused.values())
    assert {"broken.png", "truncated_jpeg.jpg", "truncated_end_chunk.png", "decompression_bomb.gif"} <= refused.keys()
    assert {"xd0n2c08.png", "xlfn0g04.png", "xs1n0g01.png", "PngSuite.README"} <= refused.keys()


@pytest.mark.parametrize("name", ["hopper.Lab.tif", "hopper.bmp", "hopper.gif", "hopper.jpg", "hopper_lzma.tif"])
def test_the_same_picture_comes_out_of_every_format_and_colour_space(odd, name):
    assert difference(read_image(odd / "pillow" / name), read_image(odd / "pillow/hopper.ppm")) < 4


@pytest.mark.parametrize("name", ["basn0g16", "basi0g16", "oi2n0g16", "g03n0g16", "g07n0g16", "g10n0g16"])
def test_sixteen_bit_grey_is_scaled_by_its_white_and_never_clipped(odd, name):
    cv2 = pytest.importorskip("cv2")
    values = cv2.imread(str(odd / f"pngsuite/{name}.png"), cv2.IMREAD_UNCHANGED)
    assert values.dtype == np.uint16
    np.testing.assert_array_equal(read_image(odd / f"pngsuite/{name}.png")[:, :, 0], np.rint(values / 257))


@pytest.mark.parametrize("name", ["oi1n2c16", "pp0n2c16"])
def test_sixteen_bit_colour_is_within_one_level_of_its_scaled_value(odd, name):
    cv2 = pytest.importorskip("cv2")
    values = cv2.imread(str(odd / f"pngsuite/{name}.png"), cv2.IMREAD_UNCHANGED)[:, :, ::-1]
    assert values.dtype == np.uint16
    assert np.abs(read_image(odd / f"pngsuite/{name}.png") - values / 257).max() <= 1  # Pillow drops the low byte


def test_twelve_bits_are_scaled_by_their_own_white(odd):
    cv2 = pytest.importorskip("cv2")
    values = cv2.imread(str(odd / "pillow/12bit.cropped.tif"), cv2.IMREAD_UNCHANGED) // 16  # OpenCV shifts them left
    assert values.max() < 4096
    np.testing.assert_array_equal(read_image(odd / "pillow/12bit.cropped.tif")[:, :, 0], np.rint(values * (255 / 4095)))


def test_cmyk_has_the_colours_that_an_independent_decoder_gives(odd):
    cv2 = pytest.importorskip("cv2")
    expected = cv2.imread(str(odd / "pillow/pil_sample_cmyk.jpg"))[:, :, ::-1]
    assert difference(read_image(odd / "pillow/pil_sample_cmyk.jpg"), expected) < 2


def test_a_sixteen_bit_grey_that_is_transparent_lies_on_white(odd):
    with Image.open(odd / "pillow/i_trns.png") as image:
        values, transparent = np.asarray(image), image.info["transparency"]
    assert (values == transparent).any()
    assert (read_image(odd / "pillow/i_trns.png")[values == transparent] == 255).all()
