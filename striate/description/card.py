"""The card of a network: a table of its layers, the totals, and what memory it takes.

Conventions: one multiply-accumulate is one multiply, counted for one image; adding a bias is none. Activations are the
values of the input and of each convolution, pooling, upsampling, fully connected layer and matrix product; functions of
single values (ReLU, tanh, batch normalisation) are taken to work in place. What was not counted is listed by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from math import prod
from typing import Any

from torch import nn

from striate.arithmetic.memory import NUMBER_FORMATS, written_bytes
from striate.description.memory import Conditions, Memory, memory_of
from striate.description.page import Table, Tabled
from striate.description.rows import Row, cells, row_of, together, unused_row
from striate.description.trace import Map, Module, trace


@dataclass(frozen=True, repr=False)
class Card(Tabled):
    """A network's rows and totals for one image, and its memory for a batch. Printed, it is the table."""

    name: str
    rows: tuple[Row, ...]
    parameters: int
    parameters_without_biases: int
    unused: tuple[str, ...]  # parameters that the run did not need
    not_counted: tuple[str, ...]  # operations
    not_followed: tuple[str, ...]  # what depends on the values of tensors
    fields_lost: tuple[str, ...]  # operations behind which the receptive field is not known
    values_read: tuple[int, int]  # parameters, and values of one image that go in and out of the counted operations
    memory: Memory
    last_map: Map | None  # the last that has more than one place, also where nothing was counted
    modules: Mapping[str, Module]

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels of the image that all this was counted for."""
        return self.rows[0].output[1:]

    @property
    def multiplies(self) -> int:
        return sum(row.multiplies for row in self.rows)

    @property
    def activations(self) -> int:
        return sum(row.activations for row in self.rows)

    @property
    def most_activations(self) -> Row:
        """The largest layer by memory; of equals the first."""
        return max(self._layers, key=lambda row: row.activations)

    @property
    def most_parameters(self) -> Row:
        """The largest layer by parameters; of equals the first."""
        return max(self._layers, key=lambda row: row.parameters)

    @property
    def half_of_activations(self) -> Row:
        """The layer by which half of the activations are made: early, in most networks."""
        return self._half([row.activations for row in self._layers])

    @property
    def half_of_parameters(self) -> Row:
        """The layer by which half of the parameters are used: late, in most networks."""
        return self._half([row.parameters for row in self._layers])

    @property
    def intensity(self) -> float:
        """Multiplies for each byte of weights and activations that the counted operations read and write."""
        weights, values = self.values_read
        moved = NUMBER_FORMATS[self.memory.number_format] * (weights + self.memory.batch * values)
        return self.memory.batch * self.multiplies / moved if moved else 0.0

    def grouped(self, depth: int) -> "Card":
        """The same card with one row for each run of layers inside a module of the first `depth` levels.

        >>> from striate import describe
        >>> [row.layer for row in describe("resnet18").grouped(1).rows][:5]
        ['input', 'stem', 'layer1', 'layer2', 'layer3']
        """

        def place(row: Row) -> str:
            return ".".join(row.layer.split(".")[:depth]) or self.name

        runs = (list(run) for _, run in groupby(self.rows, key=place))
        return replace(self, rows=tuple(together(place(run[0]), run, self.modules) for run in runs))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "name": self.name,
            "parameters": self.parameters,
            "parameters_without_biases": self.parameters_without_biases,
            "multiplies": self.multiplies,
            "activations": self.activations,
            "intensity": self.intensity,
            "last_map": self.last_map and self.last_map.to_dict(),
            "memory": vars(self.memory),
            "most_activations": self.most_activations.layer,
            "most_parameters": self.most_parameters.layer,
            "unused": list(self.unused),
            "not_counted": list(self.not_counted),
            "not_followed": list(self.not_followed),
            "fields_lost": list(self.fields_lost),
            "rows": [row.to_dict() for row in self.rows],
        }

    def __repr__(self) -> str:
        counts = f"parameters={self.parameters:,} multiplies={self.multiplies:,} activations={self.activations:,}"
        return f"<Card {self.name!r} of {_sizes(self.rows[0].output)}: {counts}>"

    def _lines(self) -> list[dict[str, Any]]:
        return list(map(cells, self.rows))

    def _table(self) -> Table:
        rows = (
            (
                *(
                    row.layer,
                    row.kind,
                    str(row.window or ""),
                    _sizes(row.output),
                    str(row.field or ("?" if row.output else "")),
                ),
                *(row.parameters, row.multiplies, row.activations),
            )
            for row in self.rows
        )
        head = ("layer", "kind", "window", "output", "receptive field", "parameters", "multiplies", "activations")
        totals = ("total", "", "", "", "", self.parameters, self.multiplies, self.activations)
        return f"{self.name}, for one image", head, rows, totals, self.sentences()

    def sentences(self) -> list[str]:
        """What is to be said beside the table: where the weight lies, memory, and all that was left out."""
        memory = self.memory
        why_not = f" ({memory.why_not})" if memory.why_not else ""
        told = [
            f"{self.parameters_without_biases:,} parameters without biases. One multiply-accumulate is one multiply "
            "(2 floating-point operations).",
            f"Half of the activations are made up to {self.half_of_activations.layer}; the most, "
            f"{self.most_activations.activations:,}, by {self.most_activations.layer}.",
            f"Half of the parameters lie up to {self.half_of_parameters.layer}; the most, "
            f"{self.most_parameters.parameters:,}, in {self.most_parameters.layer}.",
            f"Memory, batch {memory.batch}, {memory.number_format}: inference {_bytes(memory.inference)}, a training "
            f"step with {memory.optimizer} {_bytes(memory.training)}{why_not}.",
            f"Arithmetic intensity: {self.intensity:.1f} multiplies for each byte of weights and activations that is "
            "read or written.",
            f"Not counted: {', '.join(self.not_counted) or 'nothing'}.",
        ]
        if self.unused:
            told.append(f"Parameters that this run did not use: {_some(self.unused)}.")
        if self.fields_lost:
            told.append(f"Receptive fields are not known behind: {', '.join(self.fields_lost)}.")
        return told + [f"Not followed: {sentence}." for sentence in self.not_followed]

    def _half(self, counts: Sequence[int]) -> Row:
        sums = list(accumulate(counts))
        return next(row for row, held in zip(self._layers, sums, strict=True) if 2 * held >= sums[-1])

    @property
    def _layers(self) -> list[Row]:
        """The rows without the image, and without the parameters that no layer used."""
        return [row for row in self.rows[1:] if row.output] or list(self.rows[:1])


def card_of(name: str, network: nn.Module, conditions: Conditions) -> Card:
    """The card of a module for images (C, *size); its weights are not looked at, and nothing is allocated."""
    seen = trace(network, conditions.image_shape)
    sizes = {key: parameter.numel() for key, parameter in network.named_parameters()}
    biases = sum(count for key, count in sizes.items() if key.rpartition(".")[2].endswith("bias"))
    used = {key for operation in seen.operations for key in operation.parameters}
    unused = tuple(key for key in sizes if key not in used)
    shape = conditions.image_shape
    return Card(
        name=name,
        rows=(
            Row("input", "image", shape, shape, None, 0, 0, prod(shape), seen.image_field),
            *(row_of(operation, sizes) for operation in seen.operations),
            *unused_row([sizes[key] for key in unused]),
        ),
        parameters=sum(sizes.values()),
        parameters_without_biases=sum(sizes.values()) - biases,
        unused=unused,
        not_counted=seen.not_counted,
        not_followed=seen.not_followed,
        fields_lost=seen.fields_lost,
        values_read=(
            sum(operation.weights_read for operation in seen.operations),
            sum(operation.values_moved for operation in seen.operations),
        ),
        memory=memory_of(network, conditions),
        last_map=seen.last_map,
        modules=seen.modules,
    )


def _bytes(count: int | None) -> str:
    return "unknown" if count is None else written_bytes(count)


def _some(names: Sequence[str]) -> str:
    few = ", ".join(names[:3])
    return few if len(names) <= 3 else f"{few} and {len(names) - 3} more"


def _sizes(values: Sequence[int]) -> str:
    return "×".join(map(str, values))
