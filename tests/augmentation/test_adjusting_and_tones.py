"""Every change of pixels held to Pillow's, within one level; hue to colorsys."""

import colorsys

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from striate.augmentation.adjusting import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
)
from striate.augmentation.colour import Colour
from striate.augmentation.tones import autocontrast, equalise, posterise, solarise
from striate.augmentation.views import Views
from striate.errors import SettingsError

ENHANCERS = {
    "brightness": (adjust_brightness, ImageEnhance.Brightness),
    "contrast": (adjust_contrast, ImageEnhance.Contrast),
    "saturation": (adjust_saturation, ImageEnhance.Color),
    "sharpness": (adjust_sharpness, ImageEnhance.Sharpness),
}
FACTORS = [0.0, 0.1, 0.7, 1.0, 1.3, 1.9]
TONES = {
    "autocontrast": (autocontrast, ImageOps.autocontrast),
    "equalise": (equalise, ImageOps.equalize),
    "solarise": (
        lambda images, white: solarise(images, torch.full((len(images),), 100 * (white + 1) / 256), white),
        lambda image: ImageOps.solarize(image, 100),
    ),
    "posterise": (
        lambda images, white: posterise(images, torch.full((len(images),), 3), white),
        lambda image: ImageOps.posterize(image, 3),
    ),
}


def pillows(photographs, change):
    return np.stack([np.asarray(change(Image.fromarray(p.transpose(1, 2, 0)))) for p in photographs.numpy()]).transpose(
        0, 3, 1, 2
    )


def whole(levels):
    """Levels as Pillow stores them: what is behind the point is cut off."""
    return np.floor(levels + 1e-3)


def plain_batch(photographs):
    """Photographs, and images of which a part of the rules is about: one level, two levels, and few bright pixels."""
    flat = torch.full_like(photographs[:1], 77)
    two = flat.clone()
    two[:, :, :, 40:] = 200
    dark = photographs[:1] // 4
    dark[:, :, :2] = 255
    return torch.cat([photographs, flat, two, dark])


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("name", ENHANCERS)
def test_an_enhancement_is_pillows(photographs, name, factor):
    ours, theirs = ENHANCERS[name]
    images = plain_batch(photographs)
    enhanced = ours(images.float(), torch.full((len(images),), factor), 255).numpy()
    expected = pillows(images, lambda image: theirs(image).enhance(factor))
    assert np.abs(whole(enhanced) - expected).max() <= 1


def test_each_image_has_its_own_factor(photographs):
    factors = torch.tensor(FACTORS)
    for adjust, _ in ENHANCERS.values():
        together = adjust(photographs.float(), factors, 255)
        for place, factor in enumerate(factors):
            assert torch.equal(
                together[place : place + 1], adjust(photographs[place : place + 1].float(), factor[None], 255)
            )


@pytest.mark.parametrize("name", TONES)
def test_a_tone_curve_is_pillows(photographs, name):
    ours, theirs = TONES[name]
    images = plain_batch(photographs)
    difference = np.abs(whole(ours(images.float(), 255).numpy()) - pillows(images, theirs))
    assert difference.max() <= (1 if name == "autocontrast" else 0)
    assert (difference == 0).mean() > 0.99


@pytest.mark.parametrize("name", TONES)
def test_a_tone_curve_of_16_bits_is_that_of_8_bits(photographs, name):
    ours, _ = TONES[name]
    deep = ours(photographs.float() * 257, 65535) / 257
    assert (deep - ours(photographs.float(), 255)).abs().max() <= 1


@pytest.mark.parametrize("turn", [-0.5, -0.1, 0.0, 0.2, 0.35, 0.5])
def test_a_turned_hue_is_that_of_colorsys(turn):
    colours = np.random.default_rng(0).integers(0, 256, (200, 3))
    colours[:8] = [
        [0, 0, 0],
        [255, 255, 255],
        [9, 9, 9],
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [7, 7, 200],
        [90, 200, 90],
    ]
    image = torch.from_numpy(colours.T.copy()).float().view(1, 3, 20, 10)
    turned = adjust_hue(image, torch.tensor([turn]), 255).view(3, -1).T.numpy()
    for colour, ours in zip(colours / 255, turned, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*colour)
        expected = np.array(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)) * 255
        np.testing.assert_allclose(ours, expected, atol=0.01)


