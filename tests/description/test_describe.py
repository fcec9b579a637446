"""What `describe` takes, what it refuses, and that it leaves the network as it was."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from striate.description.describing import describe
from striate.errors import ModelFileError, SettingsError, SizeError, UnknownNameError


@pytest.fixture
def network():
    layers = OrderedDict(
        first=nn.Conv2d(3, 4, 3),
        norm=nn.BatchNorm2d(4),
        drop=nn.Dropout(),
        second=nn.Conv2d(4, 2, 5),
        pool=nn.MaxPool2d(2),
    )
    return nn.Sequential(layers)


def snapshot(network):
    values = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    marks = [(p.device, p.dtype, p.requires_grad, p.grad, id(p)) for p in network.parameters()]
    modes = [
        (module.training, len(module._forward_hooks), len(module._forward_pre_hooks)) for module in network.modules()
    ]
    return values, marks, modes


@pytest.mark.parametrize("size", [16, 5], ids=["it fits", "it collapses"])
def test_describing_leaves_the_network_as_it_was(network, size):
    network.norm.eval()
    network.first.weight.requires_grad_(False)
    network(torch.randn(2, 3, 16, 16))
    values, marks, modes = snapshot(network)
    random = torch.get_rng_state()
    try:
        describe(network, size=size)
    except SizeError:
        assert size == 5
    values_after, marks_after, modes_after = snapshot(network)
    assert (marks, modes) == (marks_after, modes_after)
    assert all(torch.equal(values[name], values_after[name]) for name in values)
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize(("size", "place"), [(6, "second slides a window of 5×5 and gets a map of 4×4"), (7, "pool")])
def test_a_network_that_collapses_names_the_module_and_the_size_that_works(network, size, place):
    with pytest.raises(
        SizeError, match=rf"an image of 3 channels and {size}×{size} pixels: {place}.*; a size of 8 works"
    ):
        describe(network, size=size)
    assert describe(network, size=8).rows[-1].output == (2, 1, 1)


def test_a_network_for_other_channels_names_the_module(network):
    with pytest.raises(
        SizeError, match=r"1 channel and 16×16 pixels: first takes 3 channels and is given 1: pass in_channels=3"
    ):
        describe(network, in_channels=1, size=16)


def test_a_network_that_reaches_beyond_the_image_is_refused_too():
    class Reaching(nn.Module):
        def forward(self, images):
            return images[:, 7]

    with pytest.raises(SizeError, match="3 channels and 8×8 pixels: in reaching, IndexError: index 7"):
        describe(nn.Sequential(OrderedDict(reaching=Reaching())), size=8)


def test_a_module_without_a_size_is_asked_for_it(network):
    with pytest.raises(SettingsError, match="a module does not say what images it takes: give their size"):
        describe(network)


def test_one_number_is_a_square_and_colour_is_meant_if_nothing_is_said(network):
    assert describe(network, size=16).rows[0].output == (3, 16, 16)
    assert describe(network, size=(16, 20)) == describe(network, size=(16, 20), in_channels=3)


@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_a_network_of_any_number_format_has_the_same_card(network, number):
    expected = describe(network, size=16)
    assert describe(network.to(number), size=16) == expected


def test_the_card_is_the_same_in_inference_mode(network):
    expected = describe(network, size=16), describe("lenet5")
    with torch.inference_mode():
        assert (describe(network, size=16), describe("lenet5")) == expected


def test_a_batch_norm_over_a_single_value_is_described_also_before_training():
    network = nn.Sequential(nn.AvgPool2d(8), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    assert network.training
    assert describe(network, size=8).multiplies == 12


def test_names_that_are_none_are_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown model 'lenet6'; did you mean lenet5"):
        describe("lenet6")
    with pytest.raises(ModelFileError, match="there is no file"):
        describe(tmp_path / "model.safetensors")
    with pytest.raises(SizeError, match=r"at stage2\.c3"):
        describe("lenet5", size=12)
