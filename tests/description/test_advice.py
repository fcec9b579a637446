"""Each rule of thumb on a network that breaks it, with its sum done by hand, and on networks that keep it."""

import pytest
from torch import nn

from striate.description.advice import advise
from striate.description.describing import describe
from striate.errors import SettingsError


def found(network, size=None, **asked):
    """The findings as {(layer, rule): sentence}."""
    in_channels = asked.pop("in_channels", None)
    findings = advise(describe(network, size, in_channels=in_channels), **asked)
    return {(finding.layer, finding.rule): str(finding) for finding in findings}


def rules(network, size=None):
    return {rule for _, rule in found(network, size)}


BROKEN = [  # the pattern; the layer and the rule; what the sentence must say, by hand
    (
        "INPUT 3x33x32 -> [CONV 32 -> RELU -> POOL]*3 -> FC 10",
        ("input", "divisible by 2 often enough"),
        "its side of 33 does not divide by 8",  # 2³; 33 = 4·8 + 1
        "Use 32 or 40 pixels.",
    ),
    (
        "INPUT 1x7x7 -> CONV 4 -> POOL 3x3/3 -> FC 2",
        ("pool1", "dropped columns"),
        "3×3/3 fits 2.33 times on 7 values: 2 places, the last 1 of 7 values are dropped.",  # (7 - 3)/3 + 1 = 2 1/3
        "leaves a side of 6 here",
    ),
    (
        "INPUT 3x32x32 -> CONV 16 -> RELU -> CONV 32 7x7 -> RELU -> POOL global -> FC 10",
        ("conv2", "small filters"),
        "7×7·16·32 = 25,088 weights; 3 layers of 3 see as much with 23,040 (92 %)",  # 9·32·(16 + 2·32)
        "Stack 3 convolutions of 3×3.",
    ),
    (
        "INPUT 3x32x32 -> CONV 64 -> RELU -> CONV 64 5x5 -> RELU -> POOL global -> FC 10",
        ("conv2", "small filters"),
        "5×5·64·64 = 102,400 weights; 2 layers of 3 see as much with 73,728 (72 %)",  # 18/25: the lectures' example
        "Stack 2 convolutions of 3×3.",
    ),
    (
        "INPUT 1x32x32 -> CONV 6 5x5 pad valid -> TANH -> POOL -> FC 10",
        ("conv1", "same padding"),
        "it shrinks the map from 32×32 to 28×28",
        "Pad by 2×2.",
    ),
    (
        "INPUT 1x32x32 -> CONV 6 3x3 pad valid dilation 3 -> RELU -> FC 10",
        ("conv1", "same padding"),
        "it shrinks the map from 32×32 to 26×26",  # 3·(3 - 1) = 6
        "Pad by 3×3.",
    ),
    (
        "INPUT 1x32x32 -> CONV 6 -> RELU -> POOL 4x4 -> FC 10",
        ("pool1", "small pooling windows"),
        "a window of 4×4 leaves one value of 16.",
        "Pool 2×2/2 or 3×3/2",
    ),
    (
        "INPUT 3x224x224 -> CONV 64 -> RELU -> POOL -> CONV 64 -> RELU -> POOL -> POOL global -> FC 10",
        ("conv1", "compromise in the first layer only"),
        "at the full 224×224 it makes 3,211,264 activations",  # 64·224²
        "7×7/2 or 11×11/4",
    ),
    (
        "INPUT 3x64x64 -> [CONV 8 -> RELU]*3 -> POOL -> POOL global -> FC 10",  # 1 + 3·2 + 1
        ("pool1", "receptive field"),
        "a unit of the last map sees 8 of the image's 64 pixels, and the layers behind it put such parts together.",
        "Add layers, pooling or dilation",
    ),
    (
        "INPUT 1x8x8 -> CONV 4 -> RELU -> POOL -> FC 100 -> RELU -> FC 2",
        ("fc1", "parameters late"),
        "64·100 weights: 6,500 of 6,742 parameters (96 %).",  # 4·4·4; 40 + 6,500 + 202
        "Global average pooling before it leaves 4·100, 16 times fewer.",
    ),
]


@pytest.mark.parametrize(("pattern", "place", "why", "change"), BROKEN, ids=[f"{b[1][0]} {b[1][1]}" for b in BROKEN])
def test_a_rule_that_is_broken_is_found_at_its_layer_with_its_sum(pattern, place, why, change):
    findings = found(pattern)
    assert place in findings
    assert findings[place].startswith(f"{place[0]}: ")
    assert why in findings[place]
    assert change in findings[place]


def test_a_network_that_keeps_the_rules_is_not_found_fault_with():
    kept = "INPUT 3x64x64 -> [[CONV 32 -> BN -> RELU]*2 -> POOL]*4 -> POOL global -> FC 10"
    assert found(kept) == {}


def test_vgg_is_told_of_its_first_layer_its_field_and_its_dense_layers_alone():
    findings = found("vgg16")
    assert {rule for _, rule in findings} == {
        "compromise in the first layer only",
        "receptive field",
        "parameters late",
    }
    assert "a unit of the last map sees 212 of the image's 224 pixels" in findings["stage5.30", "receptive field"]
    assert (
        "25,088·4,096 weights: 102,764,544 of 138,357,544 parameters (74 %)" in findings["head.fc6", "parameters late"]
    )


def test_alexnet_at_227_drops_nothing_and_at_224_it_does():
    assert not rules("alexnet") & {"dropped columns", "divisible by 2 often enough"}
    sentence = found("alexnet", 224)["stage1.conv1", "dropped columns"]
    assert "11×11/4 fits 54.25 times on 224 values: 54 places, the last 1 of 224 values are dropped" in sentence


