"""torch's optimizers as our groups set them, against the formulas in NumPy's float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from striate.architectures.blocks import layers
from striate.architectures.network import Network
from striate.errors import SettingsError
from striate.training.optimizers import make_optimizer, set_pace
from striate.training.recipe import Recipe
from striate.training.schedule import Pace, pace_at

RATES = (0.1, 0.05, 0.02, 0.01)


def network():
    torch.manual_seed(1)
    stages = layers(
        one=layers(conv=nn.Conv2d(2, 4, 3), bn=nn.BatchNorm2d(4)), two=nn.Conv2d(4, 6, 3), three=nn.Conv2d(6, 6, 1)
    )
    return Network(stages, head=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)))


def follow(recipe, momentum=0.9):
    """A weight (3, 2) and a bias (3,) after four steps of known gradients: start, gradients and end as float64."""
    torch.manual_seed(0)
    layer = nn.Linear(2, 3)
    optimizer = make_optimizer(layer, recipe)
    start = [parameter.detach().double().numpy().copy() for parameter in layer.parameters()]
    generator = np.random.default_rng(2)
    gradients = [[generator.normal(size=part.shape) for part in start] for _ in RATES]
    for rate, parts in zip(RATES, gradients, strict=True):
        set_pace(optimizer, Pace(rate, momentum))
        for parameter, part in zip(layer.parameters(), parts, strict=True):
            parameter.grad = torch.from_numpy(part).float()
        optimizer.step()
    return start, gradients, [parameter.detach().double().numpy() for parameter in layer.parameters()]


def sgd(w, gradients, decay, *, nesterov):
    m = np.zeros_like(w)
    for rate, g in zip(RATES, gradients, strict=True):
        decayed = g + decay * w
        m = 0.9 * m + decayed
        w = w - rate * (decayed + 0.9 * m if nesterov else m)
    return w


def adagrad(w, gradients, decay):
    s = np.zeros_like(w)
    for rate, g in zip(RATES, gradients, strict=True):
        decayed = g + decay * w
        s = s + decayed * decayed
        w = w - rate * decayed / np.sqrt(s)
    return w


def rmsprop(w, gradients, decay):
    s, m = np.zeros_like(w), np.zeros_like(w)
    for rate, g in zip(RATES, gradients, strict=True):
        decayed = g + decay * w
        s = 0.9 * s + 0.1 * decayed * decayed
        m = 0.9 * m + decayed / np.sqrt(s)
        w = w - rate * m
    return w


def adamw(w, gradients, decay):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, (rate, g) in enumerate(zip(RATES, gradients, strict=True), start=1):
        w = w * (1 - rate * decay)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - rate * (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.999**t))
    return w


FORMULAS = {
    "sgd": lambda *given: sgd(*given, nesterov=True),
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adamw": adamw,
    "muon": lambda *given: sgd(*given, nesterov=True),  # one layer is the first and the last: nothing is hidden
}


@pytest.mark.parametrize("decay_all", [True, False])
@pytest.mark.parametrize("name", FORMULAS)
def test_four_steps_are_those_of_the_formula(name, decay_all):
    start, gradients, end = follow(Recipe(optimizer=name, decay=0.1, decay_all=decay_all))
    for part, decay in enumerate((0.1, 0.1 if decay_all else 0.0)):
        expected = FORMULAS[name](start[part], [step[part] for step in gradients], decay)
        np.testing.assert_allclose(end[part], expected, rtol=2e-5, atol=1e-6)


def test_momentum_without_nesterov_is_classical():
    start, gradients, end = follow(Recipe(nesterov=False, decay=0.0))
    expected = sgd(start[0], [step[0] for step in gradients], 0.0, nesterov=False)
    np.testing.assert_allclose(end[0], expected, rtol=2e-5)


def test_without_momentum_a_step_is_the_gradient():
    start, gradients, end = follow(Recipe(momentum=0.0, decay=0.0), momentum=0.0)
    expected = start[0] - sum(rate * step[0] for rate, step in zip(RATES, gradients, strict=True))
    np.testing.assert_allclose(end[0], expected, rtol=2e-5)


def scales(optimizer, module):
    by_parameter = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    return {name: by_parameter[id(parameter)]["scale"] for name, parameter in module.named_parameters()}


@pytest.mark.parametrize("name", FORMULAS)
def test_earlier_stages_have_smaller_rates(name):
    module = network()
    optimizer = make_optimizer(module, Recipe(optimizer=name, depth_rates=0.5))
    found = scales(optimizer, module)
    assert found["head.2.weight"] == found["head.2.bias"] == 1
    assert found["three.weight"] == 0.5
    assert found["two.bias"] == 0.25
    assert found["one.conv.weight"] == found["one.bn.bias"] == 0.125
    set_pace(optimizer, Pace(0.2, 0.8))
    assert all(group["lr"] == 0.2 * group["scale"] for group in optimizer.param_groups)


def test_a_module_without_stages_has_one_rate():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert set(scales(make_optimizer(module, Recipe(depth_rates=0.5)), module).values()) == {1}


def test_biases_and_scales_have_no_decay_unless_asked():
    module = network()
    optimizer = make_optimizer(module, Recipe(decay=0.01, decay_all=False))
    decays = {
        parameter.ndim >= 2: group["weight_decay"] for group in optimizer.param_groups for parameter in group["params"]
    }
    assert decays == {True: 0.01, False: 0.0}
    assert len(make_optimizer(module, Recipe(decay=0.01)).param_groups) == 1


@pytest.mark.parametrize("name", FORMULAS)
def test_the_pace_sets_momentum_where_there_is_one(name):
    optimizer = make_optimizer(network(), Recipe(optimizer=name))
    set_pace(optimizer, Pace(0.1, 0.85))
    for group in optimizer.param_groups:
        assert group["lr"] == 0.1
        assert group.get("momentum", 0.85) == 0.85
        assert group.get("betas", (0.85, 0.999)) == (0.85, 0.999)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_cycle_whose_momentum_begins_at_nothing_runs(name):
    recipe = Recipe(optimizer=name, schedule="one_cycle", momentum=0.05, warmup=0.0)
    layer = nn.Linear(2, 2)
    optimizer = make_optimizer(layer, recipe)
    for step in range(3):
        set_pace(optimizer, pace_at(recipe, step, 3))
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    assert layer.weight.isfinite().all()


def test_frozen_parameters_are_left_alone():
    module = network()
    module.stages[:2].requires_grad_(False)
    optimizer = make_optimizer(module, Recipe())
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4  # of three and of the head
    with pytest.raises(SettingsError, match="no parameter of the network requires a gradient"):
        make_optimizer(module.requires_grad_(False), Recipe())


@pytest.mark.parametrize("name", FORMULAS)
def test_every_number_of_the_state_is_a_tensor_by_name(name):
    """So a run's state can keep and restore them."""
    module = network()
    optimizer = make_optimizer(module, replace(Recipe(), optimizer=name))
    module(torch.randn(2, 2, 8, 8)).sum().backward()
    optimizer.step()
    for parameter in module.parameters():
        assert optimizer.state[parameter]
        assert all(isinstance(value, torch.Tensor) for value in optimizer.state[parameter].values())
