"""Xception against Chollet 2016, figure 5 and Table 3."""

import pytest
import torch
from torch import nn

from striate.architectures.architecture import HALF
from striate.architectures.catalogue import CATALOGUE, create_model
from striate.layers.separable import DepthwiseSeparableConv2d
from tests.architectures.measuring import maps_of, multiplies, on_meta, parameters

MAPS = [(64, 147), (128, 74), (256, 37), (728, 19), (2048, 10)]  # figure 5; sides from 299 as Keras's network has them


@pytest.fixture(scope="module")
def xception():
    return on_meta("xception")


def test_there_are_22855952_parameters_as_in_table_3(xception):
    assert parameters(xception) == 22_855_952


def test_there_are_36_convolutions_in_14_modules_of_which_all_but_the_first_and_last_add_their_input(xception):
    """Section 3: "36 convolutional layers [...] structured into 14 modules", a separable one counted once."""
    convolutions = [
        name
        for name, layer in xception.named_modules()
        if isinstance(layer, nn.Conv2d | DepthwiseSeparableConv2d)
        and not name.endswith(("depthwise", "pointwise", "shortcut.0"))
    ]
    blocks = [name for name, _ in xception.named_modules() if name.rpartition(".")[2].startswith("block")]
    assert (len(convolutions), len(blocks)) == (36, 12)


def test_a_normalisation_follows_every_convolution(xception):
    """The caption of figure 5; the pictures of its four shortcuts have none, and Keras's network has."""
    kinds = [type(layer) for layer in xception.modules()]
    convolutions = kinds.count(nn.Conv2d) - kinds.count(DepthwiseSeparableConv2d)
    assert kinds.count(nn.BatchNorm2d) == convolutions == 36 + 4


def test_the_maps_have_the_sizes_of_keras():
    assert list(maps_of("xception", 299).values()) == MAPS


def test_multiplies_follow_from_the_table(xception):
    """Of a block of the middle flow: three steps of 9 and then 728 multiplies for each of 728 maps on 19x19 places."""
    assert multiplies(xception.stage3.block4, 19, channels=728) == 3 * 728 * (9 + 728) * 19 * 19


def test_its_weights_were_shown_values_from_minus_1_to_1():
    """timm 1.0.31: `get_pretrained_cfg("legacy_xception")`."""
    assert CATALOGUE["xception"].mean == CATALOGUE["xception"].std == HALF


def test_a_block_whose_change_is_nothing_gives_its_input_back():
    block = create_model("xception", size=71).stage3.block4.eval()
    nn.init.zeros_(block.change[-1].weight)
    maps = torch.randn(1, 728, 3, 3)
    torch.testing.assert_close(block(maps), maps)
