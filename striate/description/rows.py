"""The rows of a card: one for each counted operation, or for some in one module."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from striate.description.fields.reach import ReceptiveField
from striate.description.operations import Window
from striate.description.trace import FUNCTIONAL, Module, Operation


@dataclass(frozen=True)
class Row:
    """One layer, or some in one module: `input` and `output` are (C, H, W) or (K,) of one image."""

    layer: str
    kind: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    window: Window | None
    parameters: int
    multiplies: int
    activations: int
    field: ReceptiveField | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values; window and field are null where there is none, or where the field is not known."""
        return vars(self) | {
            "window": self.window and self.window.to_dict(),
            "field": self.field and self.field.to_dict(),
        }


WINDOW_COLUMNS = ("kernel", "stride", "padding", "dilation", "groups")
FIELD_COLUMNS = ("size", "stride", "offset", "whole")


def row_of(operation: Operation, sizes: Mapping[str, int]) -> Row:
    """The row of an operation; `sizes` counts the values of each parameter."""
    return Row(
        operation.module or FUNCTIONAL,
        operation.kind,
        operation.input,
        operation.output,
        operation.window,
        sum(sizes[key] for key in operation.parameters),
        operation.multiplies,
        operation.activations,
        operation.field,
    )


def unused_row(counts: Sequence[int]) -> Iterator[Row]:
    """A row for the parameters that no operation used, so that the column adds up."""
    if counts:
        yield Row("(unused)", "parameters", (), (), None, sum(counts), 0, 0, None)


def together(place: str, run: Sequence[Row], modules: Mapping[str, Module]) -> Row:
    """One row for a run of them; a row alone stays as it is."""
    if len(run) == 1 and run[0].layer == place:
        return run[0]
    last = [row for row in run if row.output][-1]
    whole = modules.get(place, Module("network", last.output, last.field))
    return Row(
        place,
        whole.kind,
        run[0].input,
        whole.output,
        None,
        sum(row.parameters for row in run),
        sum(row.multiplies for row in run),
        sum(row.activations for row in run),
        whole.field,
    )


def cells(row: Row) -> dict[str, Any]:
    """A row's values as they stand in a line of a CSV file."""
    values = row.to_dict()
    window, seen = values.pop("window") or {}, values.pop("field") or {}
    flat = values | {name: window.get(name) for name in WINDOW_COLUMNS}
    flat |= {f"field_{name}": seen.get(name) for name in FIELD_COLUMNS}
    return {name: "x".join(map(str, value)) if isinstance(value, tuple) else value for name, value in flat.items()}
