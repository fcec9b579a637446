"""ResNets for CIFAR against their papers' tables, published counts, and published weights on real test images."""

import re
from functools import cache, partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import create_model, declare
from striate.architectures.resnet import basic, residual, resnet, small_stem
from striate.architectures.resnet_cifar import Padding

DEPTHS = {f"{kind}{depth}": depth for kind in ("plain", "resnet") for depth in (20, 32, 44, 56)}
DEPTHS |= {"resnet110": 110, "resnet1202": 1202, "resnext29_8x64d": 29, "resnext29_16x64d": 29}
MILLIONS = {  # He et al. 2015, Table 6; Xie et al. 2016, Table 7
    **{"resnet20": 0.27, "resnet32": 0.46, "resnet44": 0.66, "resnet56": 0.85, "resnet110": 1.7, "resnet1202": 19.4},
    **{"resnext29_8x64d": 34.4, "resnext29_16x64d": 68.1},
}
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]  # CIFAR's order
RIGHT = {"resnet20": ("resnet20-12fca82f.th", 1829), "resnet56": ("resnet56-4bfd9763.th", 1852)}


@cache
def on_meta(name):
    with torch.device("meta"):
        return create_model(name).eval()


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.fixture(scope="module")
def images(shared):
    """The 2,000 test images, from mosaics of 40 a row, less ImageNet's mean and by its deviation, and their classes."""
    folder = shared / "data" / "cifar10" / "test"
    mosaics = [np.asarray(Image.open(folder / f"{name}_0.webp").convert("RGB")) for name in CLASSES]
    tiles = np.stack([np.stack(np.split(mosaic, mosaic.shape[0] // 32)) for mosaic in mosaics])
    tiles = tiles.reshape(10, 5, 32, 40, 32, 3).swapaxes(2, 3).reshape(-1, 32, 32, 3)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pixels = (torch.from_numpy(tiles) / 255 - mean) / deviation
    return pixels.permute(0, 3, 1, 2).contiguous(), torch.arange(10).repeat_interleave(200)


@pytest.mark.parametrize("name", DEPTHS)
def test_a_network_is_as_deep_as_its_name_says(name):
    trained = [key for key, module in on_meta(name).named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert sum("shortcut" not in key for key in trained) == DEPTHS[name]


@pytest.mark.parametrize("name", MILLIONS)
def test_parameters_are_those_of_the_papers_tables(name):
    published = MILLIONS[name]
    assert parameters(on_meta(name)) / 1e6 == pytest.approx(published, abs=0.006 if published < 1 else 0.06)


@pytest.mark.parametrize("name", ["plain20", "plain56"])
def test_a_plain_net_has_the_parameters_of_its_resnet(name):
    """He et al. 2015, section 4.2: with option A they have exactly the same number."""
    assert parameters(on_meta(name)) == parameters(on_meta(name.replace("plain", "resnet")))


@pytest.mark.parametrize("depth", [20, 32, 44, 56])
def test_with_projections_counts_are_those_of_weights_that_have_them(shared, depth):
    row = rf"\| resnet{depth} \| [\d.]+ \| [\d.]+ \| ([\d.]+) \| ([\d.]+) \|"
    millions, multiplies = re.search(row, (shared / "oracle" / "chenyaofo_README.md").read_text()).groups()
    n = (depth - 2) // 6
    build = partial(resnet, unit=residual(basic), depths=(n, n, n), width=16, stem=small_stem, stem_width=16)
    with torch.device("meta"):
        network = build(declare(f"resnet{depth}")).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, 32, 32, device="meta"))
    assert f"{parameters(network) / 1e6:.2f}" == millions
    assert f"{counter.get_total_flops() / 2e6:.2f}" == multiplies


@pytest.mark.parametrize("name", ["resnet20", "plain20", "resnext29_8x64d"])
def test_maps_have_32_16_and_8_values_a_side(name):
    features = on_meta(name).features(torch.empty(1, 3, 32, 32, device="meta"))
    assert [feature.maps.shape[2] for feature in features] == [32, 32, 16, 8]


def test_padding_keeps_every_second_pixel_and_has_no_parameters():
    maps = torch.arange(32.0).view(1, 2, 4, 4)
    padding = Padding(2, 4, stride=2)
    expected = torch.tensor([[[0.0, 2], [8, 10]], [[16, 18], [24, 26]]])
    zeros = torch.zeros(1, 2, 2)
    torch.testing.assert_close(padding(maps)[0], torch.cat([zeros, expected, zeros]))
    assert list(padding.parameters()) == []


@pytest.mark.parametrize("name", ["resnet20", pytest.param("resnet56", marks=pytest.mark.slow)])
def test_with_published_weights_exactly_as_many_images_are_named_right(shared, images, one_thread, name):
    file, right = RIGHT[name]
    network = create_model(name, weights=shared / "weights" / file).eval()
    assert "names of akamaster" in str(network.loaded)
    pixels, classes = images
    with torch.no_grad():
        scores = torch.cat([network(batch) for batch in pixels.split(250)])
    assert (scores.argmax(dim=1) == classes).sum() == right
