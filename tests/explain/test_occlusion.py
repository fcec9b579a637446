"""What only changes give is what whole masked images give, for networks of every kind; and a toy by hand."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from striate.architectures.catalogue import create_model
from striate.errors import SettingsError, SizeError
from striate.explain.occlusion import occlusion, window_drops

FIRST = torch.tensor([0])


def by_masking(network, images, targets, window, stride, fill=0.0):
    """Every masked image through the whole network, one by one."""
    network.eval()
    height, width = images.shape[2:]
    rows, columns = (range(0, -(-(side - window) // stride) * stride + 1, stride) for side in (height, width))
    grid = torch.zeros(len(images), len(rows), len(columns), dtype=images.dtype)
    with torch.no_grad():
        own = network(images).gather(1, targets[:, None])[:, 0]
        for i, top in enumerate(rows):
            for j, left in enumerate(columns):
                masked = images.clone()
                masked[:, :, top : top + window, left : left + window] = fill
                grid[:, i, j] = own - network(masked).gather(1, targets[:, None])[:, 0]
    return grid


def settled(network):
    """In double precision, with statistics that are not those of the start."""
    chance = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(0.1 * torch.randn(module.running_mean.shape, generator=chance))
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=chance) + 0.5)
    return network.double().eval()


def expect_same(network, images, targets, window, stride, fill=0.0):
    found = window_drops(network, images, targets, window=window, stride=stride, fill=fill, batch=5)
    expected = by_masking(network, images, targets, window, stride, fill)
    torch.testing.assert_close(found.grid, expected, rtol=1e-7, atol=1e-9 * float(expected.abs().max()))
    assert expected.abs().max() > 0
    return found


def test_a_linear_network_by_hand():
    """Scores 1·1 + 2·2 + 3·3 + 4·4: each pixel's part is what hiding it takes off."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    network[1].weight.data = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert occlusion(network, image, FIRST, window=1, stride=1).tolist() == [[[1.0, 4.0], [9.0, 16.0]]]
    assert occlusion(network, image, FIRST, window=1, stride=1, fill=1.0).tolist() == [[[0.0, 2.0], [6.0, 12.0]]]


def test_a_pixel_has_the_mean_of_the_windows_that_hide_it():
    """One row of three pixels worth 1, 2, 4; windows of two hide 3 and 6: the middle one has 4.5."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 1, bias=False))
    network[1].weight.data = torch.tensor([[1.0, 2.0, 4.0, 0.0, 0.0, 0.0]])
    found = occlusion(network, torch.ones(1, 1, 2, 3), FIRST, window=2, stride=1)
    assert found.tolist() == [[[3.0, 4.5, 6.0], [3.0, 4.5, 6.0]]]


SMALL = {
    "lenet5": {"in_channels": 3},
    "vgg11": {"size": 64},
    "resnet20": {},
    "resnet18": {},
    "googlenet": {},
    "squeezenet1_1": {},
    "shufflenet_v2_x0_5": {},
    "seresnet18": {},
    "resnetv2_18": {},
    "airbench94_w16": {},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["densenet_40_12", "tf_mobilenet_v2", "vgg11"])
def test_only_changes_give_what_whole_images_give_in_more_networks(name):
    test_only_changes_give_what_whole_images_give(name)


@pytest.mark.parametrize("name", sorted(SMALL.keys() - {"vgg11"}))
def test_only_changes_give_what_whole_images_give(name):
    torch.manual_seed(0)
    network = settled(create_model(name, num_classes=4, **SMALL.get(name, {})))
    side = 32 if name in {"lenet5", "resnet20", "densenet_40_12", "airbench94_w16"} else 64
    images = torch.randn(1, 3, side, side, dtype=torch.float64)
    expect_same(network, images, torch.tensor([2]), side // 4, side // 4)


class Odd(nn.Module):
    """Calls, a module used twice, ReLU in place, branches, an even kernel, dilation, and pooling of two kinds."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 5, stride=2, padding=1)
        self.twice = nn.Conv2d(6, 6, 3, padding=1)
        self.wide = nn.Conv2d(6, 4, (2, 3), padding=(1, 1), dilation=2)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(10, 4)

    def forward(self, images):
        maps = functional.max_pool2d(self.relu(self.stem(images)), 3, 2, padding=1)
        maps = self.relu(self.twice(maps)) + torch.sigmoid(self.twice(maps))
        wide = functional.interpolate(self.wide(maps), size=maps.shape[2:])
        maps = torch.cat([functional.avg_pool2d(maps, 3, 1, padding=1), wide], dim=1)
        return self.head(maps.mean(dim=(2, 3)) - 0.1)


@pytest.mark.parametrize(("window", "stride"), [(8, 8), (7, 5), (5, 3), (40, 1), (39, 17)])
def test_windows_of_any_size_and_stride(window, stride):
    torch.manual_seed(0)
    images, targets = torch.randn(2, 3, 40, 47, dtype=torch.float64), torch.tensor([0, 3])
    expect_same(settled(Odd()), images, targets, window, stride, fill=0.3)


def test_the_network_is_left_as_it_was():
    network = create_model("resnet20", num_classes=4).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    occlusion(network, torch.randn(1, 3, 32, 32), FIRST, window=16, stride=16)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class Forked(nn.Module):
    """A forward that turns on a value, which no trace can follow."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, images):
        maps = self.conv(images)
        if float(maps.mean()) > 0:
            maps = 2 * maps
        return self.head(maps.mean(dim=(2, 3)))


def test_a_forward_that_cannot_be_followed_is_asked_with_whole_images_and_that_is_told():
    torch.manual_seed(0)
    images = torch.randn(1, 3, 16, 16, dtype=torch.float64)
    network = Forked().double()
    found = window_drops(network, images, FIRST, window=8, stride=8, batch=1)
    torch.testing.assert_close(found.grid, by_masking(network, images, FIRST, 8, 8))
    assert "whole" in found.note


def test_progress_counts_every_mask():
    told = []
    occlusion(Odd(), torch.randn(2, 3, 40, 40), torch.tensor([0, 1]), window=10, stride=10, batch=3, watch=told.append)
    assert sum(told) == 32 or max(told) == 32


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"window": 100}, SizeError, "100"),
        ({"window": 0}, SettingsError, "window is 0"),
        ({"stride": 0}, SettingsError, "stride is 0"),
        ({"stride": 9}, SettingsError, "no window would hide what lies between"),
        ({"batch": 0}, SettingsError, "batch is 0"),
        ({"fill": float("nan")}, SettingsError, "fill is nan"),
    ],
)
def test_settings_that_make_no_sense_are_refused(asked, error, said):
    with pytest.raises(error, match=said):
        occlusion(Odd(), torch.randn(1, 3, 40, 40), FIRST, **({"window": 8, "stride": 8} | asked))


def test_a_network_without_scores_is_refused():
    with pytest.raises(SizeError, match="expected one score for each image and class"):
        occlusion(nn.Conv2d(1, 2, 1), torch.ones(1, 1, 8, 8), FIRST, window=4, stride=4)


def test_what_covers_nothing_that_counts_drops_nothing():
    network = nn.Sequential(nn.Conv2d(1, 1, 3, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    grid = window_drops(network, torch.randn(1, 1, 16, 16), FIRST, window=4, stride=4).grid[0]
    blind = np.ones((4, 4), bool)
    blind[::2, ::2] = False
    assert not grid[torch.from_numpy(blind)].any()
