"""airbench94 against Jordan 2024, arXiv:2404.00498: its figure of 1.97 million parameters, and its published script."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model

SHIFTS = 2 * (64 + 256 + 256)
WEIGHTS = {  # of airbench94.py, layer by layer
    "whiten": 24 * 3 * 2 * 2 + 24,
    "block1": 64 * 24 * 9 + 64 * 64 * 9 + 2 * 64,
    "block2": 256 * 64 * 9 + 256 * 256 * 9 + 2 * 256,
    "block3": 256 * 256 * 9 + 256 * 256 * 9 + 2 * 256,
    "head": 10 * 256,
}
MULTIPLIES = {  # the same, at each of the places it looks at; sides 31, 31, 15, 15, 7, 7, 3
    "airbench94": 31**2 * (288 + 13_824) + 15**2 * (36_864 + 147_456) + 7**2 * 2 * 589_824 + 3**2 * 589_824 + 2_560,
    "airbench94_w32": 31**2 * (288 + 6_912) + 15**2 * (9_216 + 36_864) + 7**2 * 2 * 147_456 + 3**2 * 147_456 + 1_280,
    "airbench94_w16": 31**2 * (288 + 3_456) + 15**2 * (2_304 + 9_216) + 7**2 * 2 * 36_864 + 3**2 * 36_864 + 640,
}


def on_meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options)


def by_script(network, images):
    """The forward of airbench94.py in torch's own calls, with the network's weights."""
    weights = network.state_dict()
    maps = functional.gelu(functional.conv2d(images, weights["whiten.conv.weight"], weights["whiten.conv.bias"]))
    for number in (1, 2, 3):
        for layer in (1, 2):
            maps = functional.conv2d(maps, weights[f"block{number}.conv{layer}.weight"], padding="same")
            if layer == 1:
                maps = functional.max_pool2d(maps, 2)
            mean, spread = maps.mean((0, 2, 3), keepdim=True), maps.var((0, 2, 3), keepdim=True, unbiased=False)
            shift = weights[f"block{number}.norm{layer}.bias"].view(1, -1, 1, 1)
            maps = functional.gelu((maps - mean) / spread.sqrt() + shift)
    return functional.max_pool2d(maps, 3).flatten(1) @ weights["head.fc.weight"].T / 9


def test_the_paper_counts_1_97_million_parameters():
    network = on_meta("airbench94")
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    assert counts == WEIGHTS
    assert round(sum(counts.values()) / 1e6, 2) == 1.97


def test_a_normalisation_learns_its_shift_alone():
    norms = [layer for layer in on_meta("airbench94").modules() if isinstance(layer, nn.BatchNorm2d)]
    assert sum(p.numel() for norm in norms for p in norm.parameters()) == SHIFTS
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-12, 0.4)}
    assert all((norm.weight == 1).all() for norm in create_model("airbench94_w16").modules() if norm in norms)


def test_scores_in_training_are_those_of_the_published_script():
    torch.manual_seed(0)
    network = create_model("airbench94_w16").double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    images = torch.randn(8, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(network(images), by_script(network, images))


@pytest.mark.parametrize("name", MULTIPLIES)
def test_multiplies_follow_from_the_sides(name):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(name)(torch.empty(1, 3, 32, 32, device="meta"))
    assert counter.get_total_flops() == 2 * MULTIPLIES[name]


def test_the_first_filters_of_an_untrained_block_pass_their_inputs_on():
    network, maps = create_model("airbench94"), torch.randn(1, 24, 15, 15)
    torch.testing.assert_close(network.block1.conv1(maps)[:, :24], maps)
    narrow = create_model("airbench94_w16")  # which has fewer filters than inputs
    torch.testing.assert_close(narrow.block1.conv1(maps), maps[:, :16])


def test_it_says_for_which_images_it_was_made():
    entry = CATALOGUE["airbench94"]
    assert (entry.num_classes, entry.size, entry.accuracy.top1, entry.accuracy.data) == (
        10,
        (32, 32),
        94.01,
        "CIFAR-10",
    )
