"""A quadratic whose behaviour is known: with SGD, |1 − rate·curvature| is the factor of each step."""

import math
from itertools import cycle, repeat

import pytest
import torch
from torch import nn

from striate.errors import SettingsError
from striate.recipes.rate_picture import draw_rates
from striate.training.rate_range import RateRange, find_rate


class Bowl(nn.Module):
    """The loss is x²: its gradient is 2x, and a rate above 1 makes it grow."""

    def __init__(self):
        super().__init__()
        self.x = nn.Parameter(torch.tensor([4.0]))
        self.dropout = nn.Dropout(0.0)

    def forward(self, images):
        return self.dropout(self.x).square() + 0 * images.sum()


def plain(network):
    return torch.optim.SGD(network.parameters(), lr=1.0)


def search(network, batches=None, **options):
    batches = repeat((torch.zeros(1), torch.zeros(1))) if batches is None else batches
    return find_rate(network, batches, lambda outputs, targets: outputs.sum(), plain, **options)


def test_the_losses_are_the_smoothed_ones_of_the_quadratic():
    found = search(Bowl(), low=1e-3, high=10.0, steps=41)
    x, total, weight = 4.0, 0.0, 0.0
    for step, loss in enumerate(found.losses):
        rate = 1e-3 * 10 ** (step / 10)
        assert found.rates[step] == pytest.approx(rate)
        total, weight = 0.9 * total + x * x, 0.9 * weight + 1
        assert loss == pytest.approx(total / weight, rel=1e-4)
        x -= rate * 2 * x
    assert len(found.losses) < 41  # it ended when it grew
    assert 0.1 < found.suggestion < 1  # above 1 every step goes too far


def test_the_suggestion_is_a_tenth_of_the_rate_of_the_lowest_loss():
    found = search(Bowl(), low=1e-3, steps=50)
    assert found.suggestion == found.rates[found.losses.index(min(found.losses))] / 10


def test_the_network_and_the_random_state_stay_as_they_were():
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2)).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    images, targets = torch.randn(8, 3), torch.arange(8) % 2
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one, other = (
        find_rate(network, cycle([(images, targets)]), nn.functional.cross_entropy, plain, steps=30) for _ in range(2)
    )
    assert one == other
    assert torch.equal(torch.get_rng_state(), state)
    assert not network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_group_gets_its_share_of_the_rate():
    seen = []

    class Spy(torch.optim.SGD):
        def step(self):
            seen.append(self.param_groups[0]["lr"])
            return super().step()

    find_rate(
        Bowl(),
        repeat((torch.zeros(1), torch.zeros(1))),
        lambda outputs, targets: outputs.sum(),
        lambda network: Spy([{"params": network.parameters(), "scale": 0.5}], lr=1.0),
        low=0.01,
        high=0.02,
        steps=10,
    )
    assert seen[0] == pytest.approx(0.005)
    assert seen[-1] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"low": 1.0, "high": 0.1}, "the rates go from 1.0 to 0.1; expected two rising numbers above 0"),
        ({"low": 0.0}, "the rates go from 0.0"),
        ({"high": math.inf}, "to inf"),
        ({"steps": 3}, "steps is 3; expected a whole number from 10"),
        ({"low": 5.0}, "let the range begin lower"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(options, sentence):
    with pytest.raises(SettingsError, match=sentence):
        search(Bowl(), **options)


def test_too_few_batches_are_refused():
    with pytest.raises(SettingsError, match="the batches ended after 12 steps of 100; give one"):
        search(Bowl(), batches=12 * [(torch.zeros(1), torch.zeros(1))], low=1e-6)


def test_the_picture_shows_the_losses_and_the_suggestion():
    found = RateRange((1e-3, 1e-2, 1e-1, 1.0), (2.0, 1.5, 0.5, 1.9), 0.01)
    (axes,) = draw_rates(found).axes
    line, *_ = axes.lines
    assert list(line.get_xdata()) == list(found.rates)
    assert list(line.get_ydata()) == list(found.losses)
    assert axes.get_xscale() == "log"
    assert any(list(other.get_xdata()) == [0.01, 0.01] for other in axes.lines[1:])
    assert "0.01" in axes.get_title(loc="left")
