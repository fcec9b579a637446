import pytest
import torch
from torch import nn

from striate.architectures.catalogue import create_model
from striate.errors import SizeError, StriateError, UnknownNameError
from striate.explain.filters import first_layer, first_layer_filters, is_linear_classifier, kernels


def test_a_convolution_shows_its_kernels():
    network = create_model("lenet5")
    filters = first_layer_filters(network, (1, 32, 32))
    assert filters.shape == (6, 1, 5, 5)
    assert torch.equal(filters, network.stage1.c1.weight)
    assert not filters.requires_grad


@pytest.mark.parametrize(("name", "units"), [("linear", 10), ("mlp", 100)])
def test_a_dense_network_shows_a_template_as_large_as_the_image_for_each_unit(name, units):
    network = create_model(name, size=(6, 8))
    templates = first_layer_filters(network, (3, 6, 8))
    assert templates.shape == (units, 3, 6, 8)
    images, layer = (
        torch.randn(2, 3, 6, 8),
        next(module for module in network.modules() if isinstance(module, nn.Linear)),
    )
    answers = (templates[None] * images[:, None]).sum((2, 3, 4)) + layer.bias  # (N, K): how much of each is there
    torch.testing.assert_close(answers, layer(images.flatten(1)))


def test_a_network_without_weights_over_pixels_has_no_filters():
    with pytest.raises(StriateError, match="no filters to show"):
        first_layer_filters(nn.Sequential(nn.ReLU(), nn.Flatten()), (3, 8, 8))


def test_a_dense_layer_that_does_not_see_the_pixels_has_no_filters():
    with pytest.raises(StriateError):
        first_layer_filters(nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(48, 5)), (3, 8, 8))


class Turned(nn.Module):
    """Its layers stand in another order than they run."""

    def __init__(self):
        super().__init__()
        self.second, self.first = nn.Conv2d(4, 2, 1), nn.Conv2d(3, 4, 3)

    def forward(self, images):
        return self.second(self.first(images))


def test_the_first_layer_is_the_one_that_runs_first():
    assert first_layer(Turned(), (3, 8, 8)) == "first"


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_spreads_a_value_by_its_kernel(groups):
    network = nn.Sequential(nn.ConvTranspose2d(4, 6, (2, 3), groups=groups, bias=False))
    found = kernels(network, "0")
    assert found.shape == (6, 4 // groups, 2, 3)
    with torch.no_grad():
        for source in range(4):
            spread = network(torch.eye(4)[source].view(1, 4, 1, 1))[0]  # (6, 2, 3)
            group, place = divmod(source, 4 // groups)
            own = slice(group * 6 // groups, (group + 1) * 6 // groups)
            torch.testing.assert_close(spread[own], found[own, place])


def test_deeper_layers_have_kernels_for_each_map_that_they_see():
    network = create_model("resnet20")
    assert torch.equal(kernels(network, "layer2.1.change.conv1"), network.layer2[1].change.conv1.weight)
    assert kernels(create_model("mobilenet_v2"), "stage1.blocks1.0.depthwise.conv").shape[1:] == (1, 3, 3)


def test_a_layer_without_kernels_is_refused_in_a_sentence():
    network = create_model("resnet20")
    with pytest.raises(SizeError, match="'layer1' is a Sequential and has no kernels"):
        kernels(network, "layer1")
    with pytest.raises(SizeError, match="is a Linear and has no kernels"):
        kernels(network, "head.fc", (3, 32, 32))
    with pytest.raises(UnknownNameError, match="did you mean"):
        kernels(network, "layer0")


@pytest.mark.parametrize(("name", "linear"), [("linear", True), ("mlp", False), ("lenet5", False)])
def test_only_a_linear_classifier_has_templates_of_classes(name, linear):
    assert is_linear_classifier(create_model(name, in_channels=3, size=32), (3, 32, 32)) is linear
