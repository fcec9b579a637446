"""Batch norm in evaluation is one multiplication and one addition for each channel: fold them into the layer before it.

Source: Ioffe, Szegedy 2015, arXiv:1502.03167, section 3.1 and algorithm 2; Jacob et al. 2017, arXiv:1712.05877, section
3.2. Letters: γ and β the learned scale and shift, μ and σ² the running statistics, W and b the weights of the layer.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvTransposeNd

from striate.errors import SettingsError
from striate.layers.agreement import largest_difference, outputs, rounding
from striate.layers.pairs import Layer, in_evaluation, pairs_of

_FOLDED = "on the example the folded network"
_ASKS = "its forward asks about its modules, or its numbers bear no rounding; fold the parts of it without either"


def fold(network: nn.Module, *example: Tensor) -> nn.Module:
    """A copy of the network, in evaluation mode, whose batch norms are merged into the layers before them.

    With s = γ / √(σ² + ε), each convolution (of 1 to 3 dimensions, transposed too) or fully connected layer in a pair
    gets W' = W·s and b' = (b − μ)·s + β, computed in float64 and rounded to the type of W; nn.Identity takes the place
    of batch norm, or an nn.Sequential of the children that it calls afterwards. The network is run on the example to
    find the pairs; `foldable` lists them, and says what stays as it is. What is a pair on the example is taken for
    one on every input: a network whose forward goes another way for other values or shapes is not for folding.

    The outputs are those of `network.eval()` but for rounding: on the example that is checked, to √ε of the number
    format and of each output's largest value, unless the network itself gives one thing now and another then. Neither
    the network nor its mode nor the example is changed.

    Raises SettingsError as `foldable` does, and if the outputs differ: a forward that asks whether a module is batch
    norm, or whether a layer has a bias, goes another way now. Errors that the network itself raises on the example come
    through.

    >>> network = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())
    >>> fold(network, torch.zeros(1, 3, 32, 32))
    Sequential(
      (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))
      (1): Identity()
      (2): ReLU()
    )
    """
    folded = in_evaluation(network)
    if not (pairs := pairs_of(folded, example)):
        return folded
    expected = outputs(folded, example)
    for layer, norm in pairs:
        with torch.inference_mode(False), torch.no_grad():
            _merge(layer, *_scale_and_shift(norm))
        children = OrderedDict(norm.named_children())
        _become(norm, nn.Sequential(children) if children else nn.Identity())
    _expect_agreement(folded, expected, network, example)
    return folded


def _expect_agreement(
    folded: nn.Module, expected: list[Tensor], network: nn.Module, example: tuple[Tensor, ...]
) -> None:
    try:
        given = outputs(folded, example)
    except Exception as error:  # whatever comes, it did not come before
        why = f"fails ({type(error).__name__}: {str(error).partition(chr(10))[0]})"
        raise SettingsError(f"{_FOLDED} {why}: {_ASKS}") from error
    different, allowed = largest_difference(given, expected), rounding(folded, expected)
    if different > allowed:
        same = in_evaluation(network)
        if largest_difference(outputs(same, example), outputs(same, example)) <= allowed:
            raise SettingsError(f"{_FOLDED} differs by {different:.2g} of its largest output: {_ASKS}")


def _scale_and_shift(norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """γ/√(σ²+ε) and β − μγ/√(σ²+ε), (K,) each, in float64."""
    exact = {name: numbers.double() for name, numbers in norm.state_dict().items()}
    scale = exact.get("weight", 1) * (exact["running_var"] + norm.eps).rsqrt()
    return scale, exact.get("bias", 0) - exact["running_mean"] * scale


def _merge(layer: Layer, scale: Tensor, shift: Tensor) -> None:
    weight = layer.weight
    bias = shift if layer.bias is None else layer.bias.double() * scale + shift  # (K,)
    layer.weight = _like(weight, weight.double() * _beside(weight, scale, layer))
    layer.bias = _like(weight, bias)


def _like(weight: Tensor, numbers: Tensor) -> nn.Parameter:
    return nn.Parameter(numbers.to(weight.dtype), weight.requires_grad)


def _beside(weight: Tensor, scale: Tensor, layer: Layer) -> Tensor:
    """The scale (K,) laid out so that it multiplies the weights of its output channel."""
    if isinstance(layer, _ConvTransposeNd):  # (C, K/groups, *window): the rows of a group make its own channels
        of_groups = scale.view(layer.groups, -1)  # (groups, K/groups)
        rows = of_groups.repeat_interleave(layer.in_channels // layer.groups, dim=0)  # (C, K/groups)
    else:
        rows = scale.view(-1, 1)  # (K, 1), for (K, C/groups, *window)
    return rows.view(*rows.shape, *(1,) * (weight.dim() - 2))


def _become(module: nn.Module, other: nn.Module) -> None:
    """Make of a module another one, wherever it is held: under two names, in a plain list, by a bound method."""
    module.__class__, module.__dict__ = type(other), other.eval().__dict__
