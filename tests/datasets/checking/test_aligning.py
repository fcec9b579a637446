import numpy as np
import pytest
from PIL import Image

from striate.datasets.checking.aligning import likeness


def thumbnail(picture):
    return np.asarray(Image.fromarray(picture).convert("L").resize((32, 32), Image.Resampling.BOX))


@pytest.mark.parametrize("cut", [(0, 0, 0, 0), (8, 6, 8, 6), (12, 0, 0, 0), (0, 9, 0, 0), (10, 10, 0, 0)])
def test_a_picture_that_was_cut_is_laid_on_the_whole_one(scene, cut):
    left, top, right, bottom = cut
    for seed in range(6):
        picture = scene(seed)
        part = picture[top : 120 - bottom, left : 160 - right]
        greys, slopes = likeness(thumbnail(picture)[None], thumbnail(part)[None])[0]
        assert greys > 0.95
        assert slopes > 0.93


def test_brightness_and_contrast_do_not_count(scene):
    picture = scene(1)
    dim = (picture * 0.5 + 60).astype(np.uint8)
    assert likeness(thumbnail(picture)[None], thumbnail(dim)[None]).min() > 0.99


def test_other_pictures_are_unlike(scene):
    ours = np.stack([thumbnail(scene(seed)) for seed in range(20)])
    assert likeness(ours, ours[np.roll(np.arange(20), 1)])[:, 1].max() < 0.8


def test_two_skies_are_alike_in_their_greys_but_not_in_their_slopes():
    sky = np.linspace(220, 120, 32)[:, None] + np.zeros(32)
    noise = np.random.default_rng(0).normal(0, 6, (2, 32, 32))
    greys, slopes = likeness(*(np.clip(sky + own, 0, 255).astype(np.uint8)[None] for own in noise))[0]
    assert greys > 0.9
    assert slopes < 0.9


def test_what_is_flat_is_like_nothing():
    flat = np.full((1, 32, 32), 128, np.uint8)
    assert likeness(flat, flat).max() < 0.01


def test_no_pairs_have_no_likeness():
    assert likeness(np.zeros((0, 32, 32), np.uint8), np.zeros((0, 32, 32), np.uint8)).shape == (0, 2)
