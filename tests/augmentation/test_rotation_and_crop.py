import math

import numpy as np
import pytest
import torch
from PIL import Image

from striate.augmentation.resized_crop import ResizedCrop
from striate.augmentation.rotation import Rotation
from striate.augmentation.views import Views
from striate.errors import SettingsError

MANY = 2000


def rectangles(origins):
    """Left, top, width, height (N,) of the crops that images of coordinates show, measured away from their border."""
    sides = []
    for line in (origins[:, 0, 0], origins[:, 1, :, 0]):  # (N, side)
        side = line.shape[1]
        first, last = side // 4, side - side // 4 - 1
        step = (line[:, last] - line[:, first]) / (last - first)
        sides.append((line[:, first] - (first + 0.5) * step, side * step))
    (left, wide), (top, high) = sides
    return left, top, wide, high


def test_a_rotation_is_uniform_between_its_most_degrees(coordinates, draws):
    origins = Rotation(40).apply(coordinates(MANY, 33, 33), draws(MANY)).images
    step = origins[:, :, 16, 17] - origins[:, :, 16, 16]
    angles = torch.atan2(step[:, 1], step[:, 0]).numpy() * 180 / math.pi
    torch.testing.assert_close(step.norm(dim=1), torch.ones(MANY), rtol=0, atol=1e-4)
    places = np.sort((angles + 40) / 80)
    assert np.abs(places - (np.arange(MANY) + 0.5) / MANY).max() < 1.95 / math.sqrt(MANY)  # Kolmogorov, 1 of 1,000


def test_a_rotation_turns_an_image_as_pillow_does(photographs, coordinates, draws):
    origins = Rotation(40).apply(coordinates(6, 64, 80), draws(6)).images
    step = origins[:, :, 32, 41] - origins[:, :, 32, 40]
    angles = torch.atan2(step[:, 1], step[:, 0]) * 180 / math.pi
    turned = Rotation(40, "zero").apply(Views(photographs, 255), draws(6)).images.numpy()
    for photograph, ours, degrees in zip(photographs.numpy(), turned, angles.tolist(), strict=True):
        pillows = Image.fromarray(photograph.transpose(1, 2, 0)).rotate(degrees, Image.Resampling.BILINEAR)
        difference = np.abs(ours - np.asarray(pillows).transpose(2, 0, 1))
        assert np.quantile(difference, 0.95) <= 1  # the border is blended with black here, cut off there


def test_a_crop_covers_a_uniform_share_with_an_aspect_in_its_range(coordinates, draws):
    left, top, wide, high = rectangles(ResizedCrop(0.2, 0.6).apply(coordinates(MANY, 32, 32), draws(MANY)).images)
    shares = np.sort((wide * high).numpy() / 32**2)
    assert np.abs((shares - 0.2) / 0.4 - (np.arange(MANY) + 0.5) / MANY).max() < 1.95 / math.sqrt(MANY)
    aspects = np.sort(np.log((wide / high).numpy()) / math.log(4 / 3))
    assert np.abs((aspects + 1) / 2 - (np.arange(MANY) + 0.5) / MANY).max() < 1.95 / math.sqrt(MANY) + 1e-3
    for corner, length in ((left, wide), (top, high)):
        assert corner.min() > -1e-3 and (corner + length).max() < 32.001
        places = np.sort((corner / (32 - length)).numpy())
        assert np.abs(places - (np.arange(MANY) + 0.5) / MANY).max() < 1.95 / math.sqrt(MANY) + 1e-3
    drawn = np.stack([wide * high, wide / high, left / (32 - wide), top / (32 - high)])
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 4 / math.sqrt(MANY)


def test_the_whole_as_a_crop_is_the_identity(photographs, draws):
    cropped = ResizedCrop(1, 1, stretch=1).apply(Views(photographs, 255), draws(6)).images
    torch.testing.assert_close(cropped, photographs.float(), rtol=0, atol=2e-3)


def test_a_crop_of_an_image_of_another_aspect_is_not_distorted(coordinates, draws):
    cropped = ResizedCrop(0.3, 1, stretch=1.0, size=16).apply(coordinates(MANY, 20, 40), draws(MANY)).images
    assert cropped.shape == (MANY, 2, 16, 16)
    _, _, wide, high = rectangles(cropped)
    torch.testing.assert_close(wide, high, rtol=0, atol=2e-3)
    assert high.max() < 20.001  # a square of more than half the area does not fit, and is made smaller


def test_a_crop_of_an_oblong_image_has_its_aspect(coordinates, draws):
    _, _, wide, high = rectangles(ResizedCrop(0.3, 1, stretch=1.0).apply(coordinates(60, 20, 40), draws(60)).images)
    torch.testing.assert_close(wide, 2 * high, rtol=0, atol=4e-3)


@pytest.mark.parametrize("step", [Rotation(45), ResizedCrop()])
def test_white_stays_white_and_no_more(draws, step):
    white = Views(torch.full((50, 3, 31, 33), 255, dtype=torch.uint8), 255)
    moved = step.apply(white, draws(50)).images
    assert moved.max() <= 255 and moved.min() > 254.99


def test_boxes_follow_a_crop_and_are_lost_outside_it(coordinates, draws):
    boxes = torch.tensor([[4.0, 4, 12, 10], [0, 0, 2, 2]]).repeat(200, 1, 1)
    views = coordinates(200, 24, 32, boxes=boxes)
    after = ResizedCrop(0.2, 0.6, size=48).apply(views, draws(200))
    left, top, wide, high = rectangles(after.images)
    for image in range(200):
        x = np.clip((np.array([4, 12]) - left[image].item()) * 48 / wide[image].item(), 0, 48)
        y = np.clip((np.array([4, 10]) - top[image].item()) * 48 / high[image].item(), 0, 48)
        if x[1] - x[0] > 0.02 and y[1] - y[0] > 0.02:
            np.testing.assert_allclose(after.boxes[image, 0], [x[0], y[0], x[1], y[1]], atol=0.02)
    lost = (left > 2.01) | (top > 2.01)
    assert after.boxes[lost, 1].isnan().all() and 0 < lost.sum() < 200


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"smallest": 0}, "smallest share is 0"),
        ({"largest": 1.5}, "largest share is 1.5; expected a number, 1e-06 to 1"),
        ({"smallest": 0.6, "largest": 0.5}, "are 0.6 and 0.5; expected the smaller first"),
        ({"stretch": 0.5}, "stretch is 0.5"),
        ({"size": 0}, "size in pixels is 0; expected a whole number from 1"),
    ],
)
def test_a_crop_that_makes_no_sense_is_refused(knobs, said):
    with pytest.raises(SettingsError, match=said):
        ResizedCrop(**knobs)
