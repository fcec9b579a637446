"""ShuffleNet against Zhang et al. 2017, Tables 1, 2 and 5, Ma et al. 2018, Table 5, and torchvision."""

import pytest
import torch
from torch import nn

from striate.architectures.catalogue import create_model
from striate.architectures.shufflenet import ChannelShuffle
from tests.architectures.measuring import maps_of, multiplies, on_meta, oracle, parameters, shapes_by_torchvisions_names

# Table 1: maps, million multiplies
GROUPS = {1: (144, 143), 2: (200, 140), 3: (240, 137), 4: (272, 133), 8: (384, 137)}
SCALED = {"x0_25": 13, "x0_5": 38, "x1_5": 292, "x2_0": 524}  # million multiplies: Tables 2, 5; x2_0 also Table 6
AUTHORS = {  # parameters in millions, github.com/megvii-model/ShuffleNet-Series, whose last layer has no biases
    "shufflenet_v1_g3_x2_0": 5.4,
    "shufflenet_v1_g3_x1_5": 3.4,
    "shufflenet_v1_g3": 1.9,
    "shufflenet_v1_g8": 2.4,
    "shufflenet_v1_g3_x0_5": 0.7,
}
V2 = {  # Ma et al. 2018, Table 5: maps of stages 2 to 4 and of conv5; million multiplies
    "shufflenet_v2_x0_5": (48, 96, 192, 1024, 41),
    "shufflenet_v2_x1_0": (116, 232, 464, 1024, 146),
    "shufflenet_v2_x1_5": (176, 352, 704, 1024, 299),
    "shufflenet_v2_x2_0": (244, 488, 976, 2048, 591),
}


@pytest.mark.parametrize("groups", GROUPS)
def test_maps_and_multiplies_are_those_of_table_1(groups):
    name, (width, millions) = f"shufflenet_v1_g{groups}", GROUPS[groups]
    assert maps_of(name) == {
        "conv1": (24, 112),
        "maxpool": (24, 56),
        "stage2": (width, 28),
        "stage3": (2 * width, 14),
        "stage4": (4 * width, 7),
    }
    assert round(multiplies(on_meta(name).stages) / 1e6) == millions  # the table counts convolutions alone


@pytest.mark.parametrize("scale", SCALED)
def test_scaled_networks_multiply_as_often_as_published(scale):
    assert round(multiplies(on_meta(f"shufflenet_v1_g3_{scale}")) / 1e6) == SCALED[scale]


@pytest.mark.parametrize("name", AUTHORS)
def test_parameters_are_those_that_the_authors_publish(name):
    assert round((parameters(on_meta(name)) - 1000) / 1e6, 1) == AUTHORS[name]


def test_version_1_has_50_layers():
    """Section 4.3."""
    kinds = [type(layer) for layer in on_meta("shufflenet_v1_g3").modules()]
    assert kinds.count(nn.Conv2d) + kinds.count(nn.Linear) == 50


@pytest.mark.parametrize("name", V2)
def test_maps_of_version_2_are_those_of_its_table_5(name):
    *widths, _ = V2[name]
    assert maps_of(name) == {
        "conv1": (24, 112),
        "maxpool": (24, 56),
        **dict(zip(("stage2", "stage3", "stage4", "conv5"), zip(widths, (28, 14, 7, 7), strict=True), strict=True)),
    }


@pytest.mark.parametrize("name", V2)
def test_names_shapes_and_multiplies_are_torchvisions_and_these_near_the_papers(shared, name):
    (published, shapes), millions = oracle(shared, name), multiplies(on_meta(name)) / 1e6
    assert shapes_by_torchvisions_names(name) == shapes
    assert parameters(on_meta(name)) == published["num_params"]
    assert millions / 1000 == pytest.approx(published["_ops"], abs=0.0006)
    assert millions == pytest.approx(V2[name][-1], rel=0.015)


def test_every_1x1_of_version_1_looks_within_groups_but_the_very_first():
    """Section 3.2."""
    layers = on_meta("shufflenet_v1_g3_x0_25").named_modules()
    groups = [layer.groups for name, layer in layers if name.endswith(("reduce.conv", "expand.conv"))]
    assert groups == [1] + [3] * (2 * 16 - 1)


def test_a_shuffle_deals_the_maps_of_each_group_to_all_groups():
    """Section 3.1: g x n channels reshaped to (g, n), transposed, flattened."""
    maps = torch.arange(12.0).view(1, 12, 1, 1).expand(2, 12, 3, 4)
    assert ChannelShuffle(3)(maps)[1, :, 2, 3].tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
    torch.testing.assert_close(ChannelShuffle(4)(ChannelShuffle(3)(maps)), maps)  # n groups undo what g groups did


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_shuffle_keeps_the_layout(layout):
    maps = torch.randn(2, 6, 4, 5).contiguous(memory_format=layout)
    assert ChannelShuffle(2)(maps).is_contiguous(memory_format=layout)


def test_after_the_shuffle_every_map_depends_on_every_group():
    """Figure 1: two grouped convolutions in a row keep to their groups, with a shuffle between they do not."""
    torch.manual_seed(0)
    first, second = (nn.Conv2d(9, 9, 1, groups=3, bias=False) for _ in range(2))
    maps = torch.randn(1, 9, 1, 1)

    def seen(chain):
        jacobian = torch.autograd.functional.jacobian(chain, maps)[0, :, 0, 0, 0, :, 0, 0]
        return (jacobian.view(9, 3, 3) != 0).any(dim=2).sum(dim=1).unique().tolist()

    assert seen(nn.Sequential(first, second)) == [1]
    assert seen(nn.Sequential(first, ChannelShuffle(3), second)) == [3]


def test_a_unit_of_version_1_whose_change_is_nothing_gives_its_input_back():
    unit = create_model("shufflenet_v1_g3_x0_25").stage2[1].eval()
    nn.init.zeros_(unit.change.expand.bn.weight)
    maps = torch.rand(1, 60, 4, 4)
    torch.testing.assert_close(unit(maps), maps)


def test_a_unit_of_version_1_that_halves_stacks_its_change_on_the_mean_of_its_input():
    torch.manual_seed(0)
    unit = create_model("shufflenet_v1_g3_x0_25").stage2[0].eval()
    maps = torch.rand(1, 12, 4, 4)
    expected = torch.cat([nn.functional.avg_pool2d(maps, 3, 2, padding=1), unit.change(maps).relu()], dim=1)
    torch.testing.assert_close(unit(maps), expected)


def test_a_unit_of_version_2_lets_half_of_its_maps_pass_in_every_second_place():
    unit = create_model("shufflenet_v2_x0_5").stage2[1].eval()
    maps = torch.rand(1, 48, 4, 4)
    assert torch.equal(unit(maps)[:, ::2], maps[:, :24])
    torch.testing.assert_close(unit(maps)[:, 1::2], unit.branch2(maps[:, 24:]))
