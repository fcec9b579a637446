"""The oracle is the formula, step by step in NumPy's float64."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.training.averaging import Average


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(12, 2))


def wander(module, step):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(step)))
    module(torch.randn(8, 1, 4, 4, generator=torch.Generator().manual_seed(step)))


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_the_average_is_the_formula(decay):
    module = network()
    average = Average(module, decay)
    expected = [parameter.detach().double().numpy().copy() for parameter in module.parameters()]
    for step in range(1, 20):
        wander(module, step)
        average.update(step)
        beta = min(decay, (1 + step) / (10 + step))
        for mean, parameter in zip(expected, module.parameters(), strict=True):
            np.add(mean, (1 - beta) * (parameter.detach().double().numpy() - mean), out=mean)
    for mean, parameter in zip(expected, average.network.parameters(), strict=True):
        np.testing.assert_allclose(parameter.numpy(), mean, rtol=1e-4, atol=1e-5)


def test_batch_statistics_are_the_learning_networks_own():
    module = network()
    average = Average(module, 0.9)
    wander(module, 1)
    assert not torch.equal(average.network[1].running_mean, module[1].running_mean)
    average.update(1)
    assert torch.equal(average.network[1].running_mean, module[1].running_mean)
    assert torch.equal(average.network[1].running_var, module[1].running_var)
    assert average.network[1].num_batches_tracked == 1


def test_it_is_ready_for_use_and_does_not_learn():
    module = network().train()
    average = Average(module, 0.9)
    assert not average.network.training
    assert module.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_it_follows_a_network_that_moves_to_another_layout():
    module = network()
    average = Average(module, 0.5)
    module.double().to(memory_format=torch.channels_last)
    average.network.double()
    moved = [parameter.detach().clone() for parameter in module.parameters()]
    average.update(1)
    for parameter, expected in zip(average.network.parameters(), moved, strict=True):
        torch.testing.assert_close(parameter, expected)


def test_one_that_is_restored_goes_on_to_the_same_bits():
    module = network()
    average = Average(module, 0.9)
    for step in (1, 2):
        wander(module, step)
        average.update(step)
    restored = Average(module, 0.9)
    restored.network.load_state_dict(average.network.state_dict())
    wander(module, 3)
    for each in (average, restored):
        each.update(3)
    for one, other in zip(average.network.state_dict().values(), restored.network.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_a_network_without_buffers_is_averaged_too():
    module = nn.Linear(2, 2)
    average = Average(module, 0.9)
    average.update(1)
    assert torch.equal(average.network.weight, module.weight)
