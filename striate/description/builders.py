"""Networks that users build: `package.module:function`, as `torchvision.models:resnet50` or a file of their own.

The function (or class) is called without arguments on the meta device, with `num_classes` if that was asked for and it
takes it; a module that stands there ready is taken as it is. Modules of the working directory count.
"""

import sys
import traceback
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import nn

from striate.errors import SettingsError


def built(reference: str, num_classes: int | None) -> nn.Module:
    """The network that a reference stands for. Raises SettingsError with what went wrong in it, and where."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        thing = _found(reference)
        return thing if isinstance(thing, nn.Module) else _called(reference, thing, num_classes)
    finally:
        sys.path.remove(here)


def _called(reference: str, thing: Any, num_classes: int | None) -> nn.Module:
    if not callable(thing):
        raise SettingsError(f"{reference} is of type {type(thing).__name__}; expected a function that builds a network")
    arguments = {} if num_classes is None else {"num_classes": num_classes}
    try:
        signature(thing).bind(**arguments)
    except TypeError as error:
        given = ", ".join(arguments) or "no argument"
        raise SettingsError(f"{reference} cannot be called with {given}: {error}; give it defaults") from error
    except ValueError:  # it has no signature that could be asked
        pass
    try:
        with torch.device("meta"):
            network = thing(**arguments)
    except Exception as error:
        raise SettingsError(f"{reference} raised {_told(error)}") from error
    if not isinstance(network, nn.Module):
        raise SettingsError(f"{reference} gives a {type(network).__name__}; expected a torch.nn.Module")
    return network


def _found(reference: str) -> Any:
    place, _, name = reference.partition(":")
    try:
        thing: Any = import_module(place)
        for part in name.split("."):
            thing = getattr(thing, part)
    except Exception as error:
        wanted = "expected package.module:function, which builds a network"
        raise SettingsError(f"{reference} cannot be imported: {_told(error)}; {wanted}") from error
    return thing


def _told(error: Exception) -> str:
    """The error's sentence, and the line that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {said} ({Path(last.filename).name}, line {last.lineno})"
