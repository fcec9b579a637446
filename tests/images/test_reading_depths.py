"""More than 8 bits: scaled by white, rounded to the nearest, never clipped; expectations in whole numbers."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from striate.errors import ImageError
from striate.images.reading import read_image

RAMP = np.arange(65536, dtype=np.uint16).reshape(256, 256)


def encoded(values, form):
    file = io.BytesIO()
    Image.fromarray(values).save(file, form)
    return file.getvalue()


def tiff(width, height, *, bits, white_is_zero, strip):
    """The bytes of a TIFF of grey values, as the specification (TIFF 6.0, section 4) has it: one uncompressed strip."""
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: int(not white_is_zero), 273: 8, 277: 1, 278: height}
    tags[279] = len(strip)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_every_sixteen_bit_value_is_scaled_to_the_nearest(form):
    np.testing.assert_array_equal(read_image(encoded(RAMP, form))[:, :, 0], (RAMP.astype(int) + 128) // 257)


def test_twelve_bit_white_is_white():
    strip = bytes.fromhex("000fff800400")  # two values in three bytes: 0, 4095; 2048, 1024
    pixels = read_image(tiff(2, 2, bits=12, white_is_zero=False, strip=strip))
    assert pixels[:, :, 0].tolist() == [[0, 255], [128, 64]]


@pytest.mark.parametrize(("bits", "strip"), [(8, "00ff80"), (16, "0000ffff0080")])
def test_a_tiff_whose_white_is_zero_is_not_a_negative(bits, strip):
    pixels = read_image(tiff(3, 1, bits=bits, white_is_zero=True, strip=bytes.fromhex(strip)))
    assert pixels[:, :, 0].tolist() == [[255, 0, 127]]


def test_floats_from_zero_to_one_are_scaled_by_255():
    values = np.array([[0, 0.25, 0.5, 1]], np.float32)
    assert read_image(encoded(values, "TIFF"))[:, :, 0].tolist() == [[0, 64, 128, 255]]


@pytest.mark.parametrize("values", [[0, 255], [-0.5, 0.5], [0, 1.001], [0, float("inf")], [0.5, float("nan")]])
def test_floats_outside_zero_to_one_are_refused_with_their_range(values):
    with pytest.raises(ImageError, match=r"values reach from .* to .*; expected 0 to 1: scale them"):
        read_image(encoded(np.array([values], np.float32), "TIFF"))


def test_integers_beyond_sixteen_bits_are_refused_with_their_range():
    with pytest.raises(ImageError, match=r"from 0 to 70000; expected 0 to 65535"):
        read_image(encoded(np.array([[0, 70000]], np.int32), "TIFF"))
