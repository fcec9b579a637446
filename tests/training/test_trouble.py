import json
import math

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from striate.architectures.catalogue import create_model
from striate.errors import RunError
from striate.training.named import RECIPES
from striate.training.optimizers import make_optimizer, set_pace
from striate.training.recipe import Recipe
from striate.training.schedule import pace_at
from striate.training.trouble import Watchman

CHANCE = math.log(10)


def two_layers():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))


def watch(losses, *, rate=0.1, chance=CHANCE):
    watchman = Watchman(chance)
    for step, loss in enumerate(losses, start=1):
        watchman.check(step, loss, rate, two_layers())
    return watchman


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_run_at_once(loss):
    with pytest.raises(RunError, match=rf"the loss became {loss} at step 3: .* at a rate of 0.1, near its highest"):
        watch([2.3, 2.2, loss])


def test_one_bad_batch_does_not():
    watch([2.3, 1.0, 1e9, 0.9] + 100 * [0.5] + [1e30] + 50 * [0.5])


def test_five_very_bad_batches_in_a_row_do():
    """By hand: 1 + 9·(1 − 0.95ⁿ) passes 3 at n = 5."""
    watch([CHANCE] + 4 * [1e6])
    with pytest.raises(RunError, match=r"risen to .* at step 6, from 2.3 at the start"):
        watch([CHANCE] + 5 * [1e6])


def test_losses_of_four_times_the_level_do_after_22_steps():
    """By hand: 1 + 3·(1 − 0.95ⁿ) passes 3 at n = 22."""
    watch([CHANCE] + 21 * [4 * CHANCE])
    with pytest.raises(RunError, match="at step 23"):
        watch([CHANCE] + 22 * [4 * CHANCE])


def test_a_start_far_above_chance_is_no_trouble():
    watch([50.0] + [49.0, 60.0, 70.0] * 50)


def test_a_pretrained_network_may_get_worse_before_it_gets_better():
    watch([0.02] + 100 * [2.0])


def message(network, *, rates=(0.1, 0.2), norms=(None, None), images=None, **options):
    """What is said of a loss that is no number at step 2."""
    watchman = Watchman(CHANCE, **options)
    watchman.check(1, 2.3, rates[0], network, gradient_norm=norms[0])
    with pytest.raises(RunError) as caught:
        watchman.check(2, math.nan, rates[1], network, gradient_norm=norms[1], images=images)
    text = str(caught.value)
    assert text.startswith("the loss became nan at step 2: ")
    assert "\n" not in text
    return text


def test_the_first_tensor_that_is_not_finite_is_named():
    network = two_layers()
    network[1].running_var[1] = math.inf
    network[2].weight.data[0, 0] = math.nan
    assert "1.running_var is the first of the network's tensors that is not finite" in message(network)


def test_images_that_are_not_finite_are_the_cause():
    assert "images of this step have values that are not finite" in message(
        two_layers(), images=torch.tensor([1.0, math.nan])
    )


def test_a_gradient_that_grew_is_named():
    watchman = Watchman(CHANCE)
    for step in range(1, 30):
        watchman.check(step, 2.0, 0.1, two_layers(), gradient_norm=1.0)
    watchman.check(30, 2.0, 0.1, two_layers(), gradient_norm=5000.0)
    with pytest.raises(RunError, match="the gradient has been 5,000 times as long as usual, at a rate"):
        watchman.check(31, math.nan, 0.1, two_layers(), gradient_norm=math.nan)


def test_short_numbers_are_suspected_when_nothing_else_is_wrong():
    assert "65,504" in message(two_layers(), number_format=torch.float16)


@pytest.mark.parametrize(
    ("rates", "place"),
    [
        ((0.1, 0.2), "0.2, still climbing; train with --rate 0.02"),
        ((2.0, 2.0), "2, near its highest; train with --rate 0.2"),
        ((2.0, 0.1), "0.1, down from 2; train with --rate 0.2"),
    ],
)
def test_the_place_of_the_rate_and_another_are_said(rates, place):
    assert f"the steps are too long, at a rate of {place}, or a longer --warmup" in message(two_layers(), rates=rates)


def test_a_run_that_goes_on_is_stopped_at_the_same_step():
    losses = [2.3, 3.0] + 30 * [15.0]
    steps = []
    for handed_over in (None, 10):
        watchman = Watchman(CHANCE)
        for step, loss in enumerate(losses, start=1):
            if step == handed_over:
                state = json.loads(json.dumps(watchman.state))
                watchman = Watchman(CHANCE)
                watchman.state = state
            try:
                watchman.check(step, loss, 0.1, two_layers(), gradient_norm=float(step))
            except RunError as error:
                steps.append((step, str(error)))
                break
    assert len(steps) == 2
    assert steps[0] == steps[1]


def learn(recipe, *, steps):
    """LeNet-5 on the real digits; the highest that the smoothed loss came, as a share of where it began."""
    torch.manual_seed(0)
    data = load_digits()
    images = torch.from_numpy(data.images).float().unsqueeze(1) / 8 - 1  # (1797, 1, 8, 8)
    network = create_model("lenet5", num_classes=10, in_channels=1, size=32)
    watchman, optimizer = Watchman(CHANCE), make_optimizer(network, recipe)
    highest = 0.0
    for step in range(steps):
        part = torch.randperm(len(images), generator=torch.Generator().manual_seed(step))[:32]
        scores = network(functional.interpolate(images[part], size=(32, 32)))
        loss = functional.cross_entropy(scores, torch.from_numpy(data.target)[part])
        pace = pace_at(recipe, step, steps)
        watchman.check(step + 1, loss.item(), pace.rate, network)
        highest = max(highest, watchman.state["smoothed"] / watchman.state["level"])
        set_pace(optimizer, pace)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return highest


@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_is_stopped_on_real_digits(name):
    assert learn(RECIPES[name], steps=40) < 1.5


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_a_rate_of_ten_is_stopped_on_real_digits(optimizer):
    with pytest.raises(RunError, match="train with --rate"):
        learn(Recipe(rate=10, optimizer=optimizer), steps=60)
