"""From a file to planes in one step: 8 bits by the file's white, or 16 bits between two values that are said."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from striate.errors import ImageError
from striate.images.geometry import Geometry
from striate.images.reading import read_image

RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def noise(*shape, kind=np.uint16, top=65536):
    return np.random.default_rng(0).integers(0, top, shape).astype(kind)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_without_a_range_it_is_reading_and_then_the_geometry():
    content = png(noise(30, 40, 3, kind=np.uint8, top=256))
    for geometry in (Geometry((9, 9)), Geometry((9, 9), 1), Geometry((9, 9), fit="pad")):
        planes, facts = geometry.prepare(content)
        np.testing.assert_array_equal(planes, geometry.apply(read_image(content)))
        assert facts.format == "PNG" and (facts.width, facts.height) == (40, 30)


@given(some.integers(-3000, 3000), some.integers(1, 70_000), some.sampled_from([np.int16, np.uint16, np.float32]))
def test_a_range_is_black_to_white_in_sixteen_bits_rounded_to_the_nearest(low, span, kind):
    limits = np.iinfo(kind) if np.issubdtype(kind, np.integer) else np.finfo(kind)
    low = max(low, limits.min)
    high = min(low + span, limits.max)
    values = np.linspace(low, high, 35).astype(kind).clip(low, high).reshape(5, 7)
    planes, _ = Geometry((5, 7), range=(low, high)).prepare(values)
    assert planes.dtype == np.uint16
    exact = (values.astype(float) - low) * 65535 / (high - low)
    assert np.abs(planes[0] - exact).max() <= 0.5


def test_the_ends_of_a_range_are_black_and_white():
    planes, _ = Geometry((1, 3), range=(-1000, 3000)).prepare(np.array([[-1000, 1000, 3000]], np.int16))
    assert planes.tolist() == [[[0, 32768, 65535]]]


@pytest.mark.parametrize(
    ("values", "reach"), [([[0, 4096]], "0 to 4096"), ([[-1, 5]], "-1 to 5"), ([[0.0, np.inf]], "0 to inf")]
)
def test_values_outside_the_range_are_refused_with_both(values, reach):
    kind = np.float32 if np.inf in values[0] else np.int16
    with pytest.raises(ImageError, match=f"its values reach from {reach}; --range says 0:4095"):
        Geometry((1, 2), range=(0, 4095)).prepare(np.array(values, kind))


def test_what_is_no_number_is_refused():
    with pytest.raises(ImageError, match="some of its values are not numbers"):
        Geometry((1, 2), range=(0, 1)).prepare(np.array([[0.5, np.nan]]))


@pytest.mark.parametrize("interpolation", RESAMPLING)
@pytest.mark.parametrize("channels", [1, 3, 4, 7])
@pytest.mark.parametrize("size", [(16, 12), (70, 90)])
def test_sixteen_bits_are_resized_as_pillow_resizes_floats(interpolation, channels, size):
    values = noise(33, 47, channels)
    geometry = Geometry(size, channels, fit="stretch", interpolation=interpolation, range=(0, 65535))
    planes, _ = geometry.prepare(values)
    for plane, ours in zip(values.transpose(2, 0, 1), planes, strict=True):
        exact = Image.fromarray(plane.astype(np.float32)).resize(size[::-1], RESAMPLING[interpolation])
        assert np.abs(ours - np.clip(exact, 0, 65535)).max() <= 0.51


def test_the_nearest_of_sixteen_bits_is_the_value_itself():
    values = noise(33, 47)
    planes, _ = Geometry((10, 20), fit="stretch", interpolation="nearest", range=(0, 65535)).prepare(values)
    expected = Image.fromarray(values.astype(np.int32)).resize((20, 10), Image.Resampling.NEAREST)
    np.testing.assert_array_equal(planes[0], expected)


def test_what_is_padded_is_black_whatever_the_range():
    planes, _ = Geometry((4, 8), fit="pad", range=(-100, 100)).prepare(np.full((4, 4), 100, np.int16))
    assert (planes[0, :, 2:6] == 65535).all() and not planes[0, :, :2].any() and not planes[0, :, 6:].any()


def test_grey_becomes_colour_and_colour_becomes_grey_in_sixteen_bits():
    grey, colour = noise(4, 5), noise(4, 5, 3)
    planes, _ = Geometry((4, 5), 3, range=(0, 65535)).prepare(grey)
    np.testing.assert_array_equal(planes, grey[None].repeat(3, axis=0))
    planes, _ = Geometry((4, 5), 1, range=(0, 65535)).prepare(colour)
    assert np.abs(planes[0] - colour @ [0.299, 0.587, 0.114]).max() <= 1


def test_eight_bits_in_a_range_are_their_values():
    planes, _ = Geometry((1, 2), range=(0, 255)).prepare(png(np.array([[0, 128]], np.uint8)))
    assert planes.tolist() == [[[0, 128 * 257]]]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_many_channels_without_a_range_are_eight_bits_by_their_white(kind):
    white = 1 if kind == np.float32 else np.iinfo(kind).max
    array = (noise(4, 5, 6, top=256) / 255 * white).astype(kind)
    planes, facts = Geometry((4, 5), 6).prepare(array)
    assert planes.dtype == np.uint8 and facts.channels == "6"
    np.testing.assert_array_equal(planes, np.rint(array.transpose(2, 0, 1) / white * 255))


def test_many_channels_of_integers_without_a_white_are_refused_with_what_to_ask_for():
    with pytest.raises(ImageError, match=r"does not say what is white: .*--range low:high"):
        Geometry((4, 5), 6).prepare(noise(4, 5, 6, kind=np.int16, top=9))


def test_the_alpha_is_a_channel_only_where_four_are_asked_for():
    pixels = noise(4, 5, 4, kind=np.uint8, top=256)
    np.testing.assert_array_equal(Geometry((4, 5), 4).prepare(png(pixels))[0], pixels.transpose(2, 0, 1))
    assert Geometry((4, 5)).prepare(png(pixels))[0].shape == (3, 4, 5)
    with pytest.raises(ImageError, match="it has 3 channels; expected 5"):
        Geometry((4, 5), 5).prepare(png(pixels))


def test_channels_that_are_not_asked_for_are_refused_with_what_to_ask_for():
    with pytest.raises(ImageError, match="--channels 6"):
        Geometry((4, 5)).prepare(noise(4, 5, 6))
    with pytest.raises(ImageError, match="it has 6 channels; expected 3: give --channels 6"):
        Geometry((4, 5), 3, range=(0, 65535)).prepare(noise(4, 5, 6))
