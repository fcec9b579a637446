"""What a network has between its images and its scores, for methods that look there: any module, watched as it runs.

A layer is named as in `network.named_modules()` and as `describe` prints it. Without a name it is the last map that the
network makes, wherever it makes it: in a module or in a call of its own forward. A module that runs several times is
seen as it ran last. What it made is kept from operations that overwrite it, as the ReLU that works in place.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from striate.description.meta import in_mode_of
from striate.description.trace import Module, trace
from striate.errors import SettingsError, SizeError, UnknownNameError


@dataclass
class Watched:
    """What a layer made in the run inside `watching`; None if it has not run."""

    layer: str | None
    made: Tensor | None = None

    def maps(self) -> Tensor:
        """Maps (N, C, H, W) with more than one place each. Raises SizeError if it made something else, or nothing."""
        where = "the network" if self.layer is None else f"layer {self.layer!r}"
        if self.made is None:
            raise SizeError(f"{where} made nothing for these images; choose a layer that runs (`striate describe`)")
        if self.made.dim() != 4 or max(self.made.shape[2:]) == 1:
            shape = "×".join(map(str, self.made.shape[1:]))
            raise SizeError(f"{where} makes {shape} for an image, no map with places; choose a layer before pooling")
        return self.made


@contextmanager
def watching(network: nn.Module, layer: str | None = None) -> Iterator[Watched]:
    """See what a layer makes, or without a name the last map of all, while the network runs as in use.

    Raises UnknownNameError if there is no such layer.
    """
    watched = Watched(layer)
    module = None if layer is None else module_of(network, layer)
    with in_mode_of(network, training=False), torch.inference_mode(False), torch.enable_grad():
        if module is None:
            with _LastMap(watched):
                yield watched
            return
        handle = module.register_forward_hook(lambda _module, _inputs, output: _kept(watched, output))
        try:
            yield watched
        finally:
            handle.remove()


def module_of(network: nn.Module, layer: str) -> nn.Module:
    """The module of that name. Raises UnknownNameError with the nearest names, SettingsError for the network itself."""
    modules: dict[str, nn.Module] = dict(network.named_modules())
    if not layer:
        raise SettingsError(f"a layer has a name, which stands empty; the network has {', '.join(list(modules)[1:7])}…")
    if layer not in modules:
        raise UnknownNameError("layer", layer, list(modules)[1:], listed_by="striate describe MODEL")
    return modules[layer]


def maps_of(network: nn.Module, image_shape: tuple[int, ...]) -> Mapping[str, Module]:
    """The modules that make maps (C, H, W) of more than one place from an image (C, H, W), in the order they run.

    Each with its class, output and receptive field.
    """
    modules = trace(network, image_shape).modules
    return {name: module for name, module in modules.items() if len(module.output) == 3 and max(module.output[1:]) > 1}


def _kept(watched: Watched, output: Any) -> Any:
    """Keep what a module made, and hand on a copy, which may be overwritten."""
    if not isinstance(output, Tensor):
        return output
    watched.made = output
    return output.clone()


class _LastMap(TorchFunctionMode):
    """Keeps the last map with more than one place that any call of torch made; the images themselves are none."""

    def __init__(self, watched: Watched) -> None:
        super().__init__()
        self.watched = watched
        self._maps: set[int] = set()  # where they lie: what changes one in place gives it again

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = {value.data_ptr() for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)} - self._maps
        result = func(*args, **(kwargs or {}))
        for made in tree_leaves(result):
            if (
                isinstance(made, Tensor)
                and made.dim() == 4
                and max(made.shape[2:]) > 1
                and made.data_ptr() not in given
            ):
                self.watched.made = made
                self._maps.add(made.data_ptr())
        return result
