import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from striate.errors import SettingsError, UnknownNameError
from striate.images.geometry import Geometry
from striate.tasks.looks import ONE, Looks, plain


@pytest.fixture
def photo():
    """Noise in colour, 300 pixels high and 400 wide."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8))


def taken(looks, geometry, image):
    """What each look shows (L, H, W, C)."""
    return [look.of(look.geometry.prepare(image)[0][None])[0].transpose(1, 2, 0) for look in looks.of(geometry)]


@pytest.mark.parametrize(
    ("text", "looks", "count"),
    [
        ("one", Looks(), 1),
        ("flip", Looks(flip=True), 2),
        ("crops", Looks(crops=True), 5),
        ("ten", Looks(flip=True, crops=True), 10),
        ("crops, flip", Looks(flip=True, crops=True), 10),
        ("scales:0.875,1,1.143", Looks(scales=(0.875, 1, 1.143)), 3),
        ("scales:0.5,flip", Looks(flip=True, scales=(0.5,)), 2),
        ("flip,crops,scales:1,1.125,1.25,1.375", Looks(True, True, (1, 1.125, 1.25, 1.375)), 40),
    ],
)
def test_words_say_which_looks_are_taken_and_how_many_these_are(text, looks, count):
    assert (Looks.parse(text), looks.count) == (looks, count)


@given(st.booleans(), st.booleans(), st.lists(st.integers(1, 80).map(lambda eighths: eighths / 8), min_size=1))
def test_looks_that_are_written_are_read_again(flip, crops, scales):
    looks = Looks(flip, crops, tuple(scales))
    assert Looks.parse(str(looks)) == looks
    assert len(Looks(flip, False, tuple(scales)).of(Geometry((32, 32)))) == Looks(flip, False, tuple(scales)).count


@pytest.mark.parametrize("text", ["", "flop", "flip,", "scales", "2", "flip,0.5"])
def test_a_word_that_is_no_look_is_refused_with_those_there_are(text):
    with pytest.raises(UnknownNameError, match=r"unknown look .*crops"):
        Looks.parse(text)


@pytest.mark.parametrize("text", ["scales:", "scales:a", "scales:0", "scales:-1", "scales:nan", "scales:1,inf"])
def test_a_scale_that_is_no_number_to_resize_by_is_refused(text):
    with pytest.raises(SettingsError, match=r"looks has the scale .*; expected numbers from"):
        Looks.parse(text)


def test_one_look_is_the_plain_preparation(photo):
    geometry = Geometry((24, 32), 3)
    assert ONE.of(geometry) == (plain(geometry),)
    np.testing.assert_array_equal(taken(ONE, geometry, photo)[0], geometry.prepare(photo)[0].transpose(1, 2, 0))


def test_ten_looks_are_pillows_crops_of_the_256_pixels_around_224_and_their_mirror_images(photo):
    whole = photo.crop((50, 0, 350, 300)).resize((256, 256), Image.Resampling.BILINEAR)
    ours = taken(Looks.parse("ten"), Geometry((224, 224), 3, share=0.875), photo)
    theirs = []
    for left, top in ((0, 0), (32, 0), (0, 32), (32, 32), (16, 16)):
        window = whole.crop((left, top, left + 224, top + 224))
        theirs += [window, window.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    assert len(ours) == 10
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(one.astype(int) - np.asarray(other)).max() <= 1  # torch and Pillow round apart now and then


def test_within_its_border_the_window_in_the_centre_is_what_the_network_is_shown_otherwise():
    image = np.random.default_rng(1).integers(0, 256, (512, 512, 3), np.uint8)
    geometry = Geometry((224, 224), 3, share=0.875)
    centre = taken(Looks(crops=True), geometry, image)[-1]
    whole = geometry.prepare(image)[0].transpose(1, 2, 0)
    np.testing.assert_array_equal(centre[1:-1, 1:-1], whole[1:-1, 1:-1])  # whose means end there


@pytest.mark.parametrize(
    ("size", "share", "around"),
    [(224, 1.0, 256), (227, 1.0, 259), (32, 1.0, 37), (224, 0.875, 256), (299, 0.875, 342), (224, 0.95, 236)],
)
def test_windows_are_cut_from_the_size_that_the_share_says_or_from_alexnets(size, share, around):
    looks = Looks(crops=True).of(Geometry((size, size), 3, share=share))
    assert {look.geometry for look in looks} == {Geometry((around, around), 3)}
    assert {look.window[2:] for look in looks} == {(size, size)}


def test_with_windows_a_scale_is_that_of_the_image_they_are_cut_from():
    looks = Looks.parse("crops,scales:1,1.125").of(Geometry((224, 224), 3, share=0.875))
    assert [look.geometry.size for look in looks] == [(256, 256)] * 5 + [(288, 288)] * 5
    assert {look.window[2:] for look in looks} == {(224, 224)}


def test_without_windows_a_scale_is_that_of_the_whole_image(photo):
    geometry = Geometry((24, 40), 3, "stretch")
    shown = taken(Looks.parse("scales:0.5,1.143"), geometry, photo)
    assert [one.shape for one in shown] == [(12, 20, 3), (27, 46, 3)]
    for one in shown:
        theirs = np.asarray(photo.resize(one.shape[1::-1], Image.Resampling.BILINEAR))
        assert np.abs(one.astype(int) - theirs).max() <= 1


def test_windows_that_do_not_fit_in_the_image_are_refused_with_the_scales_that_would():
    with pytest.raises(SettingsError, match=r"at a scale of 0\.8 the image is 205×205, .* scales above 0\.875 with"):
        Looks.parse("crops,scales:1,0.8").of(Geometry((224, 224), 3))


def test_sixteen_bits_are_mirrored_as_they_are():
    geometry = Geometry((2, 3), 1, range=(0.0, 65535.0))
    image = np.arange(6, dtype=np.uint16).reshape(2, 3) * 10_000
    mirrored = taken(Looks(flip=True), geometry, image)[1]
    np.testing.assert_array_equal(mirrored[:, :, 0], image[:, ::-1])
