import pytest
import torch
from torch import nn
from torch.nn import functional

from striate.errors import SettingsError, SizeError, UnknownNameError
from striate.explain.layers import maps_of, watching


class Twice(nn.Module):
    """One convolution used twice, and everything else a call."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.conv.weight, 2.0)

    def forward(self, images):
        maps = functional.relu(self.conv(functional.relu(self.conv(images), inplace=True)), inplace=True)
        return functional.max_pool2d(maps, 2).mean(dim=(2, 3))


def test_a_module_that_runs_twice_is_seen_as_it_ran_last():
    images = torch.ones(1, 1, 4, 4)
    network = Twice()
    with watching(network, "conv") as watched:
        network(images)
    assert torch.equal(watched.maps(), 4 * images)


def test_what_a_layer_made_is_kept_from_a_relu_in_place():
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(inplace=True), nn.Flatten())
    nn.init.constant_(network[0].weight, -1.0)
    nn.init.zeros_(network[0].bias)
    with watching(network, "0") as watched:
        out = network(torch.ones(1, 1, 2, 2))
    assert torch.equal(watched.maps(), -torch.ones(1, 1, 2, 2))
    assert torch.equal(out, torch.zeros(1, 4))


def test_without_a_name_it_is_the_last_map_of_several_places_also_of_a_call():
    network = Twice()
    with watching(network) as watched:
        network(torch.ones(1, 1, 4, 4))
    assert torch.equal(watched.maps(), torch.full((1, 1, 2, 2), 4.0))


def test_a_network_in_training_runs_as_in_use_and_goes_back():
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Dropout(0.9), nn.BatchNorm2d(1)).train()
    network[0].eval()
    with watching(network, "1") as watched:
        network(torch.ones(2, 1, 3, 3))
    with torch.no_grad():
        assert torch.equal(watched.maps(), network[0](torch.ones(2, 1, 3, 3)))
    assert network.training and not network[0].training
    assert network[2].num_batches_tracked == 0


def test_maps_are_listed_in_the_order_they_run():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    found = maps_of(network, (3, 8, 8))
    assert [(name, module.output) for name, module in found.items()] == [("0", (4, 6, 6)), ("1", (4, 6, 6))]


def test_a_layer_that_does_not_exist_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown layer 'cnov'; did you mean conv\?"), watching(Twice(), "cnov"):
        pass


def test_an_empty_name_is_no_layer():
    with pytest.raises(SettingsError, match="stands empty"), watching(Twice(), ""):
        pass


def test_a_layer_without_places_is_refused():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with watching(network, "1") as watched:
        network(torch.ones(1, 1, 2, 2))
    with pytest.raises(SizeError, match="layer '1' makes 2 for an image, no map with places"):
        watched.maps()


def test_a_layer_that_does_not_run_is_refused():
    network = Twice()
    network.idle = nn.Conv2d(1, 1, 1)
    with watching(network, "idle") as watched:
        network(torch.ones(1, 1, 4, 4))
    with pytest.raises(SizeError, match="made nothing"):
        watched.maps()


def test_the_image_itself_is_no_map():
    network = nn.Sequential(nn.Identity(), nn.Flatten(), nn.Linear(16, 2))
    images = torch.ones(1, 1, 4, 4)
    with watching(network) as watched:
        network(images.contiguous())
    with pytest.raises(SizeError, match="made nothing"):
        watched.maps()
