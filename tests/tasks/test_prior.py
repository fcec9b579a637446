"""Where the scores of tags begin: the constant scores from which no step leads down, found by torch's own gradient."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.architectures.catalogue import create_model
from striate.tasks.prior import begin_at, log_odds
from striate.tasks.tagging import Tagging, positive_weights

TAGS = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1], [0, 1, 1], [0, 0, 0], [0, 1, 1]], np.uint8)


@pytest.mark.parametrize("weighted", [False, True])
def test_no_constant_scores_have_a_lower_loss(weighted):
    weights = positive_weights(TAGS.sum(axis=0), len(TAGS)) if weighted else None
    scores = log_odds(TAGS, weights).double().requires_grad_()
    Tagging(positive_weights=weights).loss(scores.expand(TAGS.shape), torch.from_numpy(TAGS)).backward()
    assert scores.grad.abs().max() < 1e-6


def test_a_tag_of_no_image_and_one_of_all_begin_at_numbers():
    scores = log_odds(np.array([[0, 1]] * 10), None)
    assert torch.allclose(scores.sigmoid(), torch.tensor([0.05, 0.95]))


def test_the_biases_of_all_heads_are_set_and_nothing_else():
    network = create_model("googlenet_aux", num_classes=3, size=79)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    begin_at(network, torch.tensor([0.5, -1.0, 2.0]))
    changed = [name for name, value in network.state_dict().items() if not value.equal(before[name])]
    assert len(changed) == 3
    assert all(network.state_dict()[name].tolist() == [0.5, -1.0, 2.0] for name in changed)


def test_a_network_that_ends_in_no_layer_with_a_bias_is_left_alone():
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    before = network[0].bias.clone()
    begin_at(network, torch.ones(3))
    assert network[0].bias.equal(before)
