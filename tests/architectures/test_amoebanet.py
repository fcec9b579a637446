"""AmoebaNet-A against Real et al. 2018, Tables 1 and 2."""

from functools import cache

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model

PARAMETERS = {  # in millions
    "amoebanet_a_6_190": 86.7,  # Table 2
    "amoebanet_a_6_448": 469,  # Table 2, which must count running averages: with them there are 468.6 here
    "amoebanet_a_4_50": 5.1,  # as Liu et al. 2018, "DARTS", Table 3 quote it
    "amoebanet_a_6_32": 2.6,  # Table 1
    "amoebanet_a_6_36": 3.2,  # Table 1
}
HERE = {
    "amoebanet_a_6_190": 86_718_797,
    "amoebanet_a_6_448": 468_151_184,
    "amoebanet_a_4_50": 5_086_930,
    "amoebanet_a_6_32": 2_567_754,
    "amoebanet_a_6_36": 3_218_266,
}
MULTIPLIES = {  # in 1e9, and the side of the images
    "amoebanet_a_6_190": (23.1, 331),  # Table 2
    "amoebanet_a_6_448": (104, 299),  # Table 2; 126.5 from the 331 that the paper names
    "amoebanet_a_4_50": (0.555, 224),  # as Liu et al. 2018 quote it
}


@cache
def on_meta(name):
    with torch.device("meta"):
        return create_model(name).eval()


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_parameters_are_within_two_thousandths_of_the_published_ones_or_their_rounding(name):
    parameters = sum(parameter.numel() for parameter in on_meta(name).parameters())
    assert parameters == HERE[name]
    assert parameters / 1e6 == pytest.approx(PARAMETERS[name], rel=0.002, abs=0.05)


@pytest.mark.parametrize("name", MULTIPLIES)
def test_the_multiplies_are_the_published_ones(name):
    published, side = MULTIPLIES[name]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(name)(torch.empty(1, 3, side, side, device="meta"))
    assert counter.get_total_flops() / 2e9 == pytest.approx(published, rel=0.002)


def test_the_features_of_the_published_network_are_7168():
    """TensorFlow Hub, google/imagenet/amoebanet_a_n18_f448/feature_vector: "feature vectors [...] of size 7168"."""
    assert on_meta("amoebanet_a_6_448").head.fc.in_features == 7168


def test_an_odd_number_of_filters_is_halved_into_two_that_are_not_the_same():
    """A half of F = 190 is 95, for which two 1x1 stand side by side in the second cell."""
    paths = on_meta("amoebanet_a_6_190").stage2.reduction_1.skip.paths
    assert [paths.path_1.conv.out_channels, paths.path_2.conv.out_channels] == [47, 48]


def test_one_by_seven_and_seven_by_one_stand_between_a_quarter_of_the_filters():
    cell = on_meta("amoebanet_a_4_50").stage3.reduction_2
    kernels = [(block.conv.conv if hasattr(block.conv, "conv") else block.conv) for block in cell.right[3]]
    assert [(layer.kernel_size, layer.out_channels) for layer in kernels] == [
        ((1, 1), 25),
        ((1, 7), 25),
        ((7, 1), 25),
        ((1, 1), 100),
    ]


def test_networks_of_table_1_name_ten_classes():
    assert [CATALOGUE[name].num_classes for name in ("amoebanet_a_6_32", "amoebanet_a_6_36")] == [10, 10]
