"""Backward through a network by another rule at its rectifiers.

The rule is set on the graph of the run itself, so that it meets every ReLU: a module, one that works in place, one that
is used twice, or a call of `torch.relu`. Hooks on modules, the usual way, miss the last and give the plain gradient.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from striate.errors import StriateError
from striate.explain.aim import Aim, aimed

Rule = Callable[[Tensor, Tensor], Tensor]  # from what the ReLU's own backward gives and what it was given


def backward_by(rule: Rule, network: nn.Module, images: Tensor, aim: Aim) -> Tensor:
    """What comes back at the pixels (N, C, H, W) if each ReLU and ReLU6 hands on `rule(gradient in, gradient out)`.

    Raises StriateError if the network has no such rectifier.
    """
    with torch.inference_mode(False), torch.enable_grad():
        pixels = images.detach().clone().requires_grad_()
        total = aimed(network, pixels, aim).sum()
        nodes = list(_graph(total))
        rectifiers = [node for node in nodes if _rectifies(node)]
        if not rectifiers:
            raise StriateError(
                f"the network has no ReLU, through which alone this method differs from the gradient{_others(nodes)}: "
                "ask for saliency or integrated_gradients"
            )
        handles = [node.register_hook(lambda inner, outer: (rule(inner[0], outer[0]),)) for node in rectifiers]
        try:
            (came_back,) = torch.autograd.grad(total, pixels)
        finally:
            for handle in handles:
                handle.remove()
    return came_back


def _graph(value: Tensor) -> Iterator[Any]:
    """Each node of the graph behind a value, once."""
    waiting, met = [value.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in met:
            met.add(node)
            yield node
            waiting += [parent for parent, _ in node.next_functions]


def _rectifies(node: Any) -> bool:
    """ReLU, ReLU6 and a clamp from 0."""
    name = _operation(node)
    return (
        name == "Relu"
        or (name == "Hardtanh" and node._saved_min_val == 0)
        or (name in {"Clamp", "ClampMin"} and (getattr(node, "_saved_min", None) == 0))
    )


def _operation(node: Any) -> str:
    return re.sub(r"Backward\d*$", "", node.name())


_ACTIVATIONS = {"Silu", "Gelu", "Hardswish", "Tanh", "Sigmoid", "Elu", "LeakyRelu", "Mish", "Softplus", "Hardtanh"}


def _others(nodes: list[Any]) -> str:
    used = sorted({_operation(node) for node in nodes} & _ACTIVATIONS)
    return f" (it uses {', '.join(used)})" if used else ""
