"""Which layers of a network say what is shown, and which how it is painted, if nobody names them.

Source: Gatys, Ecker, Bethge 2016, CVPR, section 3: of VGG-19 conv1_1 to conv5_1 for style, conv4_2 for content; they
are taken behind their ReLU. In other networks: for style the last layer (padding apart) of each size of map, of 16
pixels a place at most (as conv5_1) and of 8 places a side at least, finest first; for content of these the one nearest
to 8 pixels a place (as conv4_2).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from torch import nn

from striate.description.trace import Module
from striate.errors import SettingsError
from striate.explain.layers import maps_of

_VGG = re.compile(r"(64 )+(128 )+(256 )+(512 )+")  # output channels of its convolutions, of 3×3 each
_SIZES, _CONTENT, _COARSEST, _PLACES = 5, 8, 16, 8


@dataclass(frozen=True)
class Layers:
    """Names as `describe` prints them."""

    content: tuple[str, ...]
    style: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys((*self.content, *self.style)))


def style_layers(network: nn.Module, image_shape: tuple[int, ...]) -> Layers:
    """By the rule, for images (C, H, W). Raises SettingsError if the network makes no map of such a size."""
    maps = {name: module for name, module in maps_of(network, image_shape).items() if name and "Pad" not in module.kind}
    if published := _of_vgg(network, maps):
        return published
    last: dict[int, str] = {}
    longer = max(image_shape[1:])
    for name, module in maps.items():
        places = max(module.output[1:])
        if places >= max(_PLACES, longer / _COARSEST):
            last[places] = name
    sides = sorted(last, reverse=True)
    if not sides:
        raise SettingsError(
            "the network makes no map of 8 places a side or more; name the layers of style and of content"
        )
    middle = min(sides, key=lambda places: abs(longer / places - _CONTENT))
    return Layers((last[middle],), tuple(last[places] for places in sides))


def _of_vgg(network: nn.Module, maps: Mapping[str, Module]) -> Layers | None:
    """The published layers, if the convolutions are VGG's."""
    convolutions = [name for name in maps if isinstance(network.get_submodule(name), nn.Conv2d)]
    widths = "".join(f"{maps[name].output[0]} " for name in convolutions)
    windows = {getattr(network.get_submodule(name), "kernel_size", None) for name in convolutions}
    if not _VGG.fullmatch(widths) or windows != {(3, 3)}:
        return None
    sizes = [list(names) for _, names in groupby(convolutions, key=lambda name: maps[name].output[1:])]
    if len(sizes) != _SIZES or len(sizes[3]) < 2:
        return None
    return Layers((_behind(network, maps, sizes[3][1]),), tuple(_behind(network, maps, names[0]) for names in sizes))


def _behind(network: nn.Module, maps: Mapping[str, Module], name: str) -> str:
    """The ReLU that comes next, or the one behind a batch norm; the layer itself if there is neither."""
    names = list(maps)
    after = names[names.index(name) + 1 :][:2]
    return next((other for other in after if isinstance(network.get_submodule(other), nn.ReLU)), name)
