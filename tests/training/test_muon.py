"""The oracle is the singular value decomposition of torch and NumPy, and torch's SGD for what is not orthogonal."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from striate.architectures.architecture import Declaration
from striate.architectures.auxiliary import WithAuxiliary
from striate.architectures.blocks import layers
from striate.architectures.catalogue import create_model
from striate.architectures.network import Network
from striate.architectures.unet import unet
from striate.training.muon import Muon, hidden_weights, orthogonalise
from striate.training.optimizers import make_optimizer
from striate.training.recipe import Recipe

RECIPE = Recipe(optimizer="muon", rate=0.02, decay=0.0)


def network():
    torch.manual_seed(1)
    stages = layers(
        one=layers(conv=nn.Conv2d(2, 8, 3), bn=nn.BatchNorm2d(8)),
        two=nn.Conv2d(8, 8, 3),
        three=nn.Conv2d(8, 8, 3),
        depthwise=nn.Conv2d(8, 8, 3, groups=8),
    )
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3))
    return Network(stages, head)


def names(module):
    hidden = hidden_weights(module)
    return {name: hidden[parameter] for name, parameter in module.named_parameters() if parameter in hidden}


def step(module, optimizer, seed):
    torch.manual_seed(seed)
    optimizer.zero_grad()
    module(torch.randn(4, 2, 12, 12)).square().mean().backward()
    optimizer.step()


@given(
    rows=st.integers(1, 24),
    columns=st.integers(1, 24),
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1e-4, 1, 1e4]),
)
@settings(max_examples=60)
def test_singular_values_come_near_one_and_singular_vectors_stay(rows, columns, seed, scale):
    """Values that are at least 1/100 of the norm; a matrix with these is made from its decomposition."""
    generator = np.random.default_rng(seed)
    rank = min(rows, columns)
    left = np.linalg.qr(generator.normal(size=(rows, rank)))[0]
    right = np.linalg.qr(generator.normal(size=(columns, rank)))[0]
    values = generator.uniform(0.1, 1, size=rank)
    matrix = torch.from_numpy(scale * (left * values) @ right.T)[None]  # float64
    inner = left.T @ orthogonalise(matrix)[0].numpy() @ right  # diagonal if the singular vectors are the same
    assert np.all((np.diag(inner) > 0.6) & (np.diag(inner) < 1.25))
    np.testing.assert_allclose(inner - np.diag(np.diag(inner)), 0, atol=1e-6)


def test_in_single_precision_the_step_points_along_the_nearest_orthogonal_matrix():
    matrices = torch.randn(3, 16, 72, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    nearest = left @ right
    found = orthogonalise(matrices)
    cosine = (found * nearest).sum((1, 2)) / found.norm(dim=(1, 2)) / nearest.norm(dim=(1, 2))
    assert (cosine > 0.98).all()


def test_nothing_stays_nothing():
    assert torch.equal(orthogonalise(torch.zeros(2, 3, 4)), torch.zeros(2, 3, 4))


def test_matrices_together_are_the_matrices_alone():
    matrices = torch.randn(4, 6, 10, generator=torch.Generator().manual_seed(1))
    alone = torch.cat([orthogonalise(matrix[None]) for matrix in matrices])
    torch.testing.assert_close(orthogonalise(matrices), alone)


def test_hidden_are_all_weights_but_those_of_the_first_and_the_last_layer():
    assert names(network()) == {"two.weight": 1, "three.weight": 1, "depthwise.weight": 8, "head.2.weight": 1}


def test_the_last_layer_of_an_auxiliary_head_is_not_hidden():
    module = network()
    heads = {"two": nn.Sequential(nn.Flatten(), nn.Linear(8, 4), nn.Linear(4, 3))}
    found = names(WithAuxiliary(module.stages, module.head, heads))
    assert "auxiliary.two.1.weight" in found
    assert "auxiliary.two.2.weight" not in found
    assert "head.4.weight" not in found


def test_a_hidden_step_is_a_share_of_the_norm_along_the_orthogonal_matrix():
    """By the decomposition of the first step's direction, g + 0.9 g, whose factor does not matter."""
    module = network()
    before = module.two.weight.detach().clone()
    step(module, make_optimizer(module, RECIPE), 0)
    left, _, right = torch.linalg.svd(module.two.weight.grad.flatten(1), full_matrices=False)
    expected = before.flatten(1) - 0.02 * before.norm() * (left @ right) / 8**0.5
    expected *= before.norm() / expected.norm()
    moved, wanted = module.two.weight.detach().flatten(1) - before.flatten(1), expected - before.flatten(1)
    cosine = (moved * wanted).sum() / moved.norm() / wanted.norm()
    assert cosine > 0.97
    assert 0.75 < moved.norm() / wanted.norm() < 1.2  # the singular values are not all 1


