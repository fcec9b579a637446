"""The lectures' first networks against their formulas in NumPy."""

import numpy as np
import torch
from torch import nn

from striate.architectures.catalogue import create_model


def arrays(network):
    return [parameter.detach().double().numpy() for parameter in network.parameters()]


def test_the_linear_classifier_has_a_template_for_each_class():
    assert sum(parameter.numel() for parameter in create_model("linear").parameters()) == 3072 * 10 + 10 == 30_730


def test_the_two_layer_network_is_3072_to_100_to_10():
    assert [tuple(parameter.shape) for parameter in create_model("mlp").parameters()] == [
        (100, 3072),
        (100,),
        (10, 100),
        (10,),
    ]


def test_linear_is_wx_plus_b():
    network, images = create_model("linear", num_classes=4, size=5), torch.rand(6, 3, 5, 5)
    weights, bias = arrays(network)
    expected = images.double().numpy().reshape(6, -1) @ weights.T + bias
    np.testing.assert_allclose(network(images).detach(), expected, atol=1e-5)


def test_mlp_is_w2_max_0_w1x_plus_b1_plus_b2():
    network, images = create_model("mlp", num_classes=4, size=5), torch.randn(6, 3, 5, 5)
    w1, b1, w2, b2 = arrays(network)
    hidden = np.maximum(0, images.double().numpy().reshape(6, -1) @ w1.T + b1)
    assert (hidden == 0).any()
    np.testing.assert_allclose(network(images).detach(), hidden @ w2.T + b2, atol=1e-5)


def test_without_the_maximum_two_layers_are_one_matrix():
    network, images = create_model("mlp", num_classes=4, size=5), torch.randn(6, 3, 5, 5)
    w1, b1, w2, b2 = arrays(network)
    network.head.relu = nn.Identity()
    expected = images.double().numpy().reshape(6, -1) @ (w2 @ w1).T + (w2 @ b1 + b2)
    np.testing.assert_allclose(network(images).detach(), expected, atol=1e-5)
