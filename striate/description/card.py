"""The card of a network: a table of its layers, and the totals.

Conventions: one multiply-accumulate is one multiply, counted for one image; adding a bias is none. Activations are the
values of the input and of each convolution, pooling and fully connected layer; functions of single values (ReLU, tanh)
are taken to work in place. What was not counted is listed by name.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import nn

from striate.architectures.catalogue import CATALOGUE, Declaration, declare
from striate.checkpoints.model_file import load_checkpoint
from striate.description.trace import Operation, trace
from striate.errors import ModelFileError, SettingsError, UnknownNameError


@dataclass(frozen=True)
class Row:
    """One layer: `output` is (C, H, W) or (K,) of one image."""

    layer: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiplies: int
    activations: int


@dataclass(frozen=True)
class Card:
    """A network's rows and totals for one image."""

    name: str
    rows: tuple[Row, ...]
    parameters: int
    parameters_without_biases: int
    not_counted: tuple[str, ...]

    @property
    def multiplies(self) -> int:
        return sum(row.multiplies for row in self.rows)

    @property
    def activations(self) -> int:
        return sum(row.activations for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "name": self.name,
            "parameters": self.parameters,
            "parameters_without_biases": self.parameters_without_biases,
            "multiplies": self.multiplies,
            "activations": self.activations,
            "not_counted": list(self.not_counted),
            "rows": [asdict(row) for row in self.rows],
        }


def describe(
    network: str | Path | nn.Module,
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    size: int | tuple[int, int] | None = None,
) -> Card:
    """The card of a catalogue name, of a model file or run directory, or of any module (which needs its size).

    Raises UnknownNameError, ModelFileError, or SizeError if the network cannot take the size.

    >>> card = describe("lenet5")
    >>> card.parameters, card.multiplies, card.rows[1].output
    (61706, 416520, (6, 28, 28))
    """
    if isinstance(network, nn.Module):
        if size is None:
            raise SettingsError("a module does not say what images it takes: pass size=, and in_channels= if not 3")
        sides = (size, size) if isinstance(size, int) else size
        return _card(type(network).__name__, network, (in_channels or 3, *sides))
    if str(network) in CATALOGUE:
        declaration = declare(
            str(network), num_classes=10 if num_classes is None else num_classes, in_channels=in_channels, size=size
        )
    elif Path(network).exists():
        if (num_classes, in_channels, size) != (None, None, None):
            raise SettingsError("a model file has its classes, channels and size; give none of them with it")
        declaration = load_checkpoint(network).declaration
    elif str(network).endswith(".safetensors") or "/" in str(network):
        raise ModelFileError(f"there is no file {network}; expected a model file, a run directory or a model's name")
    else:
        raise UnknownNameError("model", str(network), CATALOGUE)
    return describe_network(declaration)


def describe_network(declaration: Declaration) -> Card:
    """The card of a declared network; no weights are allocated."""
    with torch.device("meta"):
        network = declaration.build()
    return _card(declaration.name, network, (declaration.in_channels, *declaration.size))


def _card(name: str, network: nn.Module, image_shape: tuple[int, int, int]) -> Card:
    operations, not_counted = trace(network, image_shape)
    sizes = {key: parameter.numel() for key, parameter in network.named_parameters()}
    biases = sum(count for key, count in sizes.items() if key.rpartition(".")[2] == "bias")
    return Card(
        name=name,
        rows=(Row("input", "image", image_shape, 0, 0, prod(image_shape)), *_rows(network, operations)),
        parameters=sum(sizes.values()),
        parameters_without_biases=sum(sizes.values()) - biases,
        not_counted=tuple(not_counted),
    )


def _rows(network: nn.Module, operations: list[Operation]) -> Iterator[Row]:
    """A row for each operation; a module's parameters stand in the row of its first."""
    told = set()
    for operation in operations:
        own = network.get_submodule(operation.module).parameters(recurse=False) if operation.module not in told else ()
        told.add(operation.module)
        yield Row(
            layer=operation.module or "(functional)",
            kind=operation.kind,
            output=operation.output,
            parameters=sum(parameter.numel() for parameter in own),
            multiplies=operation.multiplies,
            activations=operation.activations,
        )
