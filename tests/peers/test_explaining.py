"""Explanations are those of captum, on networks that captum can follow."""

import copy

import pytest
import torch

from striate import create_model
from striate.explain.deconvnet import deconvnet
from striate.explain.grad_cam import grad_cam
from striate.explain.guided import guided_backpropagation
from striate.explain.integrated_gradients import integrated_gradients
from striate.explain.saliency import saliency
from tests.peers.explained import Chain, Functional, Residual, settled

attr = pytest.importorskip("captum.attr", reason="captum is not installed: pip install '.[peers]'")
pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.filterwarnings("ignore::FutureWarning")]

TARGETS = torch.tensor([1, 4, 2])


def _ours(name):
    return settled(create_model(name, num_classes=5))


NETWORKS = {
    "chain": lambda: settled(Chain()),
    "in place": lambda: settled(Chain(inplace=True)),
    "residual": lambda: settled(Residual()),
    "reused": lambda: settled(Residual(reused=True)),
    "resnet20": lambda: _ours("resnet20"),
    "squeezenet": lambda: _ours("squeezenet1_0"),
    "mobilenet": lambda: _ours("tf_mobilenet_v2"),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    torch.manual_seed(3)
    return NETWORKS[request.param]()


@pytest.fixture
def images(network):
    side = 64 if hasattr(network, "stages") else 32  # Chain's head is made for 32
    return torch.randn(3, 3, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


def _same(ours, theirs):
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))
    assert theirs.abs().max() > 0


def test_saliency(network, images):
    theirs = attr.Saliency(copy.deepcopy(network)).attribute(images, TARGETS).amax(dim=1)
    _same(saliency(network, images, TARGETS), theirs)


def test_integrated_gradients(network, images):
    peer = attr.IntegratedGradients(copy.deepcopy(network))
    theirs = peer.attribute(images, target=TARGETS, n_steps=7, method="riemann_middle")
    _same(integrated_gradients(network, images, TARGETS, steps=7), theirs)


RECTIFIED = sorted(NETWORKS.keys() - {"mobilenet"})  # captum leaves ReLU6 as it is


@pytest.mark.parametrize("network", RECTIFIED, indirect=True)
def test_deconvnet(network, images):
    theirs = attr.Deconvolution(copy.deepcopy(network)).attribute(images, target=TARGETS)
    _same(deconvnet(network, images, TARGETS), theirs)


@pytest.mark.parametrize("network", RECTIFIED, indirect=True)
def test_guided_backpropagation(network, images):
    theirs = attr.GuidedBackprop(copy.deepcopy(network)).attribute(images, target=TARGETS)
    _same(guided_backpropagation(network, images, TARGETS), theirs)


@pytest.mark.parametrize("method", [deconvnet, guided_backpropagation])
def test_calls_of_relu_are_met_as_modules_are(method):
    network, images = settled(Residual()), torch.randn(3, 3, 32, 32, dtype=torch.float64)
    theirs = {deconvnet: attr.Deconvolution, guided_backpropagation: attr.GuidedBackprop}[method]
    expected = theirs(copy.deepcopy(network)).attribute(images, target=TARGETS)
    _same(method(Functional(network), images, TARGETS), expected)


LAST = {"chain": "6", "in place": "4", "residual": "second", "resnet20": "layer3.2"}


@pytest.mark.parametrize("name", LAST)
def test_grad_cam(name):
    network = NETWORKS[name]()
    side = 64 if hasattr(network, "stages") else 32
    images = torch.randn(3, 3, side, side, dtype=torch.float64)
    peer = copy.deepcopy(network)
    theirs = attr.LayerGradCam(peer, peer.get_submodule(LAST[name])).attribute(images, TARGETS, relu_attributions=True)
    _same(grad_cam(network, images, TARGETS, layer=LAST[name]), theirs[:, 0])
