"""Files that people really have: photographs by EXIF orientation, PngSuite, the odd ones of Pillow's own tests."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from striate.errors import ImageError
from striate.images.reading import examine, read_image


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


REFUSED = {  # truncated, of another format, or damaged
    *("00r0_gray_l.jp2", "00r1_graya_la.jp2", "01r_00.pcx", "broken.png", "cross_scan_line_truncated.tga"),
    *("crash-0e16d3bfb83be87356d026d66919deaefca44dac.tif", "crash-1185209cf7655b5aed8ae5e77784dfdd18ab59e9.tif"),
    *("crash-4f085cc12ece8cde18758d42608bed6a2a2cfb1c.tif", "crash-63b1dffefc8c075ddc606c0a2f5fdc15ece78863.tif"),
    *("crash-f46f5b2f43c370fe65706c11449f567ecc345e74.tif", "decompression_bomb.gif", "expected_to_read.jp2"),
    *("five_channels.psd", "negative_size.ppm", "negative_top_left_layer.psd", "psd-oob-write.psd"),
    *("separate_planar_extra_samples.tiff", "truncated_end_chunk.png", "truncated_jpeg.jpg", "PngSuite.README"),
    *("xd0n2c08.png", "xd3n2c08.png", "xlfn0g04.png", "xs1n0g01.png", "xs7n0g01.png"),
}
PERHAPS = {"hopper_webp.tif"}  # whose compression not every libtiff has


def by_pillow(path):
    """The file as Pillow decodes it, in floats 0..255 (H, W, C), upright and on white, by one rounding less."""
    with Image.open(path) as image:
        image.load()
        turned = ImageOps.exif_transpose(image)
        if turned.mode.startswith("I;16"):
            bits = getattr(image, "tag_v2", {}).get(258, (16,))[0]
            values = np.asarray(turned) * (255 / (2**bits - 1))
            clear = np.asarray(turned) == image.info.get("transparency")
            return np.where(clear, 255, values)[:, :, None]
        grey = turned.mode in ("1", "L", "LA", "La")
        colours = (turned.convert("LA") if turned.mode == "La" else turned).convert("RGBA")
    pixels = np.asarray(colours).astype(float)
    share = pixels[:, :, 3:] / 255
    return (pixels[:, :, :3] * share + 255 * (1 - share))[:, :, : 1 if grey else 3]


def test_every_file_is_read_as_pillow_in_full_precision_reads_it_or_refused_with_one_line(odd):
    refused = set()
    for path in sorted(path for path in odd.rglob("*") if path.is_file()):
        try:
            pixels = read_image(path)
        except ImageError as error:
            refused.add(path.name)
            assert error.reason.isprintable() and error.reason, path
            assert str(error) == f"{path}: {error.reason}"
            continue
        expected = by_pillow(path)
        assert pixels.dtype == np.uint8 and pixels.shape[:2] == expected.shape[:2], path
        assert pixels.shape[2] == expected.shape[2] or path.name[4:] == "4a16.png", path  # grey, which Pillow colours
        assert np.abs(pixels - expected).max() <= 1, path
    assert refused - PERHAPS == REFUSED


def test_a_deep_reading_of_every_file_is_the_same_picture(odd):
    deeper = 0
    for path in sorted(path for path in odd.rglob("*") if path.is_file() and path.name not in REFUSED | PERHAPS):
        usual, deep = examine(path), examine(path, deep=True)
        deeper += deep.white > 255
        assert usual.facts == deep.facts, path
        assert usual.pixels.shape == deep.pixels.shape, path
        # levels: Pillow drops the lower byte, of the alpha too, and divides premultiplied colours in what is left
        levels = 3 if "RGBa" in path.name else 2
        assert np.abs(deep.pixels * (255 / deep.white) - usual.pixels).max() <= levels, path
    assert deeper >= 25


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
