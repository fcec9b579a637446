import pytest
import torch
from torch import nn
from torch.nn import functional

from striate.architectures.catalogue import create_model
from striate.errors import SizeError
from striate.explain.features import features, look, tap_of
from striate.machine.choice import choose


class ByCalls(nn.Module):
    """A network that has its classifier as a call of its own forward, and a ReLU that overwrites."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 5, 3)
        self.weight = nn.Parameter(torch.randn(4, 5))

    def forward(self, images):
        self.entering = functional.relu_(self.convolution(images)).mean(dim=(2, 3))
        return functional.linear(self.entering, self.weight)


def test_features_are_what_enters_the_last_fully_connected_layer():
    chain = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(6 * 36, 7), nn.Linear(7, 4)
    )
    images = torch.randn(70, 3, 8, 8)
    with torch.no_grad():
        expected = chain[:4](images)
    torch.testing.assert_close(features(chain, images), expected, rtol=1e-5, atol=1e-5)
    assert tap_of(chain, images[:1]).layer == "4"


def test_features_of_a_classifier_that_is_a_call_are_found_too():
    network, images = ByCalls(), torch.randn(3, 3, 8, 8)
    found = features(network, images)
    torch.testing.assert_close(found, network.entering)
    assert str(tap_of(network, images[:1])) == "what enters the last product of its forward, the last layer of scores"


@pytest.mark.parametrize("product", [lambda x, w: x @ w, torch.mm, lambda x, w: torch.addmm(torch.ones(4), x, w)])
def test_a_product_with_a_matrix_is_a_classifier(product):
    class Product(nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = nn.Parameter(torch.randn(12, 4))

        def forward(self, images):
            return product(images.flatten(1), self.weights)

    images = torch.randn(2, 3, 2, 2)
    torch.testing.assert_close(features(Product(), images), images.flatten(1))


def test_features_of_a_network_that_ends_in_a_convolution_are_the_map_before_it_averaged():
    network = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    images = torch.randn(2, 3, 9, 9)
    with torch.no_grad():
        expected = network[:2](images).mean(dim=(2, 3))
    torch.testing.assert_close(features(network, images), expected)


@pytest.mark.parametrize(("name", "width"), [("squeezenet1_0", 512), ("resnet18", 512), ("lenet5", 84)])
def test_networks_of_the_catalogue_have_the_features_of_their_papers(name, width):
    network = create_model(name)
    size = {"lenet5": (1, 32)}.get(name, (3, 224))
    assert features(network, torch.randn(2, size[0], size[1], size[1])).shape == (2, width)


def test_a_network_without_a_layer_of_scores_is_refused():
    with pytest.raises(SizeError, match="has no fully connected layer and no 1×1 convolution"):
        features(nn.Sequential(nn.Conv2d(3, 6, 3), nn.Flatten()), torch.randn(1, 3, 8, 8))


def test_looking_gives_the_scores_of_a_network_in_use_and_leaves_its_mode():
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 3)).train()
    images = torch.randn(2, 3, 2, 2)
    own, scores = look(network, images, tap_of(network, images[:1]), choose("cpu"))
    torch.testing.assert_close(own, images.flatten(1))
    torch.testing.assert_close(scores, network[2](images.flatten(1)).detach())
    assert network.training and network[1].training
