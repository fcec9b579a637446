"""The last map of a network: the last tensor whose units lie along the image's axes, whatever module makes it.

Its fields are sums by hand: a window of k at a stride of s adds (k - 1)·s to what a unit sees.
"""

import pytest
import torch
from torch import nn

from striate.description.advice import advise
from striate.description.comparison import compare
from striate.description.describing import describe

RESNET18 = 11 + 4 * 8 + (8 + 3 * 16) + (16 + 3 * 32) + (32 + 3 * 64)  # 7×7/2 and 3×3/2 see 11; four stages of 4
GOOGLENET = 27 + 2 * 4 * 8 + 16 + 5 * 4 * 16 + 32 + 2 * 4 * 32  # by way of the 5×5 of each of the 2 + 5 + 2 Inceptions
FIELDS = {"vgg16": 212, "alexnet": 195, "resnet18": RESNET18, "googlenet": GOOGLENET, "lenet5": 16}


class Residual(nn.Module):
    """A block whose shortcut of 1x1 runs last, so that the last convolution sees less than the sum."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.shortcut = nn.Conv2d(3, 4, 1)

    def forward(self, images):
        maps = self.second(self.first(images).relu())
        return maps + self.shortcut(images)


class Joined(Residual):
    def forward(self, images):
        maps = self.second(self.first(images).relu())
        return torch.cat([maps, self.shortcut(images)], 1)


@pytest.mark.parametrize("name", FIELDS)
def test_a_unit_of_the_last_map_sees_as_many_pixels_as_the_windows_add_up_to(name):
    field = describe(name).last_map.field
    assert field.size == (FIELDS[name],) * 2
    assert compare(name).rows[0].field == (FIELDS[name],) * 2
    assert (RESNET18, GOOGLENET) == (435, 715)


@pytest.mark.parametrize(("block", "channels"), [(Residual, 4), (Joined, 8)], ids=["addition", "concatenation"])
def test_the_last_map_is_that_after_the_branches_meet(block, channels):
    network = nn.Sequential(block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 2))
    last = describe(network, 16).last_map
    assert (last.module, last.output, last.field.size) == ("0", (channels, 16, 16), (5, 5))
    assert compare(network, size=16).rows[0].field == (5, 5)


def test_the_advice_on_the_field_is_for_the_sum_and_not_for_its_shortcut():
    network = nn.Sequential(Residual(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    (sentence,) = [str(finding) for finding in advise(describe(network, 16)) if finding.rule == "receptive field"]
    assert sentence.startswith("0: a unit of the last map sees 5 of the image's 16 pixels, and the layers behind it")


def test_maps_that_the_networks_own_forward_adds_are_the_last_too():
    last = describe(Residual(), 16).last_map
    assert (last.module, last.field.size) == ("(functional)", (5, 5))


@pytest.mark.parametrize("network", [nn.Sequential(nn.Flatten(), nn.Linear(192, 5)), nn.AdaptiveAvgPool2d(1)], ids=str)
def test_vectors_and_a_single_place_are_no_map(network):
    assert describe(network, 8).last_map is None
    assert compare(network, size=8).rows[0].field is None


def test_a_map_whose_field_is_not_known_has_none():
    class Turned(nn.Module):
        def forward(self, maps):
            return maps.flip(2) * 2

    card = describe(nn.Sequential(nn.Conv2d(3, 4, 3), Turned()), 8)
    assert (card.last_map.output, card.last_map.field) == ((4, 6, 6), None)
    assert card.to_dict()["last_map"] == {"module": "1", "output": (4, 6, 6), "field": None}
    assert not [finding for finding in advise(card) if finding.rule == "receptive field"]


def test_the_last_map_is_plain_values():
    assert describe("lenet5").to_dict()["last_map"] == {
        "module": "stage2.s4",
        "output": (16, 5, 5),
        "field": {"size": (16, 16), "stride": (4, 4), "offset": (0, 0), "whole": False},
    }
