"""VGG against Simonyan & Zisserman 2014, Tables 1 and 2, and against torchvision's state dicts."""

import json

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model
from tests.architectures.chains import layers_by_name

LAYERS = {"vgg11": 11, "vgg11_lrn": 11, "vgg13": 13, "vgg16_c": 16, "vgg16": 16, "vgg19": 19}  # Table 1, first row
MILLIONS = {"vgg11": 133, "vgg11_lrn": 133, "vgg13": 133, "vgg16_c": 134, "vgg16": 138, "vgg19": 144}  # Table 2


def on_meta(name, **declared):
    with torch.device("meta"):
        return create_model(name, **declared)


def in_torchvisions_names(name, network):
    tensors = network.state_dict()
    return dict(zip(CATALOGUE[name].names["torchvision"](list(tensors)), tensors.values(), strict=True))


@pytest.mark.parametrize("name", LAYERS)
def test_a_network_has_the_weight_layers_and_the_parameters_of_the_paper(name):
    network = on_meta(name)
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in network.modules()) == LAYERS[name]
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6) == MILLIONS[name]


def test_vgg16_has_138344128_weights_and_13416_biases():
    named = on_meta("vgg16").named_parameters()
    sizes = {key: parameter.numel() for key, parameter in named}
    assert sum(count for key, count in sizes.items() if key.endswith("weight")) == 138_344_128
    assert sum(sizes.values()) == 138_357_544


@pytest.mark.parametrize("name", [f"vgg{depth}{kind}" for depth in (11, 13, 16, 19) for kind in ("", "_bn")])
def test_names_shapes_and_multiplies_are_torchvisions(shared, name):
    network, oracle = on_meta(name), shared / "oracle"
    expected = json.loads((oracle / "torchvision_0.28.0_state_dict_shapes.json").read_text())[name]
    weights = json.loads((oracle / "torchvision_0.28.0_meta.json").read_text())[name]["IMAGENET1K_V1"]
    tensors = in_torchvisions_names(name, network)
    assert [[key, list(value.shape)] for key, value in tensors.items()] == expected["state_dict"]
    assert sum(parameter.numel() for parameter in network.parameters()) == weights["num_params"]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, 224, 224, device="meta"))
    assert counter.get_total_flops() / 2e9 == pytest.approx(weights["_ops"], abs=0.0006)


def test_column_c_ends_its_last_three_stages_with_a_1x1_convolution():
    kernels = [layer.kernel_size[0] for layer in on_meta("vgg16_c").stages.modules() if isinstance(layer, nn.Conv2d)]
    assert kernels == [3, 3, 3, 3, 3, 3, 1, 3, 3, 1, 3, 3, 1]


def test_a_lrn_normalises_once_before_its_first_pooling():
    layers = list(layers_by_name(on_meta("vgg11_lrn").stages).values())
    assert [place for place, layer in enumerate(layers) if isinstance(layer, nn.LocalResponseNorm)] == [2]
    others = [type(layer) for layer in layers_by_name(on_meta("vgg11").stages).values()]
    assert [type(layer) for layer in layers[:2] + layers[3:]] == others
    assert others[:3] == [nn.Conv2d, nn.ReLU, nn.MaxPool2d]


def test_seven_by_seven_places_are_left_of_the_papers_image():
    maps = on_meta("vgg19").stages(torch.empty(1, 3, 224, 224, device="meta"))
    assert maps.shape == (1, 512, 7, 7)


@pytest.mark.parametrize(("size", "inputs"), [((32, 32), 512), ((64, 100), 512 * 2 * 3), ((256, 256), 512 * 8 * 8)])
def test_the_first_matrix_takes_in_whatever_is_left_of_other_sizes(size, inputs):
    assert on_meta("vgg16", size=size).head.fc6.in_features == inputs


def test_weights_start_as_glorots():
    torch.manual_seed(0)
    network = create_model("vgg16", num_classes=10, size=32)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            field = layer.weight[0, 0].numel()
            inputs, outputs = layer.weight.shape[1] * field, layer.weight.shape[0] * field
            assert layer.weight.std().item() == pytest.approx((2 / (inputs + outputs)) ** 0.5, rel=0.05)
            assert not layer.bias.any()
