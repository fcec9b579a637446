"""A fully connected layer is a convolution whose window covers all of its input: as one, it slides over larger images.

Source: LeCun et al. 1998 (C5 of LeNet-5); Sermanet et al. 2013 (OverFeat), arXiv:1312.6229, section 3.5; Long et al.
2014, arXiv:1411.4038, section 3.1. Letters: C H W the maps that the first fully connected layer sees, K its outputs.
"""

from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy
from math import prod
from typing import TypeGuard

from torch import nn
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd

from striate.errors import SettingsError, SizeError
from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.pairs import has_hooks
from striate.layers.squeeze import SqueezeExcitation

_EACH_VALUE = (  # what does the same to each value by itself
    *(nn.Identity, nn.Dropout, nn.AlphaDropout, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU),
    *(nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish),
    *(nn.Softplus, nn.Softsign, nn.Softshrink, nn.Hardshrink, nn.Tanhshrink, nn.Threshold),
)

_SHARES = (nn.Softmax, nn.LogSoftmax, nn.Softmin)
_ADAPTIVE = (_AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd)
_ALL_PLACES = (*_ADAPTIVE, _InstanceNorm, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, SqueezeExcitation, LocallyConnected2d)
_TURNED = (nn.Flatten, nn.Linear)
_OTHERWISE = "on maps it would do something else than on a line of values; give the part of the network without it"


def as_convolution(layer: nn.Module, shape: tuple[int, int, int]) -> nn.Module:
    """A fully connected layer, or a sequence that ends in some, as convolutions with the same numbers, copied.

    `shape` is (C, H, W) of the maps that the first fully connected layer sees. nn.Linear(C·H·W, K) becomes
    nn.Conv2d(C, K, (H, W)), its weights in the order in which nn.Flatten lays values. In an nn.Sequential, nested ones
    too, nn.Flatten becomes nn.Identity, later fully connected layers become 1×1 convolutions and nn.BatchNorm1d
    nn.BatchNorm2d; what stands before is copied as it is, and every module keeps its name.

    On an image of the original size the outputs (N, K) are (N, K, 1, 1). On a larger one there is one output (K,) for
    each place of the original size, in steps of the network's stride, and it equals what the original gives on that
    crop if no layer pads (LeNet-5; AlexNet and VGG see zeros around a crop where the larger image has pixels) and each
    looks through a window that slides. Modules of torch and of this package that look at all places, or count from the
    last one, are refused; a module of another kind before the flattening is taken at its word.

    Raises SizeError if C·H·W is not what a layer takes, SettingsError for a shape that is none, a sequence without a
    fully connected layer, hooks on what is turned, and a module that cannot be: such as an adaptive pooling, after
    which nothing slides, or a container of fully connected layers that is no plain nn.Sequential.

    >>> as_convolution(nn.Sequential(nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 10)), (16, 5, 5))
    Sequential(
      (0): Identity()
      (1): Conv2d(16, 120, kernel_size=(5, 5), stride=(1, 1))
      (2): Tanh()
      (3): Conv2d(120, 10, kernel_size=(1, 1), stride=(1, 1))
    )
    """
    if not isinstance(shape, Sequence) or len(shape) != 3 or not all(isinstance(n, int) and n > 0 for n in shape):
        raise SettingsError(f"shape is {shape!r}; expected (C, H, W), what the first fully connected layer sees")
    if type(layer) is not nn.Linear and not _is_sequence(layer):
        raise SettingsError(f"{type(layer).__name__} is no nn.Linear and no nn.Sequential; give the part of it that is")
    turned = _Turner(*shape).turn(layer, "")
    if not any(isinstance(part, nn.Linear) for part in layer.modules()):
        raise SettingsError("the nn.Sequential has no nn.Linear, and so nothing to turn; give the part that has one")
    return turned