def test_no_change_of_colour_is_the_identity(photographs, draws):
    views = Views(photographs, 255)
    assert torch.equal(Colour(0, 0, 0, 0).apply(views, draws(6)).images, photographs.float())
    torch.testing.assert_close(
        adjust_hue(photographs.float(), torch.zeros(6), 255), photographs.float(), rtol=0, atol=1e-3
    )


@pytest.mark.parametrize("knob", ["brightness", "contrast", "saturation"])
def test_a_colour_factor_is_uniform_within_its_bounds(draws, knob):
    """A picture of two colours tells the factor that it met."""
    many = 2000
    picture = torch.tensor([[120.0, 80.0], [100.0, 100.0], [80.0, 120.0]]).view(1, 3, 1, 2).repeat(many, 1, 1, 1)
    off = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0)
    after = Colour(**(off | {knob: 0.3})).apply(Views(picture, 255), draws(many)).images
    red, green, blue = after[:, :, 0, 0].unbind(1)  # of the first pixel; the mean of all, and its grey, are near 100
    factors = green / 100 if knob == "brightness" else (red - blue) / 40
    places = np.sort((factors.numpy() - 0.7) / 0.6)
    assert np.abs(places - (np.arange(many) + 0.5) / many).max() < 1.95 / np.sqrt(many)


def test_the_changes_of_a_colour_are_drawn_independently(draws):
    """Each alone, drawn for the same images: what one does says nothing of another."""
    many = 2000
    picture = torch.tensor([[120.0, 80.0], [100.0, 100.0], [80.0, 120.0]]).view(1, 3, 1, 2).repeat(many, 1, 1, 1)
    off, factors = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0), []
    for knob in off:
        after = Colour(**(off | {knob: 0.1})).apply(Views(picture, 255), draws(many)).images[:, :, 0, 0]
        factors.append(after[:, 1] if knob in ("brightness", "hue") else after[:, 0] - after[:, 2])
    assert (torch.corrcoef(torch.stack(factors)) - torch.eye(4)).abs().max() < 4 / np.sqrt(many)


def test_hue_is_turned_uniformly_either_way(draws):
    many = 2000
    red = torch.tensor([200.0, 100.0, 100.0]).view(1, 3, 1, 1).repeat(many, 1, 1, 1)
    after = Colour(0, 0, 0, hue=0.1).apply(Views(red, 255), draws(many)).images[:, :, 0, 0].numpy()
    turns = np.array([(colorsys.rgb_to_hsv(*(colour / 255))[0] + 0.5) % 1 - 0.5 for colour in after])
    places = np.sort((turns + 0.1) / 0.2)
    assert np.abs(places - (np.arange(many) + 0.5) / many).max() < 1.95 / np.sqrt(many)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_only_three_channels_have_saturation_and_hue(channels):
    images = torch.rand(3, channels, 6, 6) * 255
    assert adjust_saturation(images, torch.full((3,), 1.5), 255) is images
    assert adjust_hue(images, torch.full((3,), 0.3), 255) is images
    factors = torch.full((3,), 0.5)
    mean = images.double().mean(1).add(0.5).floor().mean((1, 2)).add(0.5).floor().float()
    expected = mean[:, None, None, None] * 0.5 + images * 0.5
    torch.testing.assert_close(adjust_contrast(images, factors, 255), expected)


@pytest.mark.parametrize(
    ("knobs", "said"), [({"brightness": 1.5}, "brightness is 1.5"), ({"hue": 0.6}, "circle, is 0.6")]
)
def test_a_colour_that_makes_no_sense_is_refused(knobs, said):
    with pytest.raises(SettingsError, match=said):
        Colour(**knobs)
