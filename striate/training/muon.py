"""Muon: the momentum of a layer's weights, made orthogonal, is its step.

Source: Jordan et al. 2024, kellerjordan.github.io/posts/muon, and airbench94_muon.py of github.com/KellerJordan/
cifar10-airbench (Jordan 2024, arXiv:2404.00498). With m the momentum, g the gradient and G = g + momentum·m
(Nesterov), taken as a matrix of K rows, one for each filter:
    O = U Vᵀ of the singular values' decomposition G = U S Vᵀ, nearly: five steps of a quintic iteration
    W ← ‖W‖ · W' / ‖W'‖  with  W' = W − rate · ‖W‖ · O / √rank
so that all directions of a layer are learnt at the same pace, whatever the size of its gradient.

Which weights: those of hidden convolutions and fully connected layers. The first layer, the last one of each head,
biases and the scales of normalisations follow SGD, as in airbench, where the first is fixed. A convolution in groups
has one matrix for each.

Where we differ, and why: airbench sets the norm of a layer's weights to √K, which only networks with batch
normalisation endure; here it stays what it was at the start, so that pretrained weights and networks without
normalisation keep their scale. The step is a share of that norm, so that one rate suits these weights and SGD's.
A weight of norm 0 stays 0.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from striate.architectures.auxiliary import WithAuxiliary
from striate.architectures.network import Network

_QUINTIC = (3.4445, -4.7750, 2.0315)  # steep at 0, so that small singular values grow fast; ends within 0.7 to 1.2
_ITERATIONS = 5
_TINY = 1e-7
_WEIGHTED = (nn.modules.conv._ConvNd, nn.Linear)


class Muon(torch.optim.Optimizer):
    """Takes groups of parameters: `blocks` ≥ 1 is the number of matrices in each of its weights, 0 stands for SGD.

    SGD's decay is part of the gradient, as in torch.optim.SGD; orthogonal steps keep the norm, which leaves decay
    nothing to do. The state of each parameter is its `momentum_buffer`.
    """

    def __init__(
        self, params: Iterable[dict[str, Any]], *, lr: float, momentum: float = 0.9, nesterov: bool = True
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": 0.0, "blocks": 0}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of all parameters that have a gradient."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights and group["blocks"]:
                _step_orthogonally(weights, self._directions(weights, group, decay=0.0), group)
            elif weights:
                directions = self._directions(weights, group, decay=group["weight_decay"])
                torch._foreach_add_(weights, directions, alpha=-group["lr"])
        return loss

    def _directions(self, weights: list[Tensor], group: dict[str, Any], *, decay: float) -> tuple[Tensor, ...]:
        """Momentum, and with Nesterov's the gradient ahead of it."""
        gradients = tuple(weight.grad for weight in weights if weight.grad is not None)
        if decay:
            gradients = torch._foreach_add(gradients, weights, alpha=decay)
        for weight in weights:
            if "momentum_buffer" not in self.state[weight]:
                self.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
        buffers = tuple(self.state[weight]["momentum_buffer"] for weight in weights)
        torch._foreach_mul_(buffers, group["momentum"])
        torch._foreach_add_(buffers, gradients)
        return torch._foreach_add(gradients, buffers, alpha=group["momentum"]) if group["nesterov"] else buffers


def orthogonalise(matrices: Tensor) -> Tensor:
    """Matrices (B, K, N) with their singular values near 1, from 0.7 to 1.2, and the same singular vectors.

    X ← aX + (bA + cA²)X with A = XXᵀ, five times, from X = G/‖G‖: on a GPU in bfloat16, else as they are.
    Directions that are weaker than about 1/500 of the norm stay below 0.7, and a matrix of zeros stays one.
    """
    a, b, c = _QUINTIC
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + _TINY)
    for _ in range(_ITERATIONS):
        square = x @ x.mT  # (B, K, K), of the shorter side
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)


def hidden_weights(network: nn.Module) -> dict[nn.Parameter, int]:
    """The weights whose steps are orthogonal, each with its number of matrices: those of a convolution's groups."""
    layers = _weighted(network)
    heads = [network.head] if isinstance(network, Network) else [network]
    heads += network.auxiliary.values() if isinstance(network, WithAuxiliary) else []
    ends = layers[:1] + list(chain.from_iterable(_weighted(head)[-1:] for head in heads))
    outer = {layer.weight for layer in ends}
    return {layer.weight: getattr(layer, "groups", 1) for layer in layers if layer.weight not in outer}


def _weighted(module: nn.Module) -> list[Any]:
    return [layer for layer in module.modules() if isinstance(layer, _WEIGHTED)]


def _step_orthogonally(weights: list[Tensor], directions: tuple[Tensor, ...], group: dict[str, Any]) -> None:
    """Weights of the same shape together: many small products are one large one."""
    alike = defaultdict(list)
    for weight, direction in zip(weights, directions, strict=True):
        alike[weight.shape].append((weight, direction))
    for pairs in alike.values():
        own = [weight for weight, _ in pairs]
        steps = _orthogonal([direction for _, direction in pairs], group["blocks"])
        norms = torch._foreach_norm(own)
        torch._foreach_mul_(steps, norms)
        torch._foreach_add_(own, steps, alpha=-group["lr"])
        moved = torch._foreach_norm(own)
        torch._foreach_clamp_min_(moved, torch.finfo(moved[0].dtype).tiny)
        torch._foreach_mul_(own, torch._foreach_div(norms, moved))


def _orthogonal(directions: list[Tensor], blocks: int) -> list[Tensor]:
    """For each direction an orthogonal one of norm 1, nearly."""
    shape = directions[0].shape
    matrices = torch.stack(directions).reshape(len(directions) * blocks, shape[0] // blocks, -1)  # (B, K, N)
    rank = blocks * min(matrices.shape[1:])
    return list((orthogonalise(matrices) / rank**0.5).reshape(len(directions), *shape).unbind())
