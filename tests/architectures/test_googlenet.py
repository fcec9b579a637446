"""GoogLeNet against Szegedy et al. 2014, Table 1."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import create_model

MAPS = {  # Table 1, "output size", from the first row to the last
    "conv1": (64, 112, 112),
    "pool1": (64, 56, 56),
    "conv2": (192, 56, 56),
    "pool2": (192, 28, 28),
    "inception_3a": (256, 28, 28),
    "inception_3b": (480, 28, 28),
    "pool3": (480, 14, 14),
    "inception_4a": (512, 14, 14),
    "inception_4b": (512, 14, 14),
    "inception_4c": (512, 14, 14),
    "inception_4d": (528, 14, 14),
    "inception_4e": (832, 14, 14),
    "pool4": (832, 7, 7),
    "inception_5a": (832, 7, 7),
    "inception_5b": (1024, 7, 7),
    "average": (1024, 1, 1),
    "dropout": (1024,),
    "linear": (1000,),
}
MULTIPLIES = {  # Table 1, "ops", in millions, but for two rows in which they do not follow from the rest of the row
    "conv2_reduce conv2": 360,  # conv1 has 34 there (7x7x3x64 weights on 112x112 places are 118)
    "inception_3a": 128,
    "inception_3b": 304,
    "inception_4a": 73,
    "inception_4b": 88,
    "inception_4c": 100,
    "inception_4d": 119,
    "inception_4e": 170,
    "inception_5b": 71,  # 5a has 54 there (51 by its widths, which are those of 4e, and as every reproduction has it)
    "linear": 1,
}


@pytest.fixture(scope="module")
def googlenet():
    with torch.device("meta"):
        return create_model("googlenet")


def test_the_maps_have_the_sizes_of_the_paper(googlenet):
    maps, values = {}, torch.empty(1, 3, 224, 224, device="meta")
    for name, layer in googlenet.named_children():
        values = layer(values)
        maps[name] = tuple(values.shape[1:])
    assert {name: maps[name] for name in MAPS} == MAPS
    assert [name for name in maps if name in MAPS] == list(MAPS)


def test_the_layers_multiply_as_often_as_the_paper_says(googlenet):
    multiplies, values = {}, torch.empty(1, 3, 224, 224, device="meta")
    for name, layer in googlenet.named_children():
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            values = layer(values)
        multiplies[name] = counter.get_total_flops() / 2e6
    ours = {row: sum(multiplies[name] for name in row.split()) for row in MULTIPLIES}
    assert ours == pytest.approx(MULTIPLIES, abs=0.7)


def test_there_are_6998552_parameters_as_in_caffes_network(googlenet):
    assert sum(parameter.numel() for parameter in googlenet.parameters()) == 6_998_552


def test_the_network_is_22_layers_deep(googlenet):
    names = [key for key, _ in googlenet.named_parameters() if key.endswith("weight")]
    modules = {name.split(".")[0] for name in names}
    assert sum(2 if name.startswith("inception") else 1 for name in modules) == 22


def test_an_inception_module_stacks_four_views_of_its_input():
    torch.manual_seed(0)
    module = create_model("googlenet", size=64).inception_3a
    maps = torch.rand(1, 192, 5, 5)
    kernels = [layer.kernel_size[0] for layer in (module.branch_3x3[2], module.branch_5x5[2])]
    pooled = torch.nn.functional.max_pool2d(maps, 3, stride=1, padding=1)
    views = [module.branch_1x1(maps), module.branch_3x3(maps), module.branch_5x5(maps), module.branch_pool(pooled)]
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
