"""Whether two networks give the same on an example, but for rounding: what turns one into the other asks this.

Rounding errors of one network grow or cancel on their way; half of the digits of the number format are left to them.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from striate.layers.recording import as_it_stands, copied


def outputs(network: nn.Module, example: tuple[Any, ...]) -> list[Tensor]:
    """The floating point tensors that a network gives on the example, wherever they stand in its output."""
    with as_it_stands():
        leaves = tree_leaves(network(*copied(example)))
    return [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.is_floating_point() and not leaf.is_meta]


def largest_difference(given: list[Tensor], expected: list[Tensor]) -> float:
    """Of any output, as a part of its largest expected value; infinite where shapes differ or one alone is finite."""
    if [tensor.shape for tensor in given] != [tensor.shape for tensor in expected]:
        return math.inf
    return max(map(_difference, given, expected), default=0.0)


def _difference(given: Tensor, expected: Tensor) -> float:
    values, wanted = (tensor.to_dense().double() for tensor in (given, expected))
    finite = wanted.isfinite()
    apart = (values - wanted)[finite].abs().nan_to_num(math.inf, math.inf)
    return float(apart.max() / wanted[finite].abs().max()) if apart.any() else 0.0


def rounding(network: nn.Module, given: list[Tensor]) -> float:
    """√ε of the coarsest number format in a network that has parameters and in its outputs: what rounding may change.

    Other devices than the CPU multiply float32 with the digits of float16 unless they are told not to.
    """
    device = next(network.parameters()).device.type
    formats = {numbers.dtype for numbers in (*network.parameters(), *given) if numbers.is_floating_point()}
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        formats.add(torch.get_autocast_dtype(device))
    if device != "cpu":
        formats.add(torch.float16)
    return math.sqrt(max(torch.finfo(number_format).eps for number_format in formats))
