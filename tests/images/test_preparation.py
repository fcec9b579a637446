import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from striate.errors import SettingsError
from striate.images.preparation import Geometry, Preparation

sides = some.integers(1, 5)
shapes = some.tuples(sides, some.sampled_from([1, 3, 7]), sides, sides)  # (N, C, H, W)
random_images = arrays(np.uint8, shapes)
SIXTEEN = Geometry((8, 8), range=(-1000, 3000))


@given(some.sampled_from([np.uint8, np.uint16]).flatmap(lambda kind: arrays(kind, shapes)))
def test_mean_and_spread_are_those_of_all_pixels_of_a_channel(images):
    white = np.iinfo(images.dtype).max
    prepared = Preparation.measured(Geometry(images.shape[2:], range=(0, 9) if white > 255 else None), images)
    values = images / white
    assert prepared.white == white
    np.testing.assert_allclose(prepared.mean, values.mean((0, 2, 3)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(prepared.std, np.maximum(values.std((0, 2, 3)), 1 / white), rtol=0, atol=1e-12)


def test_counts_are_exact_over_more_images_than_are_taken_at_once():
    images = np.random.default_rng(0).integers(0, 65536, (600, 1, 3, 3), np.uint16)
    prepared = Preparation.measured(SIXTEEN, images)
    assert prepared.mean[0] == pytest.approx(int(images.sum(dtype=np.int64)) / images.size / 65535, abs=1e-15)


def test_normalised_training_images_have_mean_zero_and_deviation_one():
    images = np.random.default_rng(0).integers(40, 200, (50, 3, 8, 8), np.uint8)
    prepared = Preparation.measured(Geometry((8, 8)), images)
    normal = prepared.normalise(torch.from_numpy(images))
    assert normal.dtype == torch.float32
    torch.testing.assert_close(normal.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(normal.std((0, 2, 3), correction=0), torch.ones(3), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [torch.uint8, torch.uint16, torch.float32])
def test_pixels_of_every_kind_are_normalised_in_the_same_units(kind):
    geometry = SIXTEEN if kind == torch.uint16 else Geometry((8, 8))
    prepared = Preparation(geometry, (0.5, 0.25), (0.125, 0.25))
    images = torch.tensor([0, prepared.white]).to(kind).expand(1, 2, 1, 2)  # black and white
    expected = torch.tensor([[[[-4.0, 4.0]], [[-1.0, 3.0]]]])  # (0 - 0.5) / 0.125, ...
    torch.testing.assert_close(prepared.normalise(images), expected, rtol=0, atol=1e-6)


def test_images_of_one_colour_stay_finite():
    images = np.full((2, 1, 4, 4), 77, np.uint8)
    normal = Preparation.measured(Geometry((4, 4)), images).normalise(torch.from_numpy(images))
    torch.testing.assert_close(normal, torch.zeros(2, 1, 4, 4), rtol=0, atol=1e-4)


def test_batches_are_the_normalised_images_in_order_and_never_many():
    images = np.random.default_rng(0).integers(0, 256, (700, 1, 2, 2), np.uint8)
    prepared = Preparation.measured(Geometry((2, 2)), images)
    batches = list(prepared.batches(torch.from_numpy(images)))
    torch.testing.assert_close(torch.cat(batches), prepared.normalise(torch.from_numpy(images)))
    assert max(map(len, batches)) <= 256


def test_measuring_fixes_the_channels_and_keeps_the_rest():
    geometry = Geometry((4, 6), fit="pad", interpolation="bicubic")
    prepared = Preparation.measured(geometry, np.zeros((1, 3, 4, 6), np.uint8))
    assert prepared.geometry == Geometry((4, 6), 3, "pad", "bicubic")


@given(random_images, some.sampled_from(["crop", "pad", "stretch"]), some.sampled_from([None, (0, 4095), (-0.5, 1e9)]))
def test_a_preparation_survives_json(images, fit, limits):
    prepared = Preparation.measured(Geometry(images.shape[2:], fit=fit, range=limits), images)
    assert Preparation.from_dict(json.loads(json.dumps(prepared.to_dict()))) == prepared


def test_an_old_preparation_without_a_range_has_none():
    values = Preparation(SIXTEEN, (0.5,), (0.5,)).to_dict()
    del values["range"]
    assert Preparation.from_dict({**values, "channels": 1}).white == 255


def test_an_unknown_fit_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match="fit is 'squash'; expected one of crop, pad, stretch"):
        Geometry((8, 8), fit="squash")


def test_an_unknown_interpolation_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match="expected one of nearest, bilinear, bicubic"):
        Geometry((8, 8), interpolation="cubic")
