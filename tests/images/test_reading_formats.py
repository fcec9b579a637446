import io

import numpy as np
import pytest
from PIL import Image

from striate.images.reading import FORMATS, read_image

EXACT = {"WEBP": {"lossless": True}}  # how to make Pillow write the format without loss


@pytest.fixture
def picture():
    down, right = np.mgrid[:32, :32]
    return np.stack([7 * down, 8 * right, 4 * (down + right)], axis=2).astype(np.uint8)  # smooth, no symmetry


def encoded(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("form", sorted(set(FORMATS) - {"JPEG", "AVIF", "GIF"}))
def test_a_format_without_loss_gives_back_the_pixels(picture, form):
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(picture), form, **EXACT.get(form, {}))), picture)


@pytest.mark.parametrize("form", ["JPEG", "AVIF"])
def test_a_format_with_loss_gives_back_nearly_the_pixels(picture, form):
    pixels = read_image(encoded(Image.fromarray(picture), form, quality=95))
    assert np.abs(pixels.astype(int) - picture).mean() < 4


def test_a_palette_is_looked_up():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    for form in ("GIF", "PNG", "BMP"):
        assert read_image(encoded(image, form)).tolist() == [[[10, 20, 30], [200, 100, 50]]]


def test_grey_stays_one_channel():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels = read_image(encoded(Image.fromarray(grey), "PNG"))
    assert pixels.shape == (16, 16, 1)
    np.testing.assert_array_equal(pixels[:, :, 0], grey)


def test_one_bit_is_black_and_white():
    image = Image.fromarray(np.array([[True, False], [False, True]]))
    assert read_image(encoded(image, "PNG"))[:, :, 0].tolist() == [[255, 0], [0, 255]]


@pytest.mark.parametrize(
    ("ink", "colour"),
    [((255, 0, 0, 0), (0, 255, 255)), ((0, 255, 0, 0), (255, 0, 255)), ((0, 0, 0, 255), (0, 0, 0))],
)
def test_cmyk_jpeg_has_its_colours_and_not_their_negative(ink, colour):
    pixels = read_image(encoded(Image.new("CMYK", (16, 16), ink), "JPEG", quality=100))
    assert np.abs(pixels.astype(int) - colour).max() <= 4


def test_of_an_animation_the_first_frame_is_read():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    animation = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (read_image(animation) == (255, 0, 0)).all()


def test_the_orientation_of_exif_turns_the_picture():
    image, exif = Image.new("L", (3, 2)), Image.Exif()
    image.putpixel((0, 0), 255)
    exif[274] = 6  # to be shown turned a quarter clockwise: the upper left corner goes to the upper right
    expected = np.zeros((3, 2), np.uint8)
    expected[0, 1] = 255
    np.testing.assert_array_equal(read_image(encoded(image, "PNG", exif=exif))[:, :, 0], expected)


@pytest.mark.parametrize("name", ["two words.png", "Käse – 猫 №1.png", "no extension", "wrong.jpg"])
def test_the_name_of_a_file_does_not_matter(tmp_path, picture, name):
    Image.fromarray(picture).save(tmp_path / name, "PNG")
    np.testing.assert_array_equal(read_image(tmp_path / name), picture)
    np.testing.assert_array_equal(read_image(str(tmp_path / name)), picture)
