"""Networks side by side: accuracy against multiplies, parameters as area.

The picture is that of Canziani, Paszke, Culurciello, "An analysis of deep neural network models for practical
applications" 2016, arXiv:1605.07678, figure 2. Multiplies, parameters and memory are computed here; an accuracy is
published, and stands beside its source.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from striate.architectures.architecture import Accuracy
from striate.architectures.catalogue import CATALOGUE
from striate.description.card import Card
from striate.description.describing import describe_subject
from striate.description.page import Table, Tabled
from striate.description.subjects import Size, Subject, subject
from striate.errors import SettingsError


@dataclass(frozen=True)
class Compared:
    """One network: `size` and counts for one image, bytes for a batch, and its published accuracy if there is one."""

    name: str
    size: tuple[int, ...]
    parameters: int
    multiplies: int
    activations: int
    field: tuple[int, ...] | None  # pixels that a unit of the last map sees
    inference_bytes: int | None
    training_bytes: int | None
    accuracy: Accuracy | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `top1` in percent of ImageNet's validation images."""
        known = self.accuracy
        return vars(self) | {"accuracy": known and known.top1, "source": known and known.source}


@dataclass(frozen=True)
class Comparison(Tabled):
    """Networks in the order they were given, and the batch that their bytes are for."""

    rows: tuple[Compared, ...]
    batch: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"batch": self.batch, "networks": [row.to_dict() for row in self.rows], "findings": self.findings()}

    def _lines(self) -> list[dict[str, Any]]:
        return [
            row.to_dict() | {"size": _sizes(row.size), "field": row.field and _sizes(row.field)} for row in self.rows
        ]

    def _table(self) -> Table:
        rows = (
            (
                *(row.name, _sizes(row.size), f"{row.accuracy.top1:.1f} %" if row.accuracy else "–"),
                *(row.parameters, row.multiplies, row.activations),
            )
            for row in self.rows
        )
        head = ("network", "image", "top-1", "parameters", "multiplies", "activations")
        most = (max(row.parameters for row in self.rows), max(row.multiplies for row in self.rows))
        totals = ("most", "", "", *most, max(row.activations for row in self.rows))
        return "for one image", head, rows, totals, self.findings()

    def findings(self) -> list[str]:
        """Who needs most, and who gives most for what it needs."""
        if len(self.rows) < 2:
            return []
        told = [
            f"most parameters: {_most(self.rows, lambda row: row.parameters)}",
            f"most multiplies: {_most(self.rows, lambda row: row.multiplies)}",
        ]
        if all(row.training_bytes for row in self.rows):
            told.append(f"most memory in training: {_most(self.rows, lambda row: row.training_bytes or 0)}")
        known = [row for row in self.rows if row.accuracy]
        if len(known) > 1:
            told.append(f"most accurate: {_most(known, _top1)}")
            told.append(f"most accuracy for its multiplies: {_most(known, lambda row: _top1(row) / row.multiplies)}")
            told.append(f"most accuracy for its parameters: {_most(known, lambda row: _top1(row) / row.parameters)}")
        return told

    def save_picture(self, path: str | Path) -> Path:
        """Draw the networks as circles into a PNG, PDF or SVG. Raises SettingsError for another ending."""
        from striate.description.picture import Circle, draw_comparison  # noqa: PLC0415 - matplotlib takes long

        circles = [
            Circle(row.name, row.multiplies, row.parameters, row.accuracy.top1 if row.accuracy else None)
            for row in self.rows
        ]
        return draw_comparison(circles, Path(path))


def compare(
    *networks: str | Path | nn.Module,
    size: Size | None = None,
    num_classes: int | None = None,
    in_channels: int | None = None,
    batch: int = 32,
) -> Comparison:
    """Describe several networks, each at its own size if none is given, and set them side by side.

    >>> [row.parameters for row in compare("vgg16", "resnet50").rows]
    [138357544, 25557032]
    """
    if not networks:
        raise SettingsError("no network to compare; expected one or more names, patterns, files or modules")
    rows = []
    for network in networks:
        chosen = subject(network, size, num_classes=num_classes, in_channels=in_channels)
        rows.append(_compared(describe_subject(chosen, batch=batch), _accuracy(chosen, num_classes)))
    return Comparison(tuple(rows), batch)


def _accuracy(chosen: Subject, num_classes: int | None) -> Accuracy | None:
    """On ImageNet, so that all can be compared; what was published holds for the network as it was published."""
    if chosen.name not in CATALOGUE:
        return None
    own = CATALOGUE[chosen.name]
    as_published = chosen.size == own.size and num_classes in (None, own.num_classes)
    return own.accuracy if own.accuracy and own.accuracy.data == "ImageNet" and as_published else None


def _compared(card: Card, accuracy: Accuracy | None) -> Compared:
    return Compared(
        card.name,
        card.size,
        card.parameters,
        card.multiplies,
        card.activations,
        card.last_map.field.size if card.last_map and card.last_map.field else None,
        card.memory.inference,
        card.memory.training,
        accuracy,
    )


def _most(rows: Sequence[Compared], of: Callable[[Compared], float]) -> str:
    return max(rows, key=of).name


def _sizes(values: Sequence[int]) -> str:
    return "x".join(map(str, values))


def _top1(row: Compared) -> float:
    return row.accuracy.top1 if row.accuracy else 0.0
