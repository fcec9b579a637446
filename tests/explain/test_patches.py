"""The strongest patches against a search through all values with NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.architectures.catalogue import create_model
from striate.errors import SettingsError, SizeError, UnknownNameError
from striate.explain.patches import strongest_of_layers, strongest_patches


def by_hand(maps, count):
    """For each channel of maps (N, C, h, w): (image, row, column, value), the highest first, one of each image."""
    found = []
    for channel in range(maps.shape[1]):
        best = []
        for image, own in enumerate(maps[:, channel]):
            row, column = np.unravel_index(np.argmax(own), own.shape)
            best.append((image, int(row), int(column), float(own[row, column])))
        found.append(sorted(best, key=lambda patch: (-patch[3], patch[0]))[:count])
    return found


class Given(nn.Module):
    """A layer that makes the maps it is given."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, maps):
        return self.layer(maps).amax((2, 3))


@pytest.mark.parametrize(("images", "together", "count"), [(40, 7, 9), (40, 40, 9), (5, 2, 9), (30, 1, 1), (12, 5, 12)])
def test_the_strongest_are_those_that_a_search_through_all_values_finds(images, together, count):
    maps = np.random.default_rng(count).integers(-9, 10, (images, 6, 4, 5)).astype(np.float32)  # with many ties
    found = strongest_patches(Given(), torch.from_numpy(maps).split(together), "layer", count=count)
    assert [[tuple(patch) for patch in found.of(channel)] for channel in range(6)] == by_hand(maps, count)
    highest = maps.max((2, 3)).astype(np.float64)
    np.testing.assert_allclose(found.mean, highest.mean(0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.deviation, highest.std(0), rtol=1e-12, atol=1e-12)
    assert found.seen == images and not found.interrupted


def test_a_real_network_is_searched_alike_at_once_or_in_parts():
    network, images = create_model("resnet20").eval(), torch.randn(20, 3, 32, 32)
    made = []
    network.layer2.register_forward_hook(lambda *given: made.append(given[2].clone()))
    with torch.no_grad():
        network(images)
    expected = by_hand(made[0].numpy(), 3)
    found = strongest_patches(network, [images], "layer2", count=3, channels=[31, 4])
    for channel in (31, 4):
        for patch, own in zip(found.of(channel), expected[channel], strict=True):
            assert patch[:3] == own[:3] and patch.value == pytest.approx(own[3], rel=1e-5)


def test_several_layers_are_searched_in_one_pass():
    network, ran = create_model("lenet5"), []
    network.register_forward_pre_hook(lambda *_: ran.append(1))
    batches = torch.randn(12, 1, 32, 32).split(4)
    layers = ["stage1.c1", "stage2"]
    together = strongest_of_layers(network, batches, layers)
    assert len(ran) == 3
    for layer in layers:
        alone = strongest_patches(network, batches, layer)
        assert all(together[layer].of(channel) == alone.of(channel) for channel in alone.channels)


def test_what_is_no_number_counts_for_nothing():
    maps = torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan], [torch.nan, 5.0]]).view(3, 1, 1, 2)
    found = strongest_patches(Given(), [maps], "layer").of(0)
    assert [tuple(patch) for patch in found] == [(2, 0, 1, 5.0), (0, 0, 0, 1.0)]


def test_the_most_selective_channel_is_the_one_that_stands_out_in_few_images():
    maps = torch.ones(100, 3, 2, 2)
    maps[:, 0] += torch.rand(100, 1, 1)
    maps[:4, 1] = 50
    found = strongest_patches(Given(), maps.split(9), "layer", count=4)
    assert int(found.selectivity.argmax()) == 1
    assert found.selectivity[1] == pytest.approx((50 - maps[:, 1, 0, 0].mean()) / maps[:, 1, 0, 0].std(correction=0))
    assert found.selectivity[2] == 0


def test_stopping_keeps_what_was_found_and_says_in_how_many_images():
    maps = torch.randn(12, 2, 3, 3)

    def batches():
        yield from maps[:8].split(4)
        raise KeyboardInterrupt

    found = strongest_patches(Given(), batches(), "layer", count=2)
    assert found.interrupted and found.seen == 8
    assert [[tuple(patch) for patch in found.of(channel)] for channel in range(2)] == by_hand(maps[:8].numpy(), 2)


def test_stopping_before_the_first_batch_finds_nothing():
    def batches():
        raise KeyboardInterrupt
        yield

    found = strongest_patches(Given(), batches(), "layer")
    assert (found.channels, found.seen, found.interrupted) == ((), 0, True)


def test_whoever_waits_is_told_of_every_batch():
    told = []
    strongest_patches(Given(), torch.randn(10, 1, 2, 2).split(4), "layer", watch=told.append)
    assert told == [4, 4, 2]


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"layer": "head.fc"}, UnknownNameError, "unknown layer"),
        ({"layer": "head"}, SizeError, "no map with places"),
        ({"layer": "stage1", "channels": [2, 6]}, SettingsError, "stage1 has no channel 6; it has 0 to 5"),
        ({"layer": "stage1", "channels": [-1]}, SettingsError, "stage1 has no channel -1; it has 0 to 5"),
        ({"layer": "stage1", "count": 0}, SettingsError, "count is 0"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_sentence(asked, error, said):
    with pytest.raises(error, match=said) as refused:
        strongest_patches(create_model("lenet5"), [torch.randn(2, 1, 32, 32)], **asked)
    assert "\n" not in str(refused.value)


def test_a_channel_that_was_not_looked_at_has_no_patches():
    found = strongest_patches(Given(), [torch.randn(2, 3, 2, 2)], "layer", channels=[1])
    with pytest.raises(SettingsError, match="channel 2 of layer was not looked at; 1 were"):
        found.of(2)


def test_looking_leaves_the_network_in_its_mode():
    network = Given()
    network.train()
    strongest_patches(network, [torch.randn(2, 1, 2, 2)], "layer")
    assert network.training and network.layer.training