class _Turner:
    """Turns modules in the order in which they run: those of maps up to a flattening, then those of values."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        self._shape = channels, height, width  # of what comes next, once flattening is undone
        self._flat = False

    def turn(self, module: nn.Module, name: str) -> nn.Module:
        """The module as one of maps, in the same mode; `name` is for sentences."""
        turned = self._turned(module, name)
        turned.training = module.training
        return turned

    def _turned(self, module: nn.Module, name: str) -> nn.Module:
        if reason := self._why_not(module):
            raise SettingsError(f"{type(module).__name__}{_called(name)} cannot be turned: {reason}")
        if _is_sequence(module):
            children = zip(module._modules, module, strict=True)  # named_children() skips what stands there twice
            return nn.Sequential(OrderedDict((key, self.turn(child, f"{name}.{key}")) for key, child in children))
        if type(module) is nn.Flatten:
            self._flat = True
            return nn.Identity()
        if type(module) is nn.Linear:
            return self._convolution(module, name)
        copied = deepcopy(module)
        if type(copied) is nn.BatchNorm1d:  # differs from the other in the axes that it takes, and in nothing else
            copied.__class__ = nn.BatchNorm2d  # type: ignore[assignment]
        return copied

    def _convolution(self, layer: nn.Linear, name: str) -> nn.Conv2d:
        channels, height, width = self._shape
        if prod(self._shape) != layer.in_features:
            raise SizeError(
                f"nn.Linear{_called(name)} takes {layer.in_features} values, and maps of {channels}×{height}×{width} "
                f"have {prod(self._shape)}: give the (C, H, W) that the first fully connected layer sees"
            )
        made = nn.Conv2d(channels, layer.out_features, (height, width), device="meta")
        numbers = layer.weight.detach().clone().view(-1, *self._shape)  # (K, C, H, W)
        made.weight, made.bias = nn.Parameter(numbers, layer.weight.requires_grad), deepcopy(layer.bias)
        self._shape, self._flat = (layer.out_features, 1, 1), True
        return made

    def _why_not(self, module: nn.Module) -> str:
        """Why a module cannot become one of maps that gives on a crop what it gives on the crop alone; "" if it can."""
        if type(module) in _TURNED or _is_sequence(module):
            if has_hooks(module):
                return "its hooks would see other values, or nothing; take them away first"
            whole = not isinstance(module, nn.Flatten) or (module.start_dim == 1 and module.end_dim in (-1, 3))
            return "" if whole else _OTHERWISE
        if not all(map(_slides, module.modules())):
            return "it looks at all places of its maps, or counts from the last one; take one of a window that slides"
        if any(isinstance(part, nn.Linear | nn.Flatten) for part in module.modules()):
            return "it is or holds an nn.Linear or nn.Flatten with a class of its own; take torch's and nn.Sequential"
        return "" if self._stays(module) else _OTHERWISE

    def _stays(self, module: nn.Module) -> bool:
        """Whether a module does to maps what it does to the values that they are flattened to."""
        before = not self._flat and type(module) is not nn.BatchNorm1d
        one_place = self._shape[1:] == (1, 1) and getattr(module, "dim", 1) == 1
        knows_channels = type(module) in (nn.BatchNorm1d, nn.PReLU, *_SHARES)  # on axis 1
        return before or isinstance(module, _EACH_VALUE) or (one_place and knows_channels)


def _slides(module: nn.Module) -> bool:
    """Whether a module of maps may give on a crop the crop of what it gives: not if it is known not to."""
    if isinstance(module, _SHARES):
        return module.dim in (1, -3)
    if isinstance(module, nn.Upsample):
        return module.size is None
    return not isinstance(module, _ALL_PLACES) and not getattr(module, "ceil_mode", False)


def _is_sequence(module: nn.Module) -> TypeGuard[nn.Sequential]:
    """An nn.Sequential, also of a class of its own that runs as one."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _called(name: str) -> str:
    return f" {name.lstrip('.')!r}" if name else ""
