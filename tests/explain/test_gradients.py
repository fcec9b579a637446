"""Methods that go backward through the network, on toys that a person can compute."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from striate.errors import SettingsError, SizeError, StriateError
from striate.explain.aim import aimed
from striate.explain.deconvnet import deconvnet
from striate.explain.grad_cam import enlarged, grad_cam
from striate.explain.guided import guided_backpropagation
from striate.explain.integrated_gradients import integrated_gradients, missing
from striate.explain.neuron import Neuron
from striate.explain.saliency import saliency
from striate.explain.scores import class_scores
from striate.explain.smoothgrad import smoothgrad

FIRST = torch.tensor([0])


class Toy(nn.Module):
    """Two units a = x1 - x2 and b = x2 - 2 x1 behind a rectifier; the score is v·(a, b)."""

    def __init__(self, v, rectify):
        super().__init__()
        self.units, self.score = nn.Conv2d(1, 2, (1, 2), bias=False), nn.Linear(2, 1, bias=False)
        self.rectify = rectify
        with torch.no_grad():
            self.units.weight.copy_(torch.tensor([[1.0, -1.0], [-2.0, 1.0]]).view(2, 1, 1, 2))
            self.score.weight.copy_(torch.tensor([v]))

    def forward(self, images):
        return self.score(self.rectify(self.units(images)).flatten(1))


RECTIFIERS = [nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), functional.relu, torch.relu_, lambda x: x.clamp(min=0)]


@pytest.mark.parametrize("rectify", RECTIFIERS, ids=range(6))
def test_the_three_ways_back_through_a_rectifier(rectify):
    """For x = (3, 1): a = 2 passes, b = -5 does not. With v = (-1, 1), back at the units come -1 and 1.

    The gradient lets a's pass, the deconvolution what is positive, b's, and guided backpropagation neither.
    """
    network, image = Toy([-1.0, 1.0], rectify), torch.tensor([[[[3.0, 1.0]]]])
    assert saliency(network, image, FIRST).tolist() == [[[1.0, 1.0]]]
    assert deconvnet(network, image, FIRST).tolist() == [[[[-2.0, 1.0]]]]
    assert guided_backpropagation(network, image, FIRST).tolist() == [[[[0.0, 0.0]]]]


def test_guided_backpropagation_lets_pass_what_is_positive_both_ways():
    network, image = Toy([1.0, 1.0], nn.ReLU()), torch.tensor([[[[3.0, 1.0]]]])
    assert guided_backpropagation(network, image, FIRST).tolist() == [[[[1.0, -1.0]]]]


@pytest.mark.parametrize("method", [deconvnet, guided_backpropagation])
def test_a_network_without_relu_is_refused_with_what_it_uses(method):
    with pytest.raises(StriateError, match=r"no ReLU.*\(it uses Silu\)"):
        method(Toy([1.0, 1.0], nn.SiLU()), torch.ones(1, 1, 1, 2), FIRST)


def test_the_switches_put_a_value_back_where_its_maximum_was():
    network = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1, 1, bias=False))
    nn.init.constant_(network[3].weight, 5.0)
    image = torch.tensor([[[[1.0, 2.0], [9.0, 3.0]]]])
    assert deconvnet(network, image, FIRST).tolist() == [[[[0.0, 0.0], [5.0, 0.0]]]]


def test_a_neuron_without_a_place_is_taken_where_it_is_strongest_in_each_image():
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU())
    nn.init.constant_(network[0].weight, 2.0)
    images = torch.tensor([[[[1.0, 4.0]]], [[[3.0, 2.0]]]])
    assert aimed(network, images, Neuron("1", 0)).tolist() == [8.0, 6.0]
    assert aimed(network, images, Neuron("1", 0, (0, 0))).tolist() == [2.0, 6.0]
    assert deconvnet(network, images, Neuron("1", 0)).tolist() == [[[[0.0, 2.0]]], [[[2.0, 0.0]]]]


@pytest.mark.parametrize(
    ("neuron", "said"),
    [(Neuron("1", 7), "has no channel 7; it has 0 to 0"), (Neuron("1", 0, (5, 0)), "no place 5,0; it has 1×2 places")],
)
def test_a_neuron_that_is_not_there_is_refused(neuron, said):
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    with pytest.raises(SettingsError, match=said):
        aimed(network, torch.ones(1, 1, 1, 2), neuron)


def test_integrated_gradients_of_a_linear_network_are_weight_times_way():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    images = torch.randn(2, 1, 2, 2)
    targets = torch.tensor([2, 0])
    expected = (images - 0.5) * network[1].weight.detach()[targets].view(2, 1, 2, 2)
    found = integrated_gradients(network, images, targets, steps=3, baseline=0.5)
    torch.testing.assert_close(found, expected)


class Square(nn.Module):
    def forward(self, images):
        return images.flatten(1).square()


def test_integrated_gradients_of_a_square_are_exact_by_midpoints():
    """F = x², from 0: x·∫ 2αx dα = x²; the midpoint rule is exact for a line."""
    images = torch.tensor([[[[3.0, -2.0]]]])
    found = integrated_gradients(Square(), images, torch.tensor([1]), steps=1)
    assert found.tolist() == [[[[0.0, 4.0]]]]
    assert missing(Square(), images, torch.tensor([1]), found).tolist() == [0.0]


class Cube(nn.Module):
    def forward(self, images):
        return images.flatten(1) ** 3


def test_what_few_steps_leave_out_is_told():
    """F = x³ at 1 in one step: 3·(1/2)² = 3/4 of it is found."""
    images = torch.ones(1, 1, 1, 1)
    found = integrated_gradients(Cube(), images, FIRST, steps=1)
    torch.testing.assert_close(missing(Cube(), images, FIRST, found), torch.tensor([0.25]))


def test_smoothgrad_of_a_linear_network_is_its_saliency():
    network, images = nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), torch.randn(2, 3, 2, 2)
    targets = torch.tensor([2, 0])
    torch.testing.assert_close(smoothgrad(network, images, targets, draws=3), saliency(network, images, targets))


def test_smoothgrad_of_a_square_is_the_gradient_at_the_mean_of_the_draws():
    """Of x² it is 2·mean(x + noise), with the spread of the mean of the draws."""
    images = torch.tensor([[[[0.0, 10.0]]]])
    found = smoothgrad(Square(), images, torch.tensor([1]), draws=4000, noise=0.2, seed=1)
    assert found[0, 0, 0] == 0
    assert abs(found[0, 0, 1] - 20) < 4 * 2 * 2 / 4000**0.5
    again = smoothgrad(Square(), images, torch.tensor([1]), draws=4000, noise=0.2, seed=1)
    assert torch.equal(found, again)
    assert not torch.equal(found, smoothgrad(Square(), images, torch.tensor([1]), draws=4000, noise=0.2, seed=2))


def test_grad_cam_by_hand():
    """Maps A = (1, 2) and B = (3, 1); score 2·mean A - mean B: weights 1 and -1/2; relu(A - B/2) = (0, 1.5)."""
    network = nn.Sequential(nn.Conv2d(2, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.eye(2).view(2, 2, 1, 1))
        network[0].bias.zero_()
        network[3].weight.copy_(torch.tensor([[2.0, -1.0]]))
    image = torch.tensor([[[[1.0, 2.0]], [[3.0, 1.0]]]])
    for layer in ("0", None):
        assert grad_cam(network, image, FIRST, layer=layer).tolist() == [[[0.0, 1.5]]]


def test_a_map_enlarged_keeps_its_values_at_the_centres_of_its_cells():
    maps = torch.tensor([[[0.0, 4.0]]])
    assert enlarged(maps, (2, 4))[0, 0].tolist() == [0.0, 1.0, 3.0, 4.0]


def test_a_network_without_scores_is_refused():
    with pytest.raises(SizeError, match="answers with 1×2×1×2; expected one score for each image and class"):
        class_scores(nn.Conv2d(1, 2, 1), torch.ones(1, 1, 1, 2), FIRST)


@pytest.mark.parametrize("target", [-1, 3])
def test_a_class_that_is_not_there_is_refused(target):
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    with pytest.raises(SettingsError, match=rf"no class number {target}; the network has classes 0 to 2"):
        saliency(network, torch.ones(1, 1, 2, 2), torch.tensor([target]))


@pytest.mark.parametrize(("asked", "said"), [({"draws": 0}, "draws is 0"), ({"noise": -1.0}, "noise is -1.0")])
def test_smoothgrad_refuses_what_makes_no_sense(asked, said):
    with pytest.raises(SettingsError, match=said):
        smoothgrad(Square(), torch.ones(1, 1, 1, 2), FIRST, **asked)


@pytest.mark.parametrize("text", ["layer4", "layer4:x", "layer4:1@2", ":3"])
def test_what_is_no_neuron_is_refused(text):
    with pytest.raises(SettingsError, match="is no neuron; expected LAYER:CHANNEL"):
        Neuron.parse(text)
