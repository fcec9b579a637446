"""What a file says of itself, as it is stored: written by Pillow, so that we know it."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from striate.images.facts import Facts
from striate.images.reading import examine


def facts(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    told = examine(file.getvalue()).facts
    with Image.open(io.BytesIO(file.getvalue())) as reopened:
        assert (told.format, told.width, told.height) == (reopened.format, *reopened.size)
    return told


@pytest.mark.parametrize(
    ("mode", "form", "bits", "transparent", "channels"),
    [
        ("1", "PNG", 1, False, "grey"),
        ("1", "TIFF", 1, False, "grey"),
        ("1", "PPM", 1, False, "grey"),
        ("L", "JPEG", 8, False, "grey"),
        ("L", "PNG", 8, False, "grey"),
        ("LA", "PNG", 8, True, "grey"),
        ("P", "PNG", 1, False, "colour"),  # of one colour
        ("P", "GIF", 8, False, "colour"),
        ("RGB", "JPEG", 8, False, "colour"),
        ("RGB", "BMP", 8, False, "colour"),
        ("RGB", "AVIF", 8, False, "colour"),
        ("RGB", "JPEG2000", 8, False, "colour"),
        ("RGB", "SGI", 8, False, "colour"),
        ("RGBA", "WEBP", 8, True, "colour"),
        ("CMYK", "JPEG", 8, False, "colour"),
        ("CMYK", "TIFF", 8, False, "colour"),
        ("LAB", "TIFF", 8, False, "colour"),
        ("I;16", "PNG", 16, False, "grey"),
        ("I;16", "TIFF", 16, False, "grey"),
        ("I;16", "JPEG2000", 16, False, "grey"),
        ("F", "TIFF", 32, False, "grey"),
    ],
)
def test_mode_bits_and_transparency_are_those_that_were_written(mode, form, bits, transparent, channels):
    told = facts(Image.new(mode, (5, 3), (200, 10, 10, 10) if mode == "RGBA" else 0), form)
    assert (told.mode, told.bits, told.transparent, told.channels) == (mode, bits, transparent, channels)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "TIFF", "PNG", "AVIF"])
def test_frames_are_counted(form):
    frames = [Image.new("RGB", (5, 3), colour) for colour in ("red", "green", "blue")]
    assert facts(frames[0], form, save_all=True, append_images=frames[1:]).frames == 3


@pytest.mark.parametrize(("bigtiff", "order"), [(False, "<"), (False, ">"), (True, "<")])
def test_pages_of_a_deep_tiff_are_counted_in_every_byte_order_and_length(bigtiff, order):
    tifffile, file = pytest.importorskip("tifffile"), io.BytesIO()
    pages = np.zeros((5, 8, 9, 3), np.uint16)
    tifffile.imwrite(file, pages, photometric="rgb", bigtiff=bigtiff, byteorder=order)
    assert examine(file.getvalue(), deep=True).facts.frames == 5


def test_pages_that_go_round_in_a_circle_are_counted_once():
    tifffile, file = pytest.importorskip("tifffile"), io.BytesIO()
    tifffile.imwrite(file, np.zeros((2, 8, 9, 3), np.uint16), photometric="rgb", metadata=None)
    with tifffile.TiffFile(io.BytesIO(file.getvalue())) as written:
        first, last = (page.offset for page in written.pages)
    content = bytearray(file.getvalue())
    entries = struct.unpack_from("<H", content, last)[0]
    struct.pack_into("<I", content, last + 2 + 12 * entries, first)  # after the last comes the first
    assert examine(bytes(content), deep=True).facts.frames == 2


def test_a_broken_later_frame_does_not_hide_the_first():
    frames, file = [Image.fromarray(np.full((64, 64), value, np.uint8)) for value in (10, 250, 90)], io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    reading = examine(file.getvalue()[:-90])
    assert (reading.pixels == 10).all()
    assert 1 <= reading.facts.frames <= 3


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_those_of_the_file_and_pixels_are_upright(form, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    Image.new("RGB", (5, 3)).save(file, form, exif=exif)
    reading = examine(file.getvalue())
    assert reading.facts[2:5] == (5, 3, orientation)
    assert reading.pixels.shape[:2] == ((5, 3) if orientation > 4 else (3, 5))


@pytest.mark.parametrize("name", ["basn0g16", "basn4a16", "basn6a16", "oi1n2c16", "basn3p02", "basn0g04"])
def test_the_bits_of_a_png_are_those_in_its_header(shared, name):
    path = shared / f"data/broken_and_odd/pngsuite/{name}.png"
    told = examine(path).facts
    assert told.bits == path.read_bytes()[24] == int(name[-2:])
    assert told.channels == ("grey" if name[4:6] in ("0g", "4a") else "colour")


@pytest.mark.parametrize(
    ("mode", "channels"),
    [("LA;16", "grey"), ("La", "grey"), ("I", "grey"), ("LAB", "colour"), ("RGB;16", "colour"), ("12×uint16", "12")],
)
def test_channels_are_told_by_the_mode(mode, channels):
    assert Facts("TIFF", mode, 1, 1, 1, 1, 8, False).channels == channels
