"""In which number format the products of a training step are taken: bfloat16 where the machine multiplies it faster.

bfloat16 is float32 without its last 16 bits: the same range, 8 bits of precision, so no loss has to be scaled. Weights,
statistics and the loss stay in float32; only convolutions and matrix products round (Kalamkar et al. 2019, "A study of
BFLOAT16 for deep learning training", arXiv:1905.12322). The measurements behind the numbers here: docs/machine.md.
"""

from copy import deepcopy
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from striate.errors import SettingsError

NUMBER_FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
ASKED = "asked for"
_NONE = "this device multiplies no shorter format faster"
_ENOUGH = 100  # multiplies for each value that a layer gives: below, rounding costs more than the products save
_ENOUGH_FOR_A_STEP = 5_000_000  # multiplies for an image: below, the calls take the time


def asked_number_format(asked: str) -> tuple[torch.dtype, str]:
    """The format asked for, or with "auto" float32 until a network is known, and why.

    Raises SettingsError for a format that is unknown.
    """
    if asked != "auto":
        if asked not in NUMBER_FORMATS:
            raise SettingsError(f"number_format is {asked!r}; expected one of auto, {', '.join(NUMBER_FORMATS)}")
        return NUMBER_FORMATS[asked], ASKED
    return torch.float32, "until a network is trained, for which what is faster is found"


def number_format_for(network: nn.Module, shape: tuple[int, int, int], device: torch.device) -> tuple[torch.dtype, str]:
    """The format in which a network trains faster on images (C, H, W) of this shape, and why."""
    units = _short_units(device)
    if units is None:
        return torch.float32, _NONE
    multiplies, values = _work(network, shape)
    if multiplies < _ENOUGH_FOR_A_STEP:
        return torch.float32, f"an image takes {multiplies:,} multiplies, too few for a shorter format to pay"
    if multiplies < _ENOUGH * values:
        return torch.float32, f"{multiplies // values} multiplies for a value; a shorter format pays from {_ENOUGH} on"
    return torch.bfloat16, f"{units}; weights, statistics and the loss stay float32, and so does inference"


def _short_units(device: torch.device) -> str | None:
    """What multiplies bfloat16 faster than float32 on the device, if something does."""
    if device.type == "cuda":
        tensor_cores = torch.cuda.is_available() and torch.cuda.get_device_capability(device) >= (8, 0)
        return "tensor cores multiply bfloat16 faster" if tensor_cores else None
    found = torch.cpu.get_capabilities()
    units = {"amx_bf16": "AMX", "avx512_bf16": "AVX512"}
    return next((f"{unit} multiplies bfloat16 faster" for name, unit in units.items() if found.get(name)), None)


def _work(network: nn.Module, shape: tuple[int, int, int]) -> tuple[int, int]:
    """Multiplies of the convolutions and fully connected layers for one image, and the values that they give."""
    multiplies = values = 0

    def count(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        nonlocal multiplies, values
        values += output.numel()
        multiplies += output.numel() * prod(layer.get_parameter("weight").shape[1:])

    counted = deepcopy(network).to("meta").eval()
    for layer in counted.modules():
        if isinstance(layer, _ConvNd | nn.Linear):
            layer.register_forward_hook(count)
    with torch.no_grad():
        counted(torch.empty(1, *shape, device="meta"))
    return multiplies, max(values, 1)
