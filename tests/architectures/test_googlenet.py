"""GoogLeNet against Szegedy et al. 2014, Table 1."""

import json

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import create_model

MAPS = {  # Table 1, "output size", from the first row to the last
    "conv1": (64, 112, 112),
    "pool1": (64, 56, 56),
    "conv3": (192, 56, 56),
    "pool2": (192, 28, 28),
    "inception3a": (256, 28, 28),
    "inception3b": (480, 28, 28),
    "pool3": (480, 14, 14),
    "inception4a": (512, 14, 14),
    "inception4b": (512, 14, 14),
    "inception4c": (512, 14, 14),
    "inception4d": (528, 14, 14),
    "inception4e": (832, 14, 14),
    "pool4": (832, 7, 7),
    "inception5a": (832, 7, 7),
    "inception5b": (1024, 7, 7),
    "avgpool": (1024, 1, 1),
    "dropout": (1024,),
    "fc": (1000,),
}
MULTIPLIES = {  # Table 1, "ops", in millions, but for two rows in which they do not follow from the rest of the row
    "conv2 conv3": 360,  # conv1 has 34 there (7x7x3x64 weights on 112x112 places are 118)
    "inception3a": 128,
    "inception3b": 304,
    "inception4a": 73,
    "inception4b": 88,
    "inception4c": 100,
    "inception4d": 119,
    "inception4e": 170,
    "inception5b": 71,  # 5a has 54 there (51 by its widths, which are those of 4e, and as every reproduction has it)
    "fc": 1,
}


def on_meta(name):
    with torch.device("meta"):
        return create_model(name)


@pytest.fixture(scope="module")
def googlenet():
    return on_meta("googlenet")


def layers(network):
    """The rows of Table 1: the parts of all stages and of the head."""
    return [row for stage in network for row in stage.named_children()]


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_maps_have_the_sizes_of_the_paper(googlenet):
    maps, values = {}, torch.empty(1, 3, 224, 224, device="meta")
    for name, layer in layers(googlenet):
        values = layer(values)
        maps[name] = tuple(values.shape[1:])
    assert {name: maps[name] for name in MAPS} == MAPS
    assert [name for name in maps if name in MAPS] == list(MAPS)


def test_the_layers_multiply_as_often_as_the_paper_says(googlenet):
    multiplies, values = {}, torch.empty(1, 3, 224, 224, device="meta")
    for name, layer in layers(googlenet):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            values = layer(values)
        multiplies[name] = counter.get_total_flops() / 2e6
    ours = {row: sum(multiplies[name] for name in row.split()) for row in MULTIPLIES}
    assert ours == pytest.approx(MULTIPLIES, abs=0.7)


def test_there_are_6998552_parameters_as_in_caffes_network(googlenet):
    assert parameters(googlenet) == 6_998_552


def test_the_network_is_22_layers_deep(googlenet):
    trained = [name for name, layer in layers(googlenet) if parameters(layer)]
    assert sum(2 if name.startswith("inception") else 1 for name in trained) == 22


def test_auxiliary_classifiers_are_those_of_section_5():
    """5x5 average pooling with stride 3 to 4x4x512 and 4x4x528, 128 filters of 1x1, 1024 units, 70 % dropped."""
    network = on_meta("googlenet_aux")
    seen = [list(dict(network.get_submodule(stage).named_children()))[-1] for stage in network.auxiliary]
    assert seen == ["inception4a", "inception4d"]
    for channels, head in zip((512, 528), network.auxiliary.values(), strict=True):
        assert head.pool(torch.empty(1, channels, 14, 14, device="meta")).shape == (1, channels, 4, 4)
        assert head.dropout.p == 0.7
        shapes = {name: tuple(tensor.shape) for name, tensor in head.named_parameters() if name.endswith("weight")}
        assert shapes == {
            "conv.conv.weight": (128, channels, 1, 1),
            "fc1.weight": (1024, 128 * 4 * 4),
            "fc2.weight": (1000, 1024),
        }


@pytest.mark.parametrize(("name", "expected"), [("googlenet_bn", 6_624_904), ("googlenet_bn_aux", 13_004_888)])
def test_parameters_with_batch_normalisation_are_torchvisions(name, expected):
    assert parameters(on_meta(name)) == expected


def test_multiplies_with_batch_normalisation_are_torchvisions(shared):
    meta = json.loads((shared / "oracle" / "torchvision_0.28.0_meta.json").read_text())["googlenet"]["IMAGENET1K_V1"]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta("googlenet_bn").eval()(torch.empty(1, 3, 224, 224, device="meta"))
    assert counter.get_total_flops() / 2e9 == pytest.approx(meta["_ops"], abs=0.0006)


def test_an_inception_module_stacks_four_views_of_its_input():
    torch.manual_seed(0)
    module = create_model("googlenet", size=64).stage3.inception3a
    maps = torch.rand(1, 192, 5, 5)
    kernels = [branch[1].conv.kernel_size[0] for branch in (module.branch2, module.branch3)]
    pooled = torch.nn.functional.max_pool2d(maps, 3, stride=1, padding=1)
    views = [module.branch1(maps), module.branch2(maps), module.branch3(maps), module.branch4[1](pooled)]
    assert kernels == [3, 5]
    assert [view.shape[1] for view in views] == [64, 128, 32, 32]
    torch.testing.assert_close(module(maps), torch.cat(views, dim=1))
    assert (module(maps) >= 0).all()


def test_the_signal_and_its_gradient_pass_all_22_layers_at_the_start():
    torch.manual_seed(0)
    network = create_model("googlenet", num_classes=4, size=64)
    scores = network(torch.randn(4, 3, 64, 64))
    cross_entropy(scores, torch.arange(4)).backward()
    assert 0.05 < scores.std().item() < 20
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())
