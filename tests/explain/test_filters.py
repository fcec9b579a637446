import pytest
import torch
from torch import nn

from striate.architectures.catalogue import create_model
from striate.errors import StriateError
from striate.explain.filters import first_layer_filters


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
