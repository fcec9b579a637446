"""The optimizers that a recipe can name, each with one group of parameters for every pace and decay.

  sgd      m ← momentum·m + g, w ← w − rate·m; Nesterov's: w ← w − rate·(g + momentum·m)
  adagrad  s ← s + g², w ← w − rate·g/√s                   Duchi et al. 2011, JMLR 12; no momentum
  rmsprop  s ← 0.9 s + 0.1 g², m ← momentum·m + g/√s       Hinton 2012, lecture 6e; w ← w − rate·m
  adamw    Adam (Kingma and Ba 2014, arXiv:1412.6980) with momentum as its first beta, 0.999 as its second
  muon     orthogonal steps                                muon.py

Decay. In sgd, adagrad, rmsprop and muon it is part of the gradient, g + decay·w, and so in adagrad and rmsprop divided
by √s with it. In adamw it is decoupled, w ← (1 − rate·decay)·w: Loshchilov and Hutter 2017, arXiv:1711.05101.
Biases and the scales of normalisations, which have one dimension, have none unless the recipe says `decay_all`.

Depth. With `depth_rates` d, the rate of a network's last stage is d of the head's, of the one before d², and so on to
the first: Howard and Ruder 2018, arXiv:1801.06146, section 3.2, with d = 1/2.6 for a language model's layers.
"""

import sys
from typing import Any

import torch
from torch import nn

from striate.architectures.network import Network
from striate.errors import SettingsError
from striate.training.muon import Muon, hidden_weights
from striate.training.recipe import Recipe
from striate.training.schedule import Pace

_SECOND_BETA = 0.999
_RMS_MEMORY = 0.9


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer of all parameters that require a gradient.

    Each of its groups has a `scale`, the share of the pace's rate that is its own. Raises SettingsError if no
    parameter requires a gradient.
    """
    groups = _groups(network, recipe)
    if not groups:
        raise SettingsError("no parameter of the network requires a gradient; leave a stage or the head unfrozen")
    nesterov = recipe.nesterov and recipe.momentum > 0
    match recipe.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, lr=recipe.rate, momentum=recipe.momentum, nesterov=nesterov, fused=True)
        case "adagrad":
            return torch.optim.Adagrad(groups, lr=recipe.rate, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=recipe.rate, alpha=_RMS_MEMORY, momentum=recipe.momentum)
        case "adamw":
            return torch.optim.AdamW(groups, lr=recipe.rate, betas=(recipe.momentum, _SECOND_BETA), fused=True)
        case "muon":
            return Muon(groups, lr=recipe.rate, momentum=recipe.momentum, nesterov=nesterov)


def set_pace(optimizer: torch.optim.Optimizer, pace: Pace) -> None:
    """Tell every group its rate for the next step, `pace.rate * group["scale"]`, and its momentum if it has one."""
    for group in optimizer.param_groups:
        group["lr"] = pace.rate * group["scale"]
        if "betas" in group:
            group["betas"] = (pace.momentum, group["betas"][1])
        elif group.get("momentum"):  # never quite 0: torch makes room for momentum at the first step or not at all
            group["momentum"] = max(pace.momentum, sys.float_info.min)


def _groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Parameters that are treated alike, together: those of one scale, decay and number of orthogonal matrices."""
    scales = _scales(network, recipe.depth_rates)
    hidden = hidden_weights(network) if recipe.optimizer == "muon" else {}
    groups: dict[tuple[float, float, int], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            decay = recipe.decay if recipe.decay_all or parameter.ndim >= 2 else 0.0
            key = scales.get(name.split(".")[0], 1.0), decay, hidden.get(parameter, 0)
            groups.setdefault(key, []).append(parameter)
    return [
        {"params": own, "scale": scale, "lr": recipe.rate * scale, "weight_decay": decay}
        | ({"blocks": blocks} if recipe.optimizer == "muon" else {})
        for (scale, decay, blocks), own in groups.items()
    ]


def _scales(network: nn.Module, depth_rates: float) -> dict[str, float]:
    """Each stage's share of the rate, by its name."""
    names = [name for name, _ in network.stages.named_children()] if isinstance(network, Network) else []
    return {name: depth_rates ** (len(names) - number) for number, name in enumerate(names)}
