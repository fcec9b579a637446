"""Images of coordinates: channel 0 holds x and channel 1 holds y, so a varied image says where its pixels came from."""

import math

import pytest
import torch

from striate.augmentation.variation import Variation
from striate.augmentation.views import Views
from striate.errors import SettingsError

MANY = 500


def jacobians(origins):
    """How the place of origin (x, y) changes with one step right and one step down in the middle (N, 2, 2)."""
    row, column = origins.shape[2] // 2, origins.shape[3] // 2
    here = origins[:, :, row, column]
    return torch.stack([origins[:, :, row, column + 1] - here, origins[:, :, row + 1, column] - here], dim=2)


@pytest.fixture
def vary(coordinates, draws):
    """Where the pixels of varied images came from (N, 2, H, W)."""

    def vary(variation, height=32, width=32, count=MANY):
        return variation.apply(coordinates(count, height, width), draws(count)).images

    return vary


def test_no_variation_is_the_identity(photographs, draws):
    varied = Variation(degrees=0, shift=0, zoom=0).apply(Views(photographs, 255), draws(6)).images
    assert torch.equal(varied, photographs.float())


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 48)])
def test_a_shift_is_a_share_of_the_side_either_way(vary, coordinates, height, width):
    moved = vary(Variation(degrees=0, shift=0.1, zoom=0), height, width) - coordinates(MANY, height, width).images
    for channel, side in ((0, width), (1, height)):
        shifts = moved[:, channel, height // 2, width // 2] / side
        assert 0.097 < shifts.max() <= 0.1001 and -0.1001 <= shifts.min() < -0.097
        assert abs(shifts.mean()) < 0.01  # three deviations of the mean of 500 uniform draws: 0.0077


def test_a_shift_moves_a_dot_by_as_much_as_it_says(vary, coordinates, draws):
    dot = torch.zeros(MANY, 1, 32, 32)
    dot[:, :, 16, 16] = 1
    variation = Variation(degrees=0, shift=0.1, zoom=0)
    moved = vary(variation)[:, :, 16, 16] - 16.5  # the pixel there came from so far, so the dot went the other way
    shown = variation.apply(Views(dot, 255), draws(MANY)).images
    centre = (shown * coordinates(MANY, 32, 32).images).sum((2, 3)) / shown.sum((2, 3))
    torch.testing.assert_close(centre - 16.5, -moved, rtol=0, atol=1e-3)


def test_a_turn_is_at_most_the_degrees_either_way(vary):
    turned = jacobians(vary(Variation(degrees=15, shift=0, zoom=0)))
    angles = torch.atan2(turned[:, 1, 0], turned[:, 0, 0]) * 180 / math.pi
    assert 14.5 < angles.max() <= 15.01 and -15.01 <= angles.min() < -14.5
    assert abs(angles.mean()) < 1.5


def test_a_zoom_changes_the_size_by_at_most_its_share(vary):
    zoomed = jacobians(vary(Variation(degrees=0, shift=0, zoom=0.15)))
    sizes = 1 / zoomed[:, 0, 0]
    assert 1.145 < sizes.max() <= 1.1501 and 0.8499 <= sizes.min() < 0.855
    assert abs(sizes.mean() - 1) < 0.015


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 48), (48, 24)])
def test_a_varied_image_keeps_its_angles(vary, height, width):
    steps = jacobians(vary(Variation(degrees=30, shift=0.05, zoom=0.1), height, width, 20))
    gram = steps.transpose(1, 2) @ steps  # of a similarity: its squared scale times the identity
    scale = gram.diagonal(dim1=1, dim2=2).mean(1)
    torch.testing.assert_close(gram, scale[:, None, None] * torch.eye(2), rtol=0, atol=1e-3)


def test_an_image_is_turned_zoomed_and_shifted_independently(vary):
    origins = vary(Variation())
    turned, moved = jacobians(origins), origins[:, :, 16, 16]
    angle, size = torch.atan2(turned[:, 1, 0], turned[:, 0, 0]), turned.det()
    correlations = torch.corrcoef(torch.stack([angle, size, moved[:, 0], moved[:, 1]]))
    assert (correlations - torch.eye(4)).abs().max() < 0.15  # of 500 independent draws: 0.045 is one deviation


def test_the_border_is_continued_outwards(draws):
    images = torch.full((50, 1, 16, 16), 70.0)
    varied = Variation(90, 0.5, 0.5).apply(Views(images, 255), draws(50)).images
    torch.testing.assert_close(varied, images)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"degrees": -1}, "degrees is -1; expected a number, 0 to 180"),
        ({"shift": 2}, "shift, a share of the side, is 2; expected a number, 0 to 1"),
        ({"zoom": 1}, "zoom, a share of the size, is 1; expected a number, 0 and below 1"),
        ({"border": "mirror"}, "border is 'mirror'; expected edge or zero"),
    ],
)
def test_a_variation_that_makes_no_sense_is_refused(knobs, said):
    with pytest.raises(SettingsError, match=said):
        Variation(**knobs)
