"""A network of stages and a head, by hand: features, strides, what may be done to it and what not."""

from collections import OrderedDict
from copy import deepcopy

import pytest
import torch
from torch import nn

from striate.architectures.catalogue import create_model, declare
from striate.architectures.network import Network
from striate.errors import SettingsError


def network_of(*stages, channels=4):
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 2))
    return Network(nn.Sequential(OrderedDict((f"stage{place}", stage) for place, stage in enumerate(stages))), head)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5, 8])
def test_a_stride_is_that_of_the_windows_however_they_round(stride):
    convolution = nn.Conv2d(3, 4, kernel_size=5, stride=stride)
    pooling = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    assert network_of(convolution, pooling).strides == {"stage0": stride, "stage1": 2 * stride}


def test_a_stage_of_one_place_has_no_stride():
    assert network_of(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1)).strides == {"stage0": 1, "stage1": 0}


def test_a_stage_that_is_replaced_is_measured_anew():
    network = network_of(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1))
    assert network.strides == {"stage0": 1, "stage1": 1}
    network.stage0 = nn.Sequential(network.stage0, nn.MaxPool2d(2))
    assert [feature.stride for feature in network.features(torch.zeros(1, 3, 8, 8))] == [2, 2]


def test_grouped_first_convolutions_and_whole_number_buffers_are_followed():
    class Chosen(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("order", torch.tensor([3, 2, 1, 0]))

        def forward(self, maps):
            return maps[:, self.order]

    network = network_of(nn.Sequential(nn.Conv2d(4, 4, 3, stride=2, groups=4), Chosen()))
    ((name, stride, maps),) = network.features(torch.zeros(1, 4, 9, 9))
    assert (name, stride, maps.shape) == ("stage0", 2, (1, 4, 4, 4))


def test_one_module_may_stand_in_two_stages():
    pooling = nn.MaxPool2d(2)
    network = network_of(pooling, nn.Conv2d(3, 4, 1), pooling)
    assert network.strides == {"stage0": 2, "stage1": 2, "stage2": 4}
    assert network(torch.zeros(1, 3, 8, 8)).shape == (1, 2)


def test_stages_and_head_are_slices_and_a_slice_is_a_plain_sequence():
    network = network_of(nn.Conv2d(3, 4, 1), nn.ReLU())
    assert [name for name, _ in network[:2].named_children()] == ["stage0", "stage1"]
    assert type(network[:]) is nn.Sequential
    assert network[2] is network[-1] is network.head
    images = torch.rand(2, 3, 4, 4)
    assert torch.equal(network[:](images), network(images))


@pytest.mark.parametrize("edit", [lambda n: n.append(nn.ReLU()), lambda n: n.pop(0), lambda n: n.__delitem__(0)])
def test_a_part_is_neither_taken_away_nor_added(edit):
    with pytest.raises(SettingsError, match="keeps its stages and its head"):
        edit(network_of(nn.Conv2d(3, 4, 1)))


def test_a_copy_answers_the_same_questions():
    network = create_model("resnet18", num_classes=3, size=32)
    copy = deepcopy(network)
    assert copy.strides == network.strides == {"stem": 2, "layer1": 4, "layer2": 8, "layer3": 16, "layer4": 32}


@pytest.mark.parametrize("stem", ["Small", "tiny", None])
def test_a_stem_that_is_none_is_refused(stem):
    with pytest.raises(SettingsError, match="expected paper or small"):
        create_model("resnet18", stem=stem)


@pytest.mark.parametrize("size", [(3, 224, 224), (224,), ()])
def test_a_size_has_one_side_or_two(size):
    with pytest.raises(SettingsError, match=r"expected pixels, one number or \(height, width\)"):
        declare("lenet5", size=size)
