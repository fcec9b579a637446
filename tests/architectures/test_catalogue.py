"""The catalogue's entries, and what is asked of it by names that it has and has not."""

import csv
import json
import re

import pytest
import torch

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import CATALOGUE, create_model, declare
from striate.errors import SettingsError, SizeError, UnknownNameError


@pytest.fixture(params=CATALOGUE)
def name(request):
    return request.param


def test_an_accuracy_is_a_percentage_with_its_source(name):
    accuracy = CATALOGUE[name].accuracy
    assert accuracy is None or (1 < accuracy.top1 < 100 and len(accuracy.source) > 20)
    assert accuracy is None or accuracy.data == ("ImageNet" if CATALOGUE[name].num_classes > 999 else "CIFAR-10")


def test_accuracies_of_torchvisions_weights_are_torchvisions(shared):
    meta = json.loads((shared / "oracle" / "torchvision_0.28.0_meta.json").read_text())
    checked = 0
    for name, entry in CATALOGUE.items():
        if entry.accuracy and entry.accuracy.source.startswith("torchvision"):
            theirs = {"alexnet_owt": "alexnet"}.get(
                name, name.removesuffix("_aux").replace("googlenet_bn", "googlenet")
            )
            weights = entry.accuracy.source.split()[3].rstrip(",")
            assert entry.accuracy.top1 == meta[theirs][weights]["_metrics"]["ImageNet-1K"]["acc@1"], name
            checked += 1
    assert checked > 30


def test_accuracies_of_timms_weights_are_timms(shared):
    with (shared / "oracle" / "results-imagenet.csv").open(newline="") as file:
        table = {(row["model"], row["img_size"]): float(row["top1"]) for row in csv.DictReader(file)}
    checked = 0
    for name, entry in CATALOGUE.items():
        said = re.fullmatch(r"timm, weights (\S+), one crop of (\d+)", entry.accuracy.source if entry.accuracy else "")
        if said:
            weights = said[1] if "." in said[1] else f"{name}.{said[1]}"
            assert entry.accuracy.top1 == table[weights, said[2]], name
            checked += 1
    assert checked > 15


def test_the_weights_depend_on_torchs_seed_alone():
    def weights(seed):
        torch.manual_seed(seed)
        return torch.cat([parameter.flatten() for parameter in create_model("lenet5").parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("wrong", [{"num_classes": 0}, {"in_channels": 0}, {"size": 0}, {"size": (32, -1)}])
def test_counts_below_one_are_refused(name, wrong):
    with pytest.raises(SettingsError, match="expected a whole number from 1 to"):
        create_model(name, **wrong)


def test_what_is_not_said_is_as_in_the_source(name):
    entry = CATALOGUE[name]
    assert declare(name) == Declaration(name, entry.num_classes, entry.in_channels, entry.size)
    assert declare(name, num_classes=3).num_classes == 3
    assert declare(name, size=40, in_channels=2).size == (40, 40)
    assert entry.source


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("lenet", "lenet5"), ("LeNet5", "lenet5"), ("linaer", "linear"), ("vgg18", "vgg1"), ("resnet5", "resnet50")],
)
def test_an_unknown_name_is_refused_with_the_nearest(asked, nearest):
    with pytest.raises(UnknownNameError, match=f"unknown model '{asked}'; did you mean .*{nearest}"):
        create_model(asked)


def test_a_name_near_to_nothing_is_refused_with_the_verb_that_lists_all():
    with pytest.raises(UnknownNameError, match=rf"^unknown model 'zzz'; `striate models` lists all {len(CATALOGUE)}$"):
        create_model("zzz")


@pytest.mark.parametrize(
    ("side", "layer", "left"), [(3, "stage1.c1", 3), (5, "stage1.s2", 1), (12, "stage2.c3", 4), (15, "stage2.s4", 1)]
)
def test_lenet_on_too_small_an_image_names_the_layer_that_does_not_fit(side, layer, left):
    with pytest.raises(SizeError, match=f"cannot take a side of {side} pixels: at {layer} {left} are left.*16 or more"):
        create_model("lenet5", size=(32, side))
