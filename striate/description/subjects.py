"""What can be described: a module, a catalogue name, a layer pattern, a model file, or `package.module:function`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import build, declare, is_known, unknown
from striate.checkpoints.model_file import load_checkpoint
from striate.description.builders import built
from striate.errors import ModelFileError, SettingsError, expect_whole

Size = int | str | tuple[int, ...]
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


def subject(
    network: str | Path | nn.Module, size: Size | None, *, num_classes: int | None, in_channels: int | None
) -> Subject:
    """What `network` stands for; nothing of it is allocated, unless it is a module already.

    A text may end in @SIZE, as resnet50@160. Raises UnknownNameError, ModelFileError, PatternError or SettingsError.
    """
    channels = 3 if in_channels is None else in_channels
    expect_whole("in_channels", channels, 100_000)
    if num_classes is not None:
        expect_whole("num_classes", num_classes, 1_000_000)
    if isinstance(network, nn.Module):
        if num_classes is not None:
            raise SettingsError("a module has its classes already; leave num_classes out")
        return Subject(type(_bare(network)).__name__, channels, _given(_sides(size)), lambda _: _bare(network))
    if not isinstance(network, str | Path) or not str(network).strip():
        what = "an empty text" if isinstance(network, str) else f"a {type(network).__name__}"
        raise SettingsError(f"{what} is no network; expected a module, a name, a pattern, a model file or a run")
    if Path(network).exists():
        return _of_file(Path(network), _sides(size), (num_classes, in_channels))
    text, at, own_size = str(network).rpartition("@")
    if not at:
        text = own_size
    sides = _sides(own_size if at else size)
    if is_known(text):
        return of_declaration(declare(text, num_classes=num_classes, in_channels=in_channels, size=_plane(sides)))
    if text.endswith(".safetensors") or "/" in text:
        raise ModelFileError(f"there is no file {network}; expected a model file, a run directory or a model's name")
    if ":" in text:
        return Subject(text, channels, _given(sides), lambda _: _bare(built(text, num_classes)))
    raise unknown(text)


def _bare(network: nn.Module) -> nn.Module:
    """What torch.compile and nn.DataParallel wrap."""
    inner = network.module if isinstance(network, nn.DataParallel) else getattr(network, "_orig_mod", network)
    return inner if isinstance(inner, nn.Module) else network


def of_declaration(declaration: Declaration) -> Subject:
    """A declared network, built anew for each size."""

    def at_size(size: tuple[int, ...]) -> nn.Module:
        with torch.device("meta"):
            return build(replace(declaration, size=_plane(size) or declaration.size))

    return Subject(declaration.name, declaration.in_channels, declaration.size, at_size)


def _of_file(path: Path, sides: tuple[int, ...] | None, others: tuple[int | None, int | None]) -> Subject:
    """A trained network: its layers are as they were trained, so that not every size may suit them."""
    if path.suffix == ".py":
        raise SettingsError(f"{path} is a Python file; write {path.stem}:function, which builds a network")
    declaration = load_checkpoint(path).declaration
    if others != (None, None):
        raise SettingsError("a model file has its classes and channels; give neither with it")
    trained = of_declaration(declaration)
    return replace(trained, size=sides or trained.size, build=lambda _: trained.build(trained.size))


def _sides(size: Any) -> tuple[int, ...] | None:
    """A size as it is given: 224, "240x320", (240, 320)."""
    if size is None:
        return None
    sides = size
    if isinstance(size, str):
        parts = [part.strip() for part in size.lower().replace("×", "x").split("x")]
        sides = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 9]
        sides = sides if len(sides) == len(parts) else ()
        sides = sides * 2 if len(sides) == 1 else sides
    elif isinstance(size, int) and not isinstance(size, bool):
        sides = (size, size)
    plain = isinstance(sides, tuple | list) and 1 <= len(sides) <= 3
    if plain and all(isinstance(side, int) and 1 <= side <= _SIDE for side in sides):
        return tuple(sides)
    given = repr(size) if isinstance(size, int | str | tuple) else f"a {type(size).__name__}"
    raise SettingsError(
        f"size is {given}; expected pixels from 1 to {_SIDE:,}, as 224, or 240x320 with the height first, "
        "without the channels"
    )


def _given(sides: tuple[int, ...] | None) -> tuple[int, ...]:
    if sides is None:
        raise SettingsError(
            "a module does not say what images it takes: give their size (--size 224 or @224, in Python size=224), and "
            "in_channels if not 3"
        )
    return sides


def _plane(sides: tuple[int, ...] | None) -> tuple[int, int] | None:
    if sides is None:
        return None
    if len(sides) != 2:
        raise SettingsError(f"size is {sides}; expected height and width, or one number for both")
    return sides[0], sides[1]
