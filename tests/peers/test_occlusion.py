"""Occlusion is captum's, on networks that are hard to follow, and on torchvision's and timm's."""

import pytest
import torch

from striate import create_model
from striate.explain.occlusion import occlusion, window_drops
from tests.peers.explained import Chain, Functional, Residual, settled

attr = pytest.importorskip("captum.attr", reason="captum is not installed: pip install '.[peers]'")
pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.filterwarnings("ignore::FutureWarning")]

TARGETS = torch.tensor([1, 4])
NETWORKS = {
    "chain": Chain,
    "in place": lambda: Chain(inplace=True),
    "residual": Residual,
    "reused": lambda: Residual(reused=True),
    "calls": lambda: Functional(Residual()),
    "resnet20": lambda: create_model("resnet20", num_classes=5),
}


def _expect_captums(network, images, window, stride, fill):
    channels = images.shape[1]
    asked = {"sliding_window_shapes": (channels, window, window), "strides": (channels, stride, stride)}
    theirs = attr.Occlusion(network).attribute(
        images, target=TARGETS, baselines=fill, perturbations_per_eval=8, **asked
    )
    ours = occlusion(network, images, TARGETS, window=window, stride=stride, fill=fill)
    for channel in range(channels):
        torch.testing.assert_close(ours, theirs[:, channel].to(ours), rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))


@pytest.mark.parametrize("fill", [0.0, 0.7])
@pytest.mark.parametrize(("window", "stride"), [(8, 8), (9, 5)])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_map_is_captums(name, window, stride, fill):
    torch.manual_seed(0)
    network = settled(NETWORKS[name]())
    _expect_captums(network, torch.randn(2, 3, 32, 32, dtype=torch.float64), window, stride, fill)


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_torchvisions_networks_are_followed(torchvision, name):
    torch.manual_seed(0)
    network = settled(torchvision.get_model(name, num_classes=5))
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    _expect_captums(network, images, 24, 20, 0.0)
    assert window_drops(network, images, TARGETS, window=24, stride=20).note.startswith("only what changes")


@pytest.mark.parametrize("name", ["resnet10t", "convnext_atto", "vit_tiny_patch16_224"])
def test_timms_networks_are_followed(timm, name):
    torch.manual_seed(0)
    size = {"img_size": 64} if name.startswith("vit") else {}
    network = settled(timm.create_model(name, num_classes=5, **size))
    _expect_captums(network, torch.randn(2, 3, 64, 64, dtype=torch.float64), 24, 20, 0.0)
