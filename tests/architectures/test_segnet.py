"""SegNet against Badrinarayanan et al. 2015, torchvision's VGG-16 with batch norm, and torch's own unpooling."""

import json
import re
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import max_pool2d, max_unpool2d

from striate.architectures.catalogue import create_model
from striate.architectures.segnet import Decoding, Encoding
from striate.errors import SizeError
from striate.layers.unpooling import SwitchPool2d, SwitchUnpool2d

ENCODER = (
    3,
    64,
    64,
    128,
    128,
    256,
    256,
    256,
    512,
    512,
    512,
    512,
    512,
    512,
)  # channels before and after 13 convolutions
DECODER = (512, 512, 512, 512, 512, 512, 256, 256, 256, 128, 128, 64, 64, 11)  # the authors' published network


def on_meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options).eval()


def widths(part):
    return [layer.weight.shape[:2] for layer in part.modules() if isinstance(layer, nn.Conv2d)]


def test_thirteen_convolutions_and_their_mirror_image():
    network = on_meta("segnet")
    assert widths(network.stages) == [(after, before) for before, after in pairwise(ENCODER)]
    mirror = [*widths(network.decoder), *widths(network.head)]
    assert mirror == [(after, before) for before, after in pairwise(DECODER)]


def test_parameters_are_the_papers_29_million_and_117_megabytes():
    convolutions = sum(9 * a * b + b for row in (ENCODER, DECODER) for a, b in pairwise(row))
    norms = 2 * (sum(ENCODER[1:]) + sum(DECODER[1:-1]))
    total = sum(parameter.numel() for parameter in on_meta("segnet").parameters())
    assert total == convolutions + norms == 29_449_355
    assert 4 * total // 1_000_000 == 117


def test_the_encoder_takes_the_tensors_of_torchvisions_vgg16_bn(shared):
    oracle = json.loads((shared / "oracle" / "torchvision_0.28.0_state_dict_shapes.json").read_text())["vgg16_bn"]
    theirs = {key: shape for key, shape in oracle["state_dict"] if key.startswith("features")}
    ours = {key: list(value.shape) for key, value in on_meta("segnet").stages.state_dict().items()}
    assert {re.sub(r"^stage\d", "features", key): shape for key, shape in ours.items()} == theirs


def test_basic_has_four_wide_windows_each_way_that_see_106_pixels():
    network = on_meta("segnet_basic")
    weights = 49 * 64 * (3 + 3 * 64) + 4 * 49 * 64 * 64
    assert sum(parameter.numel() for parameter in network.parameters()) == weights + 8 * 2 * 64 + 64 * 11 + 11
    chain = nn.Sequential()  # the same windows, that pass a change on whatever the weights are
    for layer in network.stages.modules():
        if isinstance(layer, nn.Conv2d):
            chain.append(nn.Conv2d(1, 1, layer.kernel_size, layer.stride, layer.padding, bias=False))
            nn.init.ones_(chain[-1].weight)
        elif isinstance(layer, SwitchPool2d):
            chain.append(nn.AvgPool2d(layer.kernel_size, layer.stride))
    image = torch.zeros(1, 1, 240, 240, requires_grad=True)
    chain(image)[0, 0, 7, 7].backward()
    assert image.grad.any(dim=-1).sum() == 106  # section 3.1
    assert not any(isinstance(layer, nn.ReLU) for layer in network.decoder.modules())


def test_a_value_comes_back_to_where_it_was_the_largest():
    image = torch.tensor([[[[1.0, 2.0, 9.0], [4.0, 3.0, 9.0], [9.0, 9.0, 9.0]]]])  # the 9s are in no window
    given = Encoding(SwitchPool2d(2))(image, switches=True)
    assert Decoding(SwitchUnpool2d())(10 * given[1], given).tolist() == [[[[0, 0, 0], [40, 0, 0], [0, 0, 0]]]]


@pytest.mark.parametrize("size", [(32, 48), (45, 38)])
def test_the_maps_are_those_of_torchs_own_unpooling(one_thread, size):
    torch.manual_seed(0)
    network, images = create_model("segnet_basic", size=size).eval(), torch.rand(2, 3, *size)
    with torch.no_grad():
        maps, remembered = images, []
        for stage in network.stages:
            whole = nn.Sequential(*list(stage)[:-1])(maps)
            maps, indices = max_pool2d(whole, 2, return_indices=True)
            remembered.append((indices, whole.shape[2:]))
        for stage, (indices, shape) in zip(network.decoder, reversed(remembered), strict=True):
            maps = nn.Sequential(*list(stage)[1:])(max_unpool2d(maps, indices, 2, output_size=shape))
        expected, given = network.head(maps), network(images)
    assert given.shape == (2, 11, *size)
    assert torch.equal(given, expected)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (360, 480)])
def test_every_pixel_of_any_image_from_32_pixels_is_named(size):
    network = on_meta("segnet", size=size, num_classes=4)
    assert network(torch.empty(1, 3, *size, device="meta")).shape == (1, 4, *size)


def test_less_than_32_pixels_are_refused():
    with pytest.raises(SizeError):
        on_meta("segnet", size=31)
