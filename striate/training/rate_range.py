"""The learning-rate range test: one short run whose rate grows from tiny to far too large, and what the loss does.

Source: Smith 2015, arXiv:1506.01186, section 3.3; the exponential growth, and the end at four times the lowest
loss, are those of fastai (Howard and Gugger 2020, arXiv:2002.04688). At step i of n the rate is
low·(high/low)^(i/(n−1)). The loss is smoothed over about 10 steps: a mean, weighted by 0.9^age.

The suggestion is a tenth of the rate of the lowest smoothed loss. Tried with sgd, adamw and muon on LeNet-5 with digits
and on a normalised network of six convolutions with CIFAR-10, against short trainings at rates from 0.001 to 0.3: it
lies within a factor of six of the best of them, on its lower side or on it. The steepest fall, the other usual choice,
lay at a rate of 5 once, and with sgd on the digits moved eightfold from a range of 50 steps to one of 200, where the
tenth moved 1.4-fold.
"""

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.errors import SettingsError, expect_whole
from striate.training.freezing import set_training

_MEMORY = 0.9
_WORSE = 4.0  # times the lowest loss that end the test
_FEWEST = 10


@dataclass(frozen=True)
class RateRange:
    """What was seen: for each step its rate and its smoothed loss, and the highest rate to train with."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float


def find_rate(
    network: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    task_loss: Callable[[Tensor, Tensor], Tensor],
    make_optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
) -> RateRange:
    """Train a copy of the network for up to `steps` of the batches while the rate grows from `low` to `high`.

    The network, its optimizer's state and the random state stay as they were. A group of the optimizer with a `scale`
    gets that share of the rate. Raises SettingsError for a range that makes no sense, for fewer batches than steps, or
    if the loss never falls.
    """
    expect_whole("steps", steps, 100_000, least=_FEWEST)
    if not 0 < low < high < math.inf:
        raise SettingsError(f"the rates go from {low} to {high}; expected two rising numbers above 0")
    rates = [low * (high / low) ** (step / (steps - 1)) for step in range(steps)]
    device = next(network.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        copied = deepcopy(network)
        set_training(copied)
        losses = _losses(copied, batches, task_loss, make_optimizer, rates)
    if len(losses) < _FEWEST:
        raise SettingsError(f"the loss rose from the first of the rates on, {low:g}; let the range begin lower")
    return RateRange(tuple(rates[: len(losses)]), tuple(losses), _suggest(rates, losses))


def _losses(
    network: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    task_loss: Callable[[Tensor, Tensor], Tensor],
    make_optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    rates: list[float],
) -> list[float]:
    """The smoothed loss of every step until it is far above its lowest, or no number."""
    optimizer = make_optimizer(network)
    losses: list[float] = []
    total = weight = 0.0
    for images, targets in batches:
        for group in optimizer.param_groups:
            group["lr"] = rates[len(losses)] * group.get("scale", 1.0)
        loss = task_loss(network(images), targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total, weight = _MEMORY * total + loss.item(), _MEMORY * weight + 1
        if not math.isfinite(total) or total / weight > _WORSE * min(losses, default=math.inf):
            return losses
        losses.append(total / weight)
        if len(losses) == len(rates):
            return losses
    raise SettingsError(f"the batches ended after {len(losses)} steps of {len(rates)}; give one for every step")


def _suggest(rates: list[float], losses: list[float]) -> float:
    """A tenth of the rate where the smoothed loss is lowest."""
    return rates[losses.index(min(losses))] / 10
