"""Receptive fields through reshapes that cut an axis into windows, lay rows side by side, or change their order."""

import pytest
import torch
from torch import nn

from striate.description.describing import describe


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, maps):
        return self.function(maps)


def windows(maps):
    """Windows of 4x4, mixed inside, and put back (Swin, arXiv:2103.14030)."""
    cut = maps.unflatten(2, (-1, 4)).unflatten(4, (-1, 4)).permute(0, 2, 4, 3, 5, 1)  # (N, rows, columns, 4, 4, C)
    tokens = cut.reshape(-1, 16, maps.shape[1])
    mixed = (tokens + (tokens @ tokens.mT).softmax(-1) @ tokens).reshape(cut.shape)
    return mixed.permute(0, 5, 1, 3, 2, 4).reshape(maps.shape) + maps


def sums_in_a_row(maps):
    """Each place and the sum of its window, rows laid one after the other (as in Twins, arXiv:2104.13840)."""
    sums = maps.unflatten(2, (-1, 4)).unflatten(4, (-1, 4)).sum((3, 5), keepdim=True).expand(-1, -1, -1, 4, -1, 4)
    return (sums.reshape(maps.shape).flatten(2) + maps.flatten(2)).unflatten(2, maps.shape[2:])


def grid(maps):
    """Every third row and column mixed with each other (MaxViT, arXiv:2204.01697)."""
    cut = maps.unflatten(2, (4, -1)).unflatten(4, (4, -1))  # (N, C, 4, rows, 4, columns)
    return cut.sum((2, 4)) + 1


def patches(maps):
    return maps.unflatten(2, (-1, 4)).unflatten(4, (-1, 4)).permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def shuffled(maps):
    """Pixel shuffle by hand."""
    parts = maps.repeat_interleave(4, 1).unflatten(1, (-1, 2, 2))
    return parts.permute(0, 1, 4, 2, 5, 3).flatten(2, 3).flatten(3, 4)


def unshuffled(maps):
    return maps.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


NETWORKS = {
    "windows": nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), Apply(windows), nn.Conv2d(2, 1, 3)),
    "windows in a row": nn.Sequential(Apply(sums_in_a_row), nn.Conv2d(1, 1, 3)),
    "a grid": nn.Sequential(Apply(grid), nn.Conv2d(1, 1, 2)),
    "patches": nn.Sequential(Apply(patches), nn.Linear(16, 2)),
    "columns before rows, and back": Apply(lambda maps: maps.mT.flatten(2).unflatten(2, (12, 12)).mT + maps),
    "columns for rows": Apply(lambda maps: maps.mT.flatten(2).unflatten(2, (12, 12)) + 1),
    "each twice": nn.Sequential(Apply(lambda maps: maps.repeat_interleave(2, 2)), nn.Conv2d(1, 1, 3)),
    "pixel shuffle by hand": nn.Sequential(Apply(shuffled), nn.Conv2d(1, 1, 3)),
    "pixel unshuffle by hand": nn.Sequential(Apply(unshuffled), nn.Conv2d(4, 1, 3)),
    "a layer of 1x1 over a row of places": nn.Sequential(nn.Flatten(2), nn.Conv1d(1, 2, 1), nn.Unflatten(2, (12, 12))),
    "rows as signals": nn.Sequential(Apply(lambda maps: maps.transpose(1, 2).flatten(0, 1)), nn.Conv1d(1, 1, 3)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_unit_sees_what_its_gradient_reaches_however_it_is_laid(name, same_support):
    same_support(NETWORKS[name], (1, 12, 12))


def shifted_inside(maps):
    canvas = maps.new_zeros(1, 1, 16, 16)
    canvas[:, :, 2:-2, 2:-2] = maps
    return canvas + 1


NOT_FOLLOWED = {
    "columns upon rows": (lambda maps: maps.mT.flatten(2) + maps.flatten(2), "add"),
    "written into the middle": (shifted_inside, "copy"),
    "upside down": (lambda maps: maps.flip(2) * 2, "flip"),
    "one above the other": (lambda maps: torch.cat([maps, maps], 2), "cat"),
}


@pytest.mark.parametrize("name", NOT_FOLLOWED)
def test_what_cannot_be_followed_is_named_and_not_guessed(name):
    function, operation = NOT_FOLLOWED[name]
    card = describe(nn.Sequential(Apply(function), nn.AvgPool2d(1)), in_channels=1, size=12)
    assert card.fields_lost == (operation,)
    assert card.rows[-1].field is None
    assert card.rows[0].field.size == (1, 1)
