"""Images of coordinates: channel 0 holds x and channel 1 holds y, so a varied image says where its pixels came from."""

import math

import pytest
import torch

from striate.augmentation.variation import Variation
from striate.images.batches import keyed_generator

MANY = 500


def coordinates(height=32, width=32, count=MANY):
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    return torch.stack([x, y]).repeat(count, 1, 1, 1)  # (N, 2, H, W)


def jacobians(origins):
    """How the place of origin (x, y) changes with one step right and one step down in the middle (N, 2, 2)."""
    row, column = origins.shape[2] // 2, origins.shape[3] // 2
    here = origins[:, :, row, column]
    return torch.stack([origins[:, :, row, column + 1] - here, origins[:, :, row + 1, column] - here], dim=2)


def test_no_variation_is_the_identity():
    images = torch.rand(5, 3, 16, 20, generator=keyed_generator(0))
    varied = Variation(degrees=0, shift=0, zoom=0).apply(images, keyed_generator(1))
    torch.testing.assert_close(varied, images, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 48)])
def test_a_shift_is_a_share_of_the_side_either_way(height, width):
    images = coordinates(height, width)
    moved = Variation(degrees=0, shift=0.1, zoom=0).apply(images, keyed_generator(0)) - images
    for channel, side in ((0, width), (1, height)):
        shifts = moved[:, channel, height // 2, width // 2] / side
        assert 0.097 < shifts.max() <= 0.1001 and -0.1001 <= shifts.min() < -0.097
        assert abs(shifts.mean()) < 0.01  # three deviations of the mean of 500 uniform draws: 0.0077


def test_a_shift_moves_a_dot_by_as_much_as_it_says():
    dot = torch.zeros(MANY, 1, 32, 32)
    dot[:, :, 16, 16] = 1
    varied = Variation(degrees=0, shift=0.1, zoom=0).apply(torch.cat([coordinates(), dot], dim=1), keyed_generator(0))
    moved = varied[:, :2, 16, 16] - 16  # the pixel at (16, 16) came from there, so the dot went the other way
    centre = (varied[:, 2:] * coordinates()).sum((2, 3)) / varied[:, 2:].sum((2, 3))
    torch.testing.assert_close(centre - 16, -moved, rtol=0, atol=1e-3)


def test_a_turn_is_at_most_the_degrees_either_way():
    turned = jacobians(Variation(degrees=15, shift=0, zoom=0).apply(coordinates(), keyed_generator(0)))
    angles = torch.atan2(turned[:, 1, 0], turned[:, 0, 0]) * 180 / math.pi
    assert 14.5 < angles.max() <= 15.01 and -15.01 <= angles.min() < -14.5
    assert abs(angles.mean()) < 1.5


def test_a_zoom_changes_the_size_by_at_most_its_share():
    zoomed = jacobians(Variation(degrees=0, shift=0, zoom=0.15).apply(coordinates(), keyed_generator(0)))
    sizes = 1 / zoomed[:, 0, 0]
    assert 1.145 < sizes.max() <= 1.1501 and 0.8499 <= sizes.min() < 0.855
    assert abs(sizes.mean() - 1) < 0.015


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 48), (48, 24)])
def test_a_varied_image_keeps_its_angles(height, width):
    origins = Variation(degrees=30, shift=0.05, zoom=0.1).apply(coordinates(height, width, 20), keyed_generator(0))
    steps = jacobians(origins)
    gram = steps.transpose(1, 2) @ steps  # of a similarity: its squared scale times the identity
    scale = gram.diagonal(dim1=1, dim2=2).mean(1)
    torch.testing.assert_close(gram, scale[:, None, None] * torch.eye(2), rtol=0, atol=1e-3)


def test_an_image_is_turned_zoomed_and_shifted_independently():
    origins = Variation().apply(coordinates(), keyed_generator(0))
    turned, moved = jacobians(origins), origins[:, :, 16, 16]
    angle, size = torch.atan2(turned[:, 1, 0], turned[:, 0, 0]), turned.det()
    correlations = torch.corrcoef(torch.stack([angle, size, moved[:, 0], moved[:, 1]]))
    assert (correlations - torch.eye(4)).abs().max() < 0.15  # of 500 independent draws: 0.045 is one deviation


def test_the_border_is_continued_outwards():
    images = torch.full((50, 1, 16, 16), 0.7)
    torch.testing.assert_close(Variation(90, 0.5, 0.5).apply(images, keyed_generator(0)), images)


def test_variation_depends_on_the_generator_alone():
    images = torch.rand(4, 1, 16, 16, generator=keyed_generator(9))
    before = torch.get_rng_state()
    first, again, other = (Variation().apply(images, keyed_generator(key)) for key in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
