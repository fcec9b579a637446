"""What every network of the catalogue promises: one test asks all of them, on meta tensors where they are large."""

import json
import re

import pytest
import torch
from torch.nn.functional import cross_entropy

from striate.architectures.catalogue import CATALOGUE, Declaration, create_model, declare
from striate.errors import SettingsError, SizeError, UnknownNameError

SMALL = [name for name, entry in CATALOGUE.items() if max(entry.size) <= 32]
IMAGENET = [name for name in CATALOGUE if name not in SMALL]


@pytest.fixture(params=CATALOGUE)
def name(request):
    return request.param


@pytest.fixture(params=SMALL)
def small(request):
    return request.param


@pytest.fixture(params=[1, 3], ids=["grey", "colour"])
def channels(request):
    return request.param


def images(name, channels, count=4):
    return torch.randn(count, channels, *CATALOGUE[name].size, generator=torch.Generator().manual_seed(0))


def scores_on_meta(name, channels=3, size=None, **declared):
    """The scores of two images without values."""
    with torch.device("meta"), torch.no_grad():
        network = create_model(name, in_channels=channels, size=size, **declared).eval()
        return network(torch.empty(2, channels, *(size or CATALOGUE[name].size)))


def test_a_network_takes_other_classes_channels_and_sizes_than_its_papers(name):
    height, width = CATALOGUE[name].size
    assert scores_on_meta(name, 2, (height + 4, width - 4), num_classes=7).shape == (2, 7)


def test_images_of_its_own_size_become_scores_in_which_every_parameter_takes_part(name):
    entry = CATALOGUE[name]
    with torch.device("meta"):
        network = create_model(name)
        scores = network(torch.empty(2, entry.in_channels, *entry.size))
        scores.sum().backward()
    assert scores.shape == (2, entry.num_classes)
    assert [key for key, parameter in network.named_parameters() if parameter.grad is None] == []


def test_a_side_of_one_pixel_is_taken_or_refused_with_a_layer_and_the_smallest_that_is_not(name):
    try:
        assert scores_on_meta(name, size=(1, 1)).shape == (2, CATALOGUE[name].num_classes)
        assert name in ("linear", "mlp") or name.startswith("resnet")  # which have no window without padding
    except SizeError as error:
        said = re.fullmatch(
            rf"{name} cannot take a side of 1 pixels: at (\S+) .*; use a size of (\d+) or more", str(error)
        )
        layer, smallest = said[1], int(said[2])
        with torch.device("meta"):
            assert layer in dict(create_model(name).named_modules())
        assert scores_on_meta(name, size=(smallest, smallest)).shape == (2, CATALOGUE[name].num_classes)
        for size in ((smallest - 1, smallest), (smallest, smallest - 1)):
            with pytest.raises(SizeError, match=f"cannot take a side of {smallest - 1} pixels"):
                scores_on_meta(name, size=size)


@pytest.mark.parametrize("name", IMAGENET)
def test_what_was_made_for_imagenet_has_its_thousand_classes_in_colour(name):
    assert (CATALOGUE[name].num_classes, CATALOGUE[name].in_channels) == (1000, 3)


def test_an_accuracy_is_a_percentage_with_its_source(name):
    accuracy = CATALOGUE[name].accuracy
    assert accuracy is None or (1 < accuracy.top1 < 100 and len(accuracy.source) > 20)


def test_accuracies_of_torchvisions_weights_are_torchvisions(shared):
    meta = json.loads((shared / "oracle" / "torchvision_0.28.0_meta.json").read_text())
    ours = {n: e.accuracy.top1 for n, e in CATALOGUE.items() if e.accuracy and "IMAGENET1K_V1" in e.accuracy.source}
    assert len(ours) == 9
    assert ours == {name: meta[name]["IMAGENET1K_V1"]["_metrics"]["ImageNet-1K"]["acc@1"] for name in ours}


@pytest.mark.parametrize("classes", [1, 2, 7])
def test_images_become_one_score_for_each_class(small, channels, classes):
    network = create_model(small, num_classes=classes, in_channels=channels)
    assert network(images(small, channels)).shape == (4, classes)


def test_the_gradient_reaches_every_parameter(small, channels):
    network = create_model(small, in_channels=channels)
    cross_entropy(network(images(small, channels)), torch.arange(4)).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key


def test_one_step_down_the_gradient_lowers_the_loss(small, channels):
    torch.manual_seed(0)
    network, batch, targets = create_model(small, in_channels=channels), images(small, channels), torch.arange(4)
    before = cross_entropy(network(batch), targets)
    before.backward()
    torch.optim.SGD(network.parameters(), lr=1e-3).step()
    assert cross_entropy(network(batch), targets) < before


def test_the_weights_depend_on_torchs_seed_alone(small):
    def weights(seed):
        torch.manual_seed(seed)
        return torch.cat([parameter.flatten() for parameter in create_model(small).parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_images_do_not_touch_each_other(small, channels):
    network, batch = create_model(small, in_channels=channels).eval(), images(small, channels)
    torch.testing.assert_close(network(batch)[:1], network(batch[:1]))


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


def test_a_name_near_to_nothing_is_refused_with_all_that_are_known():
    with pytest.raises(
        UnknownNameError, match="known: alexnet, alexnet_two_gpus, googlenet, lenet5, linear, mlp, resnet101"
    ):
        create_model("zzz")


@pytest.mark.parametrize(("side", "layer", "left"), [(3, "c1", 3), (5, "s2", 1), (12, "c3", 4), (15, "s4", 1)])
def test_lenet_on_too_small_an_image_names_the_layer_that_does_not_fit(side, layer, left):
    with pytest.raises(SizeError, match=f"cannot take a side of {side} pixels: at {layer} {left} are left.*16 or more"):
        create_model("lenet5", size=(32, side))
