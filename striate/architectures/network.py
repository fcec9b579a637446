"""A network as every family gives it: stages of maps, one after another, and a head that makes scores of the last."""

from bisect import bisect_left
from collections import OrderedDict
from itertools import chain
from typing import NamedTuple, NoReturn

import torch
from torch import Tensor, nn
from torch.func import functional_call

from striate.architectures.architecture import Declaration
from striate.errors import SettingsError, SizeError

_LARGEST = 16_384  # pixels of a side


class Feature(NamedTuple):
    """The maps that a stage gives: (N, channels, H/stride, W/stride), rounded as its windows round."""

    name: str
    stride: int  # pixels of the image from one value to the next
    maps: Tensor

    @property
    def channels(self) -> int:
        return self.maps.shape[1]


class Network(nn.Sequential):
    """Stages by name, and last the `head`; each may be replaced by assigning to its name.

    >>> stages = nn.Sequential(OrderedDict(stem=nn.Conv2d(3, 8, kernel_size=3, stride=2)))
    >>> network = Network(stages, head=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)))
    >>> network(torch.zeros(1, 3, 9, 9)).shape
    torch.Size([1, 2])
    >>> [(name, stride, maps.shape[1]) for name, stride, maps in network.features(torch.zeros(1, 3, 9, 9))]
    [('stem', 2, 8)]
    """

    head: nn.Module

    def __init__(self, stages: nn.Sequential, head: nn.Module) -> None:
        super().__init__(OrderedDict(stages._modules | {"head": head}))
        self._stage_names = tuple(stages._modules)
        self._strides: tuple[tuple[int, ...], dict[str, int]] | None = None  # of which modules, and what they are

    def __getitem__(self, index: slice | int) -> nn.Sequential | nn.Module:
        return nn.Sequential(OrderedDict(self.stages._modules | {"head": self.head}))[index]

    def _as_it_is(self, *_: object) -> NoReturn:
        raise SettingsError("a Network keeps its stages and its head: assign another to a name, or take network[:]")

    __delitem__ = append = extend = insert = pop = _as_it_is  # type: ignore[assignment]

    @property
    def stages(self) -> nn.Sequential:
        """The stages alone, the same modules: `network.stages[:2].requires_grad_(False)` freezes the first two."""
        return nn.Sequential(OrderedDict((name, self.get_submodule(name)) for name in self._stage_names))

    def features(self, images: Tensor) -> list[Feature]:
        """The maps of every stage for images (N, C, H, W), with their strides."""
        maps = self.maps(images)
        return [Feature(name, self.strides[name], maps[name]) for name in maps]

    def maps(self, images: Tensor) -> dict[str, Tensor]:
        """The maps of every stage by its name."""
        maps = {}
        for name in self._stage_names:
            images = self.get_submodule(name)(images)
            maps[name] = _own(images)
        return maps

    @property
    def strides(self) -> dict[str, int]:
        """Rows of the image from one of a stage's maps to the next: what 512 more add; 0 if they add nothing."""
        modules = tuple(map(id, self.stages))
        if self._strides is None or self._strides[0] != modules:
            smaller, larger = (_maps_on_meta(self.stages, side) for side in (512, 1024))
            added = {name: larger[name].shape[2] - smaller[name].shape[2] for name in smaller}
            self._strides = modules, {name: round(512 / rows) if rows else 0 for name, rows in added.items()}
        return self._strides[1]


def left(asked: Declaration, stages: nn.Module) -> torch.Size:
    """Channels, height and width that stages leave of an image. Raises SizeError as `expect_to_fit` does.

    >>> left(Declaration("halves", 10, 3, (9, 16)), nn.MaxPool2d(2))
    torch.Size([3, 4, 8])
    """
    expect_to_fit(asked, stages)
    return on_meta(stages, _images(asked.in_channels, *asked.size)).shape[1:]


def expect_to_fit(asked: Declaration, network: nn.Module) -> None:
    """Raise SizeError if a side is too small, naming the layer that does not fit and the smallest side that all fit on.

    >>> expect_to_fit(Declaration("halves", 10, 3, (9, 16)), nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2)))
    """
    channels = asked.in_channels
    for side in dict.fromkeys(asked.size):
        if _fits(network, channels, side):
            continue
        name, layer, values = _last_entered(network, _images(channels, side, side))
        window = getattr(layer, "kernel_size", None)
        raise SizeError(
            f"{asked.name} cannot take a side of {side} pixels: at {name} {values.shape[-1]} are left, too few"
            + (f" for its window of {window[0] if isinstance(window, tuple) else window}" if window else "")
            + f"; use a size of {_smallest(network, channels, side)} or more"
        )


def on_meta(module: nn.Module, values: Tensor) -> Tensor:
    """What a module makes of values on the meta device, wherever its own tensors are; it is left as it was."""
    tensors = chain(module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False))
    shapes = {
        name: torch.empty(
            tensor.shape, dtype=torch.float32 if tensor.is_floating_point() else tensor.dtype, device="meta"
        )
        for name, tensor in tensors
    }
    with torch.no_grad():
        result: Tensor = functional_call(module, shapes, (values,))
    return result


def _images(channels: int, height: int, width: int) -> Tensor:
    """Two, since batch normalisation does not train on one."""
    return torch.empty(2, channels, height, width, dtype=torch.float32, device="meta")


def _fits(network: nn.Module, channels: int, side: int) -> bool:
    try:
        on_meta(network, _images(channels, side, side))
    except (RuntimeError, SizeError):  # of a window that is larger than what it looks at
        return False
    return True


def _smallest(network: nn.Module, channels: int, too_small: int) -> int:
    """The smallest side that a network takes."""
    enough = 2 * too_small
    while enough < _LARGEST and not _fits(network, channels, enough):
        enough *= 2
    on_meta(network, _images(channels, enough, enough))  # raises torch's own error if it is not the size
    sides = range(too_small + 1, enough)
    return too_small + 1 + bisect_left(sides, True, key=lambda side: _fits(network, channels, side))


def _last_entered(network: nn.Module, images: Tensor) -> tuple[str, nn.Module, Tensor]:
    """The layer in which a network fails, its name, and what it was given."""
    entered: list[tuple[str, nn.Module, Tensor]] = []

    def watch(name: str, layer: nn.Module) -> torch.utils.hooks.RemovableHandle:
        return layer.register_forward_pre_hook(lambda layer, inputs: entered.append((name, layer, inputs[0])))

    hooks = [watch(name, layer) for name, layer in network.named_modules()]
    try:
        on_meta(network, images)
    except (RuntimeError, SizeError):
        return entered[-1]
    finally:
        for hook in hooks:
            hook.remove()
    raise AssertionError("a network that does not fit has no layer that fails")


def _maps_on_meta(stages: nn.Sequential, side: int) -> dict[str, Tensor]:
    maps = {}
    channels = (layer.in_channels for layer in stages.modules() if isinstance(layer, nn.Conv2d))
    values = _images(next(channels, 1), side, side)
    for name, stage in zip(stages._modules, stages, strict=True):
        values = on_meta(stage, values)
        maps[name] = _own(values)
    return maps


def _own(given: Tensor | tuple[Tensor, ...]) -> Tensor:
    """A stage's own maps: the last of those that it hands on."""
    return given if isinstance(given, Tensor) else given[-1]
