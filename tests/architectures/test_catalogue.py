"""What every network of the catalogue promises: one test asks all of them."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from striate.architectures.catalogue import CATALOGUE, Declaration, create_model, declare
from striate.errors import SettingsError, SizeError, UnknownNameError


@pytest.fixture(params=sorted(CATALOGUE))
def name(request):
    return request.param


@pytest.fixture(params=[1, 3], ids=["grey", "colour"])
def channels(request):
    return request.param


def images(name, channels, count=4):
    return torch.randn(count, channels, *CATALOGUE[name].size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("classes", [1, 2, 7])
def test_images_become_one_score_for_each_class(name, channels, classes):
    network = create_model(name, num_classes=classes, in_channels=channels)
    assert network(images(name, channels)).shape == (4, classes)


def test_a_network_takes_other_sizes_than_its_papers(name):
    network = create_model(name, in_channels=1, size=(28, 36))
    assert network(torch.randn(2, 1, 28, 36)).shape == (2, 10)


def test_the_gradient_reaches_every_parameter(name, channels):
    network = create_model(name, in_channels=channels)
    cross_entropy(network(images(name, channels)), torch.arange(4)).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key


def test_one_step_down_the_gradient_lowers_the_loss(name, channels):
    torch.manual_seed(0)
    network, batch, targets = create_model(name, in_channels=channels), images(name, channels), torch.arange(4)
    before = cross_entropy(network(batch), targets)
    before.backward()
    torch.optim.SGD(network.parameters(), lr=1e-3).step()
    assert cross_entropy(network(batch), targets) < before


def test_the_weights_depend_on_torchs_seed_alone(name):
    def weights(seed):
        torch.manual_seed(seed)
        return torch.cat([parameter.flatten() for parameter in create_model(name).parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_images_do_not_touch_each_other(name, channels):
    network, batch = create_model(name, in_channels=channels).eval(), images(name, channels)
    torch.testing.assert_close(network(batch)[:1], network(batch[:1]))


@pytest.mark.parametrize("wrong", [{"num_classes": 0}, {"in_channels": 0}, {"size": 0}, {"size": (32, -1)}])
def test_counts_below_one_are_refused(name, wrong):
    with pytest.raises(SettingsError, match="expected a whole number from 1 to"):
        create_model(name, **wrong)


def test_what_is_not_said_is_as_in_the_source(name):
    entry = CATALOGUE[name]
    assert declare(name) == Declaration(name, 10, entry.in_channels, entry.size)
    assert declare(name, size=40, in_channels=2).size == (40, 40)
    assert entry.source


@pytest.mark.parametrize(("asked", "nearest"), [("lenet", "lenet5"), ("LeNet5", "lenet5"), ("linaer", "linear")])
def test_an_unknown_name_is_refused_with_the_nearest(asked, nearest):
    with pytest.raises(UnknownNameError, match=f"unknown model '{asked}'; did you mean .*{nearest}"):
        create_model(asked)


def test_a_name_near_to_nothing_is_refused_with_all_that_are_known():
    with pytest.raises(UnknownNameError, match="known: lenet5, linear, mlp"):
        create_model("zzz")


@pytest.mark.parametrize(("side", "layer", "left"), [(3, "C1", 3), (5, "S2", 1), (12, "C3", 4), (15, "S4", 1)])
def test_lenet_on_too_small_an_image_names_the_layer_that_does_not_fit(side, layer, left):
    with pytest.raises(SizeError, match=f"cannot take a side of {side} pixels: at {layer} {left} are left.*16 or more"):
        create_model("lenet5", size=(32, side))
