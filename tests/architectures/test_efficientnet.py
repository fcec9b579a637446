"""EfficientNet against its paper's tables and torchvision: counts, shapes, constants."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from striate.architectures.blocks import Residual
from striate.architectures.catalogue import CATALOGUE, create_model
from striate.architectures.efficientnet import StochasticDepth
from striate.errors import SettingsError, UnknownNameError
from tests.architectures.measuring import maps_of, multiplies, on_meta, oracle, parameters, shapes_by_torchvisions_names

PAPER = {  # Tan & Le, Table 2: millions of parameters, billions of multiplies
    "efficientnet_b0": (5.3, 0.39),
    "efficientnet_b1": (7.8, 0.70),
    "efficientnet_b2": (9.2, 1.0),
    "efficientnet_b3": (12, 1.8),
    "efficientnet_b4": (19, 4.2),
    "efficientnet_b5": (30, 9.9),
    "efficientnet_b6": (43, 19),
    "efficientnet_b7": (66, 37),
}


@pytest.mark.parametrize("name", PAPER)
def test_it_multiplies_and_weighs_as_torchvision_and_the_paper_say(shared, name):
    network, (published, _) = on_meta(name), oracle(shared, name)
    assert parameters(network) == published["num_params"]
    assert parameters(network) / 1e6 == pytest.approx(PAPER[name][0], rel=0.025)
    crop, side = published["transforms"]["crop_size"][0], CATALOGUE[name].size[0]  # the same, but for B2
    billions = {pixels: multiplies(network, pixels) / 1e9 for pixels in {crop, side}}
    assert billions[crop] == pytest.approx(published["_ops"], abs=0.0006)
    assert billions[side] == pytest.approx(PAPER[name][1], rel=0.05)


@pytest.mark.parametrize("name", PAPER)
def test_names_and_shapes_are_torchvisions_but_for_matrices_in_place_of_1x1_convolutions(shared, name):
    expected = {key: shape[:2] if ".fc" in key else shape for key, shape in oracle(shared, name)[1]}
    assert dict(shapes_by_torchvisions_names(name)) == expected


def test_the_maps_of_b0_are_those_of_table_1():
    assert list(maps_of("efficientnet_b0").values()) == [(16, 112), (24, 56), (40, 28), (112, 14), (1280, 7)]


def test_sides_and_dropout_of_all_eight_are_those_of_the_authors_code():
    sides = (224, 240, 260, 300, 380, 456, 528, 600)
    dropout = (0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5)
    assert tuple(CATALOGUE[name].size for name in PAPER) == tuple((side, side) for side in sides)
    assert tuple(on_meta(name, num_classes=2).head.dropout.p for name in PAPER) == dropout


@pytest.mark.parametrize(("name", "constants"), [("efficientnet_b4", (1e-5, 0.1)), ("efficientnet_b5", (1e-3, 0.01))])
def test_batch_norm_has_the_constants_that_the_weights_were_trained_with(name, constants):
    norms = [layer for layer in on_meta(name).modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {constants}
    assert ("timm" in CATALOGUE[name].names) == (constants[0] == 1e-5)  # timm 1.0.31 has 1e-5 in all eight


def test_layers_start_by_the_fan_out_as_in_the_authors_code():
    """It draws from a normal of variance 2 / fan-out, which a window on each map alone has of 1 map."""
    torch.manual_seed(0)
    block = create_model("efficientnet_b0", size=32).stage5.blocks6[1]
    weights = block.expand.conv.weight, block.depthwise.conv.weight, block.squeeze.expand.weight
    expected = [(2 / fan_out) ** 0.5 for fan_out in (1152, 25, 1152)]
    assert [weight.std().item() for weight in weights] == pytest.approx(expected, rel=0.02)
    assert not block.squeeze.expand.bias.any()


def test_a_block_squeezes_to_a_quarter_of_the_maps_it_is_given():
    blocks = on_meta("efficientnet_b0").stage5.blocks6
    assert {block.squeeze.reduce.out_features for block in blocks} == {112 // 4, 192 // 4}
    assert {type(block.squeeze.activation) for block in blocks} == {nn.SiLU}


def test_the_chance_of_leaving_out_a_block_grows_with_each_block_to_a_fifth():
    """Sixteen blocks; those that change the size or the number of the maps cannot be left out."""
    chances = [layer.p for layer in on_meta("efficientnet_b0").modules() if isinstance(layer, StochasticDepth)]
    assert chances == pytest.approx([0.2 * number / 16 for number in (2, 4, 6, 7, 9, 10, 12, 13, 14)])


def test_stochastic_depth_leaves_out_whole_images_and_keeps_the_mean():
    torch.manual_seed(0)
    maps = torch.rand(4000, 2, 3, 3) + 1
    given = StochasticDepth(0.25)(maps)
    kept = given.flatten(1).any(1)
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.03)
    torch.testing.assert_close(given[kept], maps[kept] / 0.75)
    assert torch.equal(StochasticDepth(0.25).eval()(maps), maps)


def test_a_block_whose_change_is_nothing_gives_its_input_back():
    block = create_model("efficientnet_b0", size=32).stage3.blocks3[1].eval()
    nn.init.zeros_(block.project.bn.weight)
    maps = torch.randn(1, 40, 4, 4)
    torch.testing.assert_close(block(maps), maps)


def test_a_block_adds_its_input_only_where_that_has_the_same_shape():
    blocks = [block for stage in on_meta("efficientnet_b1").stages for rows in list(stage)[-2:] for block in rows]
    blocks = [block for block in blocks if hasattr(block, "project")]
    widths = [
        (block.expand.conv.in_channels, block.project.conv.out_channels) for block in blocks if hasattr(block, "expand")
    ]
    adds = [isinstance(block, Residual) for block in blocks if hasattr(block, "expand")]
    assert adds == [before == after for before, after in widths]


@pytest.mark.parametrize(
    ("name", "like"),
    [("efficientnet_d1_w1", "b0"), ("efficientnet_d1.4_w1.2", "b3"), ("efficientnet_d3.1_w2.0", "b7")],
)
def test_a_name_of_factors_builds_what_the_paper_built_by_them(name, like):
    own, published = on_meta(name).state_dict(), on_meta(f"efficientnet_{like}").state_dict()
    assert {key: value.shape for key, value in own.items()} == {key: value.shape for key, value in published.items()}


def test_dropout_goes_with_depth_about_as_in_the_published_ones():
    depths = (1, 1.1, 1.2, 1.4, 1.8, 2.2, 2.6, 3.1)
    dropout = [on_meta(f"efficientnet_d{depth}_w1").head.dropout.p for depth in depths]
    assert all(less <= more for less, more in pairwise(dropout))
    assert dropout == pytest.approx([0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5], abs=0.051)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("efficientnet_dx_w1.2", "depth is 'x'; expected a number from 0.1 to 10, as in efficientnet_d1.4_w1.2"),
        ("efficientnet_d1.2_w", "width is ''; expected a number"),
        ("efficientnet_d0_w1", "depth is '0'"),
        ("efficientnet_d1_w11", "width is '11'"),
        ("efficientnet_d1_wnan", "width is 'nan'"),
        ("efficientnet_d-1_w1", "depth is '-1'"),
        ("efficientnet_d1_w1\n", r"width is '1\\n'"),
    ],
)
def test_a_factor_that_makes_no_sense_is_refused(name, said):
    with pytest.raises(SettingsError, match=said.replace(".", r"\.")):
        create_model(name)


def test_one_factor_alone_is_no_name():
    with pytest.raises(UnknownNameError, match=r"unknown model 'efficientnet_d1\.4'; did you mean efficientnet_b"):
        create_model("efficientnet_d1.4")