def test_residual_networks_and_googlenet_keep_nearly_all():
    assert len(found("resnet50")) + len(found("googlenet")) <= 2


def test_lenet_breaks_what_came_after_it():
    findings = found("lenet5")
    assert {rule for _, rule in findings} == {"same padding", "receptive field", "parameters late"}
    assert "a unit of the last map sees 16 of the image's 32 pixels" in findings["stage2.s4", "receptive field"]
    assert "400·120 weights: 48,120 of 61,706 parameters (78 %)" in findings["head.c5", "parameters late"]


def test_the_lectures_network_for_cifar_is_told_of_its_dense_layers_alone():
    network = "INPUT 3x32x32 -> [[CONV 32 -> RELU]*2 -> POOL]*3 -> [FC 256 -> RELU]*2 -> FC 10"
    assert list(found(network)) == [("fc1", "parameters late")]


def test_a_dense_network_is_spared_the_rules_of_maps():
    assert found("mlp") == found("linear") == {}


def test_a_unit_that_sees_the_object_whole_sees_enough():
    pattern = "INPUT 3x64x64 -> [CONV 8 -> RELU]*3 -> POOL -> POOL global -> FC 10"  # its last map sees 8 pixels
    assert ("pool1", "receptive field") not in found(pattern, object_size=8)
    assert "8 of the object's 9 pixels" in found(pattern, object_size=9)["pool1", "receptive field"]


def test_a_large_filter_may_stand_first_have_a_stride_or_be_separable():
    layers = [nn.Conv2d(3, 32, 7, padding=3), nn.Conv2d(32, 32, 5, 2, 2), nn.Conv2d(32, 32, 5, 1, 2, groups=32)]
    assert "small filters" not in rules(nn.Sequential(*layers), 32)


def test_a_large_filter_is_kept_where_a_stack_would_have_more_weights():
    one = 25 * 8 * 64  # two of 3x3: 9·8·64 + 9·64·64
    assert one < 9 * 64 * (8 + 64)
    assert "small filters" not in rules("INPUT 3x32x32 -> CONV 8 -> RELU -> CONV 64 5x5 -> RELU -> FC 10")


def test_a_map_that_shrinks_along_one_axis_is_found_too():
    network = nn.Sequential(nn.Conv2d(3, 4, (3, 5), padding=(2, 0)), nn.Conv2d(4, 4, 3, padding=1))
    assert ("0", "same padding") in found(network, 32)  # 34×28


def test_the_advice_is_for_images_of_one_and_three_dimensions_too():
    sound = nn.Sequential(nn.Conv1d(1, 8, 3, padding=1), nn.Conv1d(8, 8, 7, padding=2))
    findings = found(sound, (64,), in_channels=1)
    assert "from 64 to 62" in findings["1", "same padding"]
    assert "Pad by 3." in findings["1", "same padding"]
    assert ("1", "small filters") not in findings  # along one axis 7 weights do what three times 3 do
    volume = nn.Sequential(nn.Conv3d(1, 8, 3, padding=1), nn.Conv3d(8, 8, 5, padding=2))
    sentence = found(volume, (8, 8, 8), in_channels=1)["1", "small filters"]
    assert "5×5×5·8·8 = 8,000 weights; 2 layers of 3 see as much with 3,456 (43 %)" in sentence  # 27·8·(8 + 8)


@pytest.mark.parametrize("object_size", [0, -3, 33])
def test_an_object_of_no_pixels_or_larger_than_the_image_is_refused(object_size):
    with pytest.raises(SettingsError, match=f"object_size is {object_size}; expected pixels of a side, from 1 to the"):
        advise(describe("lenet5"), object_size=object_size)


def test_an_object_as_large_as_the_image_is_the_image():
    assert "16 of the object's 32 pixels" in found("lenet5", object_size=32)["stage2.s4", "receptive field"]


@pytest.mark.parametrize(("thing", "kind"), [("lenet5", "str"), (nn.ReLU(), "ReLU"), (None, "NoneType")])
def test_what_is_no_card_is_refused(thing, kind):
    with pytest.raises(SettingsError, match=f"advise takes the card that describe gives, not a {kind}"):
        advise(thing)


class Excited(nn.Module):
    """Squeeze and excitation (arXiv:1709.01507): every unit is weighed by the mean of the whole map."""

    def __init__(self, maps):
        super().__init__()
        self.squeeze, self.fewer, self.more = nn.AdaptiveAvgPool2d(1), nn.Conv2d(maps, 2, 1), nn.Conv2d(2, maps, 1)

    def forward(self, maps):
        return maps * self.more(self.fewer(self.squeeze(maps)).relu()).sigmoid()


def excited(*layers):
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))


def test_units_that_are_weighed_by_the_whole_map_are_not_told_that_they_see_little():
    block = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 5, padding=2, groups=8)]
    assert ("1", "receptive field") in found(excited(*block), 64)  # 7 of 64
    assert found(excited(*block, Excited(8)), 64) == {}


def test_layers_over_a_single_place_and_networks_without_maps_are_advised_too():
    assert found(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)), 64) == {}
    assert found(nn.ReLU(), 8) == found(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), 8) == {}
    transformer = nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.Flatten(2), nn.LayerNorm(64), nn.Linear(64, 2))
    assert {rule for _, rule in found(transformer, 64)} <= {"receptive field"}
