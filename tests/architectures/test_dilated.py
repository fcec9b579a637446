"""Dilated networks against Yu & Koltun 2015, Table 1 and section 4, and torchvision's VGG-16."""

import json
import re

import pytest
import torch
from torch import nn
from torch.nn.functional import pad

from striate.architectures.catalogue import create_model
from striate.architectures.dilated import context
from striate.errors import SizeError

FIELDS = (3, 5, 9, 17, 33, 65, 67, 67)  # Table 1, "receptive field", of layers 1 to 8
LARGE = (2, 2, 4, 8, 16, 32, 32, 1)  # Table 1, "output channels", in C


def on_meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options).eval()


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_front_end_is_vgg16_but_for_its_last_matrix(shared):
    oracle = json.loads((shared / "oracle" / "torchvision_0.28.0_state_dict_shapes.json").read_text())["vgg16"]
    features = {key: shape for key, shape in oracle["state_dict"] if key.startswith("features")}
    network = on_meta("dilated_frontend")
    ours = {key: list(value.shape) for key, value in network.stages.state_dict().items()}
    assert {re.sub(r"^stage\d", "features", key): shape for key, shape in ours.items() if "fc" not in key} == features
    assert count(network) == oracle["params"] - (4096 * 1000 + 1000) + (4096 * 21 + 21) == 134_346_581


@pytest.mark.parametrize("name", ["dilated_frontend", "dilated_context", "dilated_context_large"])
@pytest.mark.parametrize(
    ("size", "maps"), [(512 + 2 * 186, 64), (900, 66)]
)  # section 4; the authors' published network
def test_padded_images_become_one_place_for_each_8_pixels(name, size, maps):
    network = on_meta(name, size=size)
    assert network(torch.empty(1, 3, size, size, device="meta")).shape == (1, 21, maps, maps)
    assert network.strides["stage6"] == 8


def test_no_pooling_is_left_after_the_third_and_windows_are_2_and_4_apart():
    network = on_meta("dilated_frontend")
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.MaxPool2d)]
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in layers) == 3
    dilations = [layer.dilation[0] for layer in layers if isinstance(layer, nn.Conv2d)]
    assert dilations == [1] * 10 + [2, 2, 2, 4, 1, 1]
    assert not any(layer.padding != (0, 0) for layer in layers if isinstance(layer, nn.Conv2d))


def test_a_value_sees_380_pixels_so_that_fewer_are_refused():
    assert on_meta("dilated_frontend", size=380)(torch.empty(1, 3, 380, 380, device="meta")).shape[2:] == (1, 1)
    with pytest.raises(SizeError, match=r"at stage6\.fc6 .* use a size of 380 or more"):
        on_meta("dilated_context", size=379)


@pytest.mark.parametrize(("widths", "name"), [((1,) * 8, "dilated_context"), (LARGE, "dilated_context_large")])
def test_a_context_module_has_the_weights_of_table_1(widths, name):
    channels = [21 * width for width in (1, *widths)]
    kernels = (9, 9, 9, 9, 9, 9, 9, 1)
    weights = sum(k * a * b for k, a, b in zip(kernels, channels[:-1], channels[1:], strict=True))
    assert count(on_meta(name)) - count(on_meta("dilated_frontend")) == weights + sum(channels[1:])
    assert name == "dilated_context_large" or weights == 64 * 21**2  # section 3


def test_one_changed_value_changes_as_many_as_table_1_says():
    module, extents = context(1), []
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    with torch.no_grad():
        before, after = torch.zeros(1, 1, 101, 101), torch.zeros(1, 1, 101, 101)
        after[..., 50, 50] = 1
        for name, layer in module.named_children():
            before, after = layer(before), layer(after)
            if name.startswith("conv"):
                changed = (before != after)[0, 0]
                extents.append((int(changed.any(dim=1).sum()), int(changed.any(dim=0).sum())))
    assert extents == [(field, field) for field in FIELDS]
    assert after.shape == (1, 1, 101, 101)


@pytest.mark.parametrize(("widths", "tolerance"), [((1,) * 8, 0.0), (LARGE, 0.05)])
def test_a_context_module_starts_by_passing_on_what_is_above_zero(widths, tolerance):
    torch.manual_seed(0)
    maps = torch.randn(1, 5, 20, 30)
    with torch.no_grad():
        passed = context(5, widths)(maps)
    torch.testing.assert_close(passed, maps.relu(), rtol=0, atol=tolerance * maps.max().item() + 1e-6)


def test_it_looks_33_values_beyond_the_maps_and_finds_zeros_there():
    torch.manual_seed(0)
    module = context(2)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    maps = torch.rand(1, 2, 5, 5)
    with torch.no_grad():
        unpadded = module[1:](pad(maps, (33, 33, 33, 33)))
        torch.testing.assert_close(module(maps), unpadded)
