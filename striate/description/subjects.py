"""What can be described: a module, a catalogue name, a layer pattern, a model file, or `package.module:function`."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from striate.architectures.catalogue import CATALOGUE, Declaration, declare
from striate.architectures.patterns.pattern import is_pattern
from striate.checkpoints.model_file import load_checkpoint
from striate.errors import ModelFileError, SettingsError, UnknownNameError

Size = int | tuple[int, ...]
_SIDE = 16_384  # pixels; more is a slip of the keyboard


@dataclass(frozen=True)
class Subject:
    """A network by name, the images (in_channels, *size) that it takes, and how to build it for a size."""

    name: str
    in_channels: int
    size: tuple[int, ...]
    build: Callable[[tuple[int, ...]], nn.Module]

    def network(self) -> nn.Module:
        """The network for its size."""
        return self.build(self.size)

    def at(self, size: tuple[int, ...]) -> "Subject":
        """The same for images of another size."""
        return replace(self, size=size)


def subject(
    network: str | Path | nn.Module, size: Size | None, *, num_classes: int | None, in_channels: int | None
) -> Subject:
    """What `network` stands for; nothing of it is allocated, unless it is a module already.

    Raises UnknownNameError, ModelFileError, PatternError or SettingsError with a sentence.
    """
    sides = _sides(size)
    if isinstance(network, nn.Module):
        module = getattr(network, "_orig_mod", network)  # what torch.compile wraps
        return Subject(type(module).__name__, in_channels or 3, _given(sides), lambda _: module)
    text = str(network)
    if text in CATALOGUE or is_pattern(text):
        return of_declaration(declare(text, num_classes=num_classes, in_channels=in_channels, size=_plane(sides)))
    if Path(network).exists():
        if (num_classes, in_channels, size) != (None, None, None):
            raise SettingsError("a model file has its classes, channels and size; give none of them with it")
        return of_declaration(load_checkpoint(network).declaration)
    if text.endswith(".safetensors") or "/" in text:
        raise ModelFileError(f"there is no file {network}; expected a model file, a run directory or a model's name")
    if ":" in text:
        return Subject(text, in_channels or 3, _given(sides), _function(text, num_classes))
    raise UnknownNameError("model", text, CATALOGUE)


def of_declaration(declaration: Declaration) -> Subject:
    """A declared network, built anew for each size."""

    def build(size: tuple[int, ...]) -> nn.Module:
        with torch.device("meta"):
            return replace(declaration, size=_plane(size) or declaration.size).build()

    return Subject(declaration.name, declaration.in_channels, declaration.size, build)


def _sides(size: Size | None) -> tuple[int, ...] | None:
    if size is None:
        return None
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if not 1 <= len(sides) <= 3 or not all(isinstance(side, int) and 1 <= side <= _SIDE for side in sides):
        raise SettingsError(f"size is {size}; expected one to three whole numbers of pixels from 1 to {_SIDE:,}")
    return sides


def _given(sides: tuple[int, ...] | None) -> tuple[int, ...]:
    if sides is None:
        raise SettingsError("a module does not say what images it takes: pass size=, and in_channels= if not 3")
    return sides


def _plane(sides: tuple[int, ...] | None) -> tuple[int, int] | None:
    if sides is None:
        return None
    if len(sides) != 2:
        raise SettingsError(f"size is {sides}; expected height and width, or one number for both")
    return sides[0], sides[1]


def _function(text: str, num_classes: int | None) -> Callable[[tuple[int, ...]], nn.Module]:
    """A function that builds a network, as `torchvision.models:resnet50`; modules of the working directory count."""
    place, _, name = text.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        function: Any = import_module(place)
        for part in name.split("."):
            function = getattr(function, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"{text!r}: {error}; expected package.module:function, which builds a network") from error
    finally:
        sys.path.remove(here)

    def build(_size: tuple[int, ...]) -> nn.Module:
        with torch.device("meta"):
            network = function(**({} if num_classes is None else {"num_classes": num_classes}))
        if not isinstance(network, nn.Module):
            raise SettingsError(f"{text!r} gives a {type(network).__name__}; expected a torch.nn.Module")
        return network

    return build
