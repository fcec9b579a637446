"""The classification networks of torchvision: parameters and multiplies as it publishes them (in 10^9, three digits).

Its `_ops` are those of torch's own counter, run on an image of the size that the weights were evaluated with.
"""

import importlib
import json
from pathlib import Path

import pytest
import torch

from striate.description.advice import advise
from striate.description.describing import describe
from striate.errors import SizeError

QUICK = (
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "mnasnet0_5", "mnasnet1_3", "mobilenet_v2"),
    *("mobilenet_v3_large", "mobilenet_v3_small", "resnet101", "resnet18", "resnet34", "resnet50"),
    *("resnext101_32x8d", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x2_0"),
    *("squeezenet1_0", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11", "vgg11_bn", "vgg13", "vgg16", "vgg16_bn"),
    *("vgg19", "vit_b_16", "vit_b_32", "vit_l_32", "wide_resnet50_2"),
)
SLOW = (  # together as long as all the others
    *("convnext_base", "convnext_large", "convnext_small", "densenet161", "densenet169", "densenet201"),
    *("efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b7"),
    *("efficientnet_v2_l", "efficientnet_v2_m", "efficientnet_v2_s", "maxvit_t", "resnet152", "resnext101_64x4d"),
    *("swin_b", "swin_s", "swin_v2_b", "swin_v2_s", "vit_l_16", "wide_resnet101_2"),
)
HELPERS = {  # heads that help in training alone: the network holds their parameters, an image in evaluation needs none
    "googlenet": ("aux1", "aux2"),  # published without them: 13,004,888 - 6,379,984 = 6,624,904
    "inception_v3": (),  # published with them: 27,161,264
}
SMALLEST = {  # published `min_size`; where it is 1, no image is too small
    "alexnet": 63,
    "inception_v3": 75,
    "squeezenet1_0": 21,
    "squeezenet1_1": 17,
    "googlenet": 15,
    "densenet121": 29,
}


@pytest.fixture(scope="module")
def torchvision():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "peers"))
        if torch.version.cuda is None:
            importlib.import_module("torchvision_beside_cpu_torch")
        return pytest.importorskip("torchvision.models", reason="torchvision is not installed: pip install '.[peers]'")


@pytest.fixture(scope="module")
def published(shared):
    networks = json.loads((shared / "oracle" / "torchvision_0.28.0_meta.json").read_text())
    return {name: networks[name]["IMAGENET1K_V1"] for name in networks if "IMAGENET1K_V1" in networks[name]}


def on_meta(torchvision, name):
    """A network without weights; `init_weights` is asked for by those two that warn without it."""
    with torch.device("meta"):
        return torchvision.get_model(name, **({"init_weights": False} if name in HELPERS else {}))


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_parameters_and_multiplies_are_those_that_torchvision_publishes(torchvision, published, name):
    expected = published[name]
    card = describe(on_meta(torchvision, name), size=expected["transforms"]["crop_size"][0])
    assert card.parameters == expected["num_params"]
    assert round(card.multiplies / 1e9, 3) == expected["_ops"]


@pytest.mark.parametrize("name", ["regnet_x_400mf", "regnet_y_400mf"])
def test_networks_that_cannot_be_built_without_weights_too(torchvision, published, name):
    card = describe(torchvision.get_model(name), size=224)
    assert (card.parameters, round(card.multiplies / 1e9, 3)) == (
        published[name]["num_params"],
        published[name]["_ops"],
    )


@pytest.mark.parametrize("name", HELPERS)
def test_heads_that_help_in_training_are_unused_and_have_no_multiplies(torchvision, published, name):
    network, expected = on_meta(torchvision, name), published[name]
    card = describe(network, size=expected["transforms"]["crop_size"][0])
    heads = {key: value.numel() for key, value in network.named_parameters() if key.lower().startswith("aux")}
    assert set(card.unused) == set(heads)
    left_out = sum(count for key, count in heads.items() if key.startswith(HELPERS[name] or ("none",)))
    assert card.parameters - left_out == expected["num_params"]
    assert round(card.multiplies / 1e9, 3) == expected["_ops"]


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_image_is_the_one_that_torchvision_publishes(torchvision, published, name):
    smallest = SMALLEST[name]
    assert published[name]["min_size"] == [smallest, smallest]
    with pytest.raises(SizeError, match=f"; a size of {smallest} works"):
        describe(on_meta(torchvision, name), size=smallest - 1)


def test_a_helper_that_is_too_small_an_image_for_stands_in_the_way_of_training_alone(torchvision):
    card = describe(on_meta(torchvision, "inception_v3"), size=288)  # whose aux_logits slides 5×5 over 4×4 in training
    assert card.memory.inference > 4 * card.parameters
    assert card.memory.training is None
    assert "5" in card.memory.why_not and "4" in card.memory.why_not
    assert describe(on_meta(torchvision, "inception_v3"), size=299).memory.why_not == ""


def test_a_network_of_squeezes_and_excitations_keeps_the_rules(torchvision):
    card = describe(on_meta(torchvision, "efficientnet_b0"), size=224)  # 7×7 maps, 5×5 one channel each, its first /2
    assert (card.last_map.output, card.last_map.field.whole) == ((1280, 7, 7), True)
    assert advise(card) == ()
