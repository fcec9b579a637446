"""ResNet against He et al. 2015, Table 1, and against torchvision: its state dicts and its scores."""

import importlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import create_model

LAYERS = {"resnet18": 18, "resnet34": 34, "resnet50": 50, "resnet101": 101, "resnet152": 152}
MULTIPLIES = {"resnet18": 1.8, "resnet34": 3.6, "resnet50": 3.8, "resnet101": 7.6, "resnet152": 11.3}  # Table 1, in 1e9
SIDES = {"conv1": 112, "maxpool": 56, "layer1": 56, "layer2": 28, "layer3": 14, "layer4": 7, "avgpool": 1}


def on_meta(name):
    with torch.device("meta"):
        return create_model(name)


@pytest.fixture(scope="module")
def torchvision_models():
    peers = str(Path(__file__).parents[1] / "peers")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(peers)
        if torch.version.cuda is None:
            importlib.import_module("torchvision_beside_cpu_torch")
        reason = "torchvision is not installed: pip install '.[peers]'"
        return pytest.importorskip("torchvision.models.resnet", reason=reason)


@pytest.mark.parametrize("name", LAYERS)
def test_a_network_is_as_deep_as_its_name_says(name):
    trained = [key for key, module in on_meta(name).named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert sum("downsample" not in key for key in trained) == LAYERS[name]


@pytest.mark.parametrize("name", LAYERS)
def test_names_and_shapes_are_torchvisions(shared, name):
    oracle = shared / "oracle"
    expected = json.loads((oracle / "torchvision_0.28.0_state_dict_shapes.json").read_text())[name]
    network = on_meta(name)
    assert [[key, list(value.shape)] for key, value in network.state_dict().items()] == expected["state_dict"]
    assert sum(parameter.numel() for parameter in network.parameters()) == expected["params"]


@pytest.mark.parametrize("name", LAYERS)
def test_multiplies_are_torchvisions_and_near_the_papers(shared, name):
    meta = json.loads((shared / "oracle" / "torchvision_0.28.0_meta.json").read_text())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(name).eval()(torch.empty(1, 3, 224, 224, device="meta"))
    multiplies = counter.get_total_flops() / 2e9
    assert multiplies == pytest.approx(meta[name]["IMAGENET1K_V1"]["_ops"], abs=0.0006)
    assert multiplies == pytest.approx(MULTIPLIES[name], rel=0.09)  # the paper halves in the first 1x1 of a bottleneck


@pytest.mark.parametrize("name", ["resnet34", "resnet50"])
def test_the_maps_have_the_sizes_of_the_paper(name):
    sides, values = {}, torch.empty(1, 3, 224, 224, device="meta")
    for key, layer in on_meta(name).eval().named_children():
        values = layer(values)
        sides[key] = values.shape[-1]
    assert {key: sides[key] for key in SIDES} == SIDES


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_with_torchvisions_weights_the_scores_are_torchvisions(torchvision_models, name):
    torch.manual_seed(0)
    theirs = getattr(torchvision_models, name)(num_classes=10).eval()
    ours = create_model(name, num_classes=10, size=64).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))


def test_a_block_whose_change_is_nothing_gives_its_input_back():
    block = create_model("resnet18", size=32).layer1[0].eval()
    nn.init.zeros_(block.bn2.weight)
    maps = torch.rand(1, 64, 4, 4)
    torch.testing.assert_close(block(maps), maps)


def test_convolutions_start_by_their_fan_out_and_normalisations_at_one():
    torch.manual_seed(0)
    network = create_model("resnet18", size=32)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = layer.weight.shape[0] * layer.weight[0, 0].numel()
            assert layer.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
        elif isinstance(layer, nn.BatchNorm2d):
            assert layer.weight.unique().tolist() == [1.0]
            assert layer.bias.unique().tolist() == [0.0]


def test_the_gradient_reaches_every_parameter_of_a_real_network():
    torch.manual_seed(0)
    network = create_model("resnet18", num_classes=4, size=64)
    cross_entropy(network(torch.randn(4, 3, 64, 64)), torch.arange(4)).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())