def test_the_norm_of_hidden_weights_stays():
    module = network()
    before = {name: parameter.norm().item() for name, parameter in module.named_parameters() if name in names(module)}
    optimizer = make_optimizer(module, RECIPE)
    for seed in range(5):
        step(module, optimizer, seed)
    for name, norm in before.items():
        assert module.get_parameter(name).norm().item() == pytest.approx(norm, rel=1e-5)


def test_a_depthwise_filter_moves_along_its_own_gradient():
    module = network()
    before = module.depthwise.weight.detach().clone()
    step(module, make_optimizer(module, RECIPE), 0)
    gradient = module.depthwise.weight.grad.flatten(1)
    scale = before.norm() / 8**0.5 * 0.02
    direction = gradient / gradient.norm(dim=1, keepdim=True)
    moved = module.depthwise.weight.detach().flatten(1) - before.flatten(1)
    removed = moved - before.flatten(1) * ((moved * before.flatten(1)).sum() / before.norm() ** 2)  # of the rescaling
    wanted = -scale * direction
    wanted -= before.flatten(1) * ((wanted * before.flatten(1)).sum() / before.norm() ** 2)
    assert (removed * wanted).sum() / removed.norm() / wanted.norm() > 0.97


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("nesterov", [True, False])
def test_the_rest_follows_sgd(decay, nesterov):
    """Linear layers in float64, with the same gradients."""
    torch.manual_seed(0)
    ours, theirs = (nn.Linear(3, 4).double() for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    optimizers = (
        Muon([{"params": list(ours.parameters()), "weight_decay": decay}], lr=0.1, momentum=0.8, nesterov=nesterov),
        torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.8, nesterov=nesterov, weight_decay=decay),
    )
    for seed in range(4):
        for layer, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            images = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed)).double()
            layer(images).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)


def test_two_trainings_end_in_the_same_bits(one_thread):
    ends = []
    for _ in range(2):
        module = network()
        optimizer = make_optimizer(module, RECIPE)
        for seed in range(3):
            step(module, optimizer, seed)
        ends.append(module.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_a_training_that_goes_on_from_its_buffers_ends_in_the_same_bits(one_thread):
    module = network()
    optimizer = make_optimizer(module, RECIPE)
    step(module, optimizer, 0)
    other = copy.deepcopy(module)
    other_optimizer = make_optimizer(other, RECIPE)
    for parameter, twin in zip(module.parameters(), other.parameters(), strict=True):
        state = optimizer.state[parameter]
        assert list(state) == ["momentum_buffer"]
        other_optimizer.state[twin]["momentum_buffer"] = torch.empty_like(twin).copy_(state["momentum_buffer"])
    for seed in (1, 2):
        step(module, optimizer, seed)
        step(other, other_optimizer, seed)
    assert all(map(torch.equal, module.parameters(), other.parameters()))


def test_the_layout_in_memory_does_not_matter():
    plain, laid_out = network(), network().to(memory_format=torch.channels_last)
    for module in (plain, laid_out):
        step(module, make_optimizer(module, RECIPE), 0)
    for one, other in zip(plain.parameters(), laid_out.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def small_unet():
    return unet(Declaration("small", 2, 3, (32, 32)), (4, 8, 8), padded=True, batch_norm=True)


@pytest.mark.parametrize(
    "build", [partial(create_model, "lenet5"), partial(create_model, "mobilenet_v2", size=32), small_unet]
)
def test_networks_of_other_kinds_take_finite_steps(build):
    torch.manual_seed(0)
    module = build()
    before = copy.deepcopy(module)
    optimizer = make_optimizer(module, RECIPE)
    channels = next(layer.in_channels for layer in module.modules() if isinstance(layer, nn.Conv2d))
    for _ in range(2):
        optimizer.zero_grad()
        module(torch.randn(2, channels, 32, 32)).square().mean().backward()
        optimizer.step()
    for weight, old in zip(hidden_weights(module), hidden_weights(before), strict=True):
        assert weight.isfinite().all()
        assert not torch.equal(weight, old)


def test_a_weight_of_nothing_stays_nothing():
    module = network()
    nn.init.zeros_(module.two.weight)
    step(module, make_optimizer(module, RECIPE), 0)
    assert torch.equal(module.two.weight, torch.zeros_like(module.two.weight))
