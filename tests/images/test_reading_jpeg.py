"""JPEGs have the pixels that Pillow's own decoder gives, bit for bit, whichever decoder read them."""

import io
import struct

import numpy as np
import pytest
import simplejpeg
from PIL import Image, ImageOps

from striate.errors import ImageError
from striate.images.jpeg import read_jpeg
from striate.images.reading import examine, read_image


def noise(height=37, width=53, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def jpeg(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "JPEG", **options)
    return file.getvalue()


def with_segment(content, marker, body):
    """The file with one more segment behind its first two bytes."""
    return content[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + content[2:]


def by_pillow(content):
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(ImageOps.exif_transpose(image))
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [30, 95])
def test_every_way_to_write_colours_is_read_bit_for_bit_as_pillow_does(subsampling, progressive, quality):
    content = jpeg(noise(), subsampling=subsampling, progressive=progressive, quality=quality)
    np.testing.assert_array_equal(read_jpeg(content).pixels, by_pillow(content))


def test_grey_is_one_channel_and_bit_for_bit_pillows():
    content = jpeg(noise(channels=1))
    reading = read_jpeg(content)
    assert reading.pixels.shape == (37, 53, 1)
    assert reading.facts == ("JPEG", "L", 53, 37, 1, 1, 8, False)
    np.testing.assert_array_equal(reading.pixels, by_pillow(content))


def test_every_jpeg_that_people_have_is_bit_for_bit_pillows(shared):
    paths = [*shared.glob("data/broken_and_odd/*/*.jpg"), *shared.glob("data/imagenet_sample/*.JPEG")]
    paths += shared.glob("data/hymenoptera/train/ants/*.jpg")
    fast = 0
    for path in sorted(paths):
        content = path.read_bytes()
        if (reading := read_jpeg(content)) is not None:
            fast += 1
            np.testing.assert_array_equal(reading.pixels, by_pillow(content), err_msg=path.name)
            np.testing.assert_array_equal(read_image(path), reading.pixels)
    assert fast > 100


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_upright_as_pillow_turns_it(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    content = jpeg(noise(), exif=exif)
    reading = read_jpeg(content)
    np.testing.assert_array_equal(reading.pixels, by_pillow(content))
    assert (reading.facts.width, reading.facts.height, reading.facts.orientation) == (53, 37, orientation)


@pytest.mark.parametrize("orientation", [0, 9, 99])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    assert examine(jpeg(noise(), exif=exif)).facts.orientation == 1


def test_an_orientation_told_by_xmp_is_obeyed():
    body = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta tiff:Orientation="6"/>'
    content = with_segment(jpeg(noise()), 0xE1, body)
    assert examine(content).facts.orientation == 6
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


def test_exif_behind_other_segments_and_bytes_of_filling_is_found():
    exif = Image.Exif()
    exif[274] = 8
    content = jpeg(noise(), exif=exif)
    padded = content[:2] + b"\xff\xff\xff" + content[2:]
    for odd in (padded, with_segment(content, 0xEC, b"Ducky" + bytes(60_000))):
        assert examine(odd).facts.orientation == 8
        np.testing.assert_array_equal(read_image(odd), by_pillow(odd))


@pytest.mark.parametrize("body", [b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"])
def test_broken_exif_leaves_the_picture_as_it_lies(body):
    content = with_segment(jpeg(noise()), 0xE1, body)
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


def test_cmyk_is_left_to_pillow():
    file = io.BytesIO()
    Image.new("CMYK", (16, 16), (0, 200, 0, 0)).save(file, "JPEG")
    assert read_jpeg(file.getvalue()) is None
    assert examine(file.getvalue()).facts.mode == "CMYK"


def test_red_green_blue_without_luma_is_left_to_pillow():
    content = jpeg(noise(), keep_rgb=True)
    assert read_jpeg(content) is None
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


def test_several_pictures_in_one_file_are_counted_and_the_first_is_read():
    pictures, file = [Image.fromarray(noise()), Image.new("RGB", (53, 37))], io.BytesIO()
    pictures[0].save(file, "MPO", save_all=True, append_images=pictures[1:])
    assert read_jpeg(file.getvalue()) is None
    reading = examine(file.getvalue())
    assert (reading.facts.format, reading.facts.frames) == ("MPO", 2)
    np.testing.assert_array_equal(reading.pixels, by_pillow(file.getvalue()))


def test_damage_that_pillow_forgives_is_forgiven_and_read_as_pillow_reads_it():
    content = with_segment(jpeg(noise()), 0xE2, b"ICC_PROFILE\0\x02\x01")  # piece 2 of 1
    with pytest.raises(ValueError, match="bad ICC marker"):
        simplejpeg.decode_jpeg(content)
    np.testing.assert_array_equal(read_image(content), by_pillow(content))


@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_a_truncated_jpeg_is_refused(part):
    content = jpeg(noise(200, 200))
    with pytest.raises(ImageError, match="truncated"):
        read_image(content[: int(len(content) * part)])


def test_too_many_pixels_are_refused_by_the_header_alone():
    content = bytearray(jpeg(noise(8, 8)))
    place = content.index(b"\xff\xc0")
    content[place + 5 : place + 9] = struct.pack(">HH", 30_000, 30_000)
    with pytest.raises(ImageError, match="30000×30000 is more than 89,478,485 pixels: a decompression bomb"):
        read_image(bytes(content))
