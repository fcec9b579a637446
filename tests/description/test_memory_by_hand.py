"""Bytes of networks that one can add up on paper, and what predicting leaves alone."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from striate.description.memory import Conditions, inference_bytes, memory_of, training_bytes
from striate.errors import SettingsError

ONE = Conditions((1, 2, 3), 5)  # 6 values in an image, 5 images


def layer():
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 4))


def wide():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.LazyLinear(2))


@pytest.mark.parametrize(("number_format", "size"), [("float64", 8), ("float32", 4), ("bfloat16", 2), ("float16", 2)])
def test_inference_of_one_layer_holds_its_weights_its_images_and_its_scores(number_format, size):
    values = (6 * 4 + 4) + 5 * 6 + 5 * 4
    assert inference_bytes(layer(), replace(ONE, number_format=number_format)) == size * values == size * 78


@pytest.mark.parametrize(("optimizer", "of_each_weight"), [("sgd", 2), ("momentum", 3), ("adamw", 4)])
def test_training_of_one_layer_adds_gradients_and_the_optimizers_states(optimizer, of_each_weight):
    weights, images, scores = 6 * 40 + 40, 1000 * 6, 1000 * 40
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 40))
    predicted = training_bytes(network, Conditions((1, 2, 3), 1000, "float32", optimizer))
    always = of_each_weight * weights + images + scores
    assert 4 * always < predicted <= 4 * (always + 2 * scores)  # the loss, and the gradient of the scores


def test_inference_lets_a_layers_input_go_when_its_output_is_there():
    chain = nn.Sequential(*(nn.Conv2d(4, 4, 1, bias=False) for _ in range(6)))
    values = 6 * 16 + 3 * (4 * 8 * 8)  # weights; the images, which the caller holds; one map in, one map out
    assert inference_bytes(chain, Conditions((4, 8, 8))) == 4 * values


def test_training_keeps_every_map_until_the_backward_pass():
    chain = nn.Sequential(*(nn.Conv2d(4, 4, 1, bias=False) for _ in range(6)))
    one = 4 * 8 * 8
    predicted = training_bytes(chain, Conditions((4, 8, 8), optimizer="sgd"))
    assert 4 * (6 * 16 + 7 * one) <= predicted <= 4 * (2 * 6 * 16 + 9 * one)


def test_what_works_in_place_takes_nothing():
    def net(inplace):
        return nn.Sequential(nn.Conv2d(3, 64, 1), nn.ReLU(inplace))

    conditions, one = Conditions((3, 16, 16), 2), 4 * 2 * 64 * 16 * 16
    assert inference_bytes(net(False), conditions) - inference_bytes(net(True), conditions) == one


def test_frozen_parameters_have_no_gradients_and_no_states():
    network = nn.Sequential(nn.Flatten(), nn.Linear(600, 500), nn.Linear(500, 2))
    conditions = Conditions((1, 20, 30), 1, "float32", "adamw")
    free = training_bytes(network, conditions)
    network[1].requires_grad_(False)
    frozen = training_bytes(network, conditions)
    weights = 600 * 500 + 500
    assert 4 * 3 * weights <= free - frozen <= 4 * 5 * weights + 4 * 500  # gradient, two states, the optimizer's work


def test_a_network_that_is_frozen_whole_trains_in_what_its_forward_pass_holds():
    network = layer().requires_grad_(False)
    assert training_bytes(network, ONE) == inference_bytes(network, ONE)


def test_memory_grows_by_as_much_for_each_image():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3))
    for bytes_of in (inference_bytes, training_bytes):
        held = [bytes_of(network, Conditions((3, 20, 20), batch)) for batch in (8, 9, 10, 1000)]
        assert held[1] - held[0] == held[2] - held[1] > 0
        assert held[3] == held[2] + 990 * (held[1] - held[0])


def test_attention_holds_no_matrix_of_weights_as_its_kernel_does():
    class Attention(nn.Module):
        def forward(self, images):
            return functional.scaled_dot_product_attention(images, images, images)

    places, features = 1000, 8
    held = inference_bytes(Attention(), Conditions((2, places, features)))
    assert held < 4 * (4 * 2 * places * features) < 4 * places * places


def test_predicting_leaves_the_network_as_it_was():
    network = wide()
    network(torch.randn(2, 3, 8, 8)).sum().backward()
    network[1].eval()
    network[0].bias.requires_grad_(False)
    values = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    gradients = [p.grad if p.grad is None else p.grad.clone() for p in network.parameters()]
    modes = [module.training for module in network.modules()]
    random = torch.get_rng_state()
    assert memory_of(network, Conditions((3, 8, 8), 4)).why_not == ""
    assert all(torch.equal(tensor, values[name]) for name, tensor in network.state_dict().items())
    assert all(
        torch.equal(p.grad, was) if was is not None else p.grad is None
        for p, was in zip(network.parameters(), gradients, strict=True)
    )
    assert [module.training for module in network.modules()] == modes
    assert [p.requires_grad for p in network[0].parameters()] == [True, False]
    assert torch.equal(torch.get_rng_state(), random)


def test_a_network_that_cannot_be_trained_so_has_its_inference_and_a_reason():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2))
    memory = memory_of(network, Conditions((3, 8, 8), batch=1))
    assert (memory.inference is None, memory.training) == (False, None)
    assert "more than 1 value per channel" in memory.why_not
    assert memory_of(network, Conditions((3, 8, 8), batch=2)).why_not == ""


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"number_format": "float8"}, "number_format is 'float8'; expected one of float64, float32, bfloat16, float16"),
        ({"optimizer": "adam"}, "optimizer is 'adam'; expected one of sgd, momentum, adamw"),
        ({"batch": 0}, "batch is 0; expected a whole number from 1 to 1,000,000"),
        ({"batch": 1_000_001}, "batch is 1000001"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(asked, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Conditions((3, 8, 8), **asked)
