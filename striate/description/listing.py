"""The networks of the catalogue as a table: paper, year, what each takes, and the accuracy that was published."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from striate.architectures.architecture import Accuracy
from striate.architectures.catalogue import CATALOGUE, declare
from striate.arithmetic.counts import read_count
from striate.description.page import Table, Tabled
from striate.description.subjects import of_declaration
from striate.description.trace import trace
from striate.errors import SettingsError, UnknownNameError


@dataclass(frozen=True)
class Model:
    """A network as it was published; counts are for one image of `size`, and computed."""

    name: str
    paper: str
    year: int
    title: str
    place: str
    size: tuple[int, int, int]  # channels, height, width
    parameters: int
    multiplies: int
    accuracy: Accuracy | None

    @property
    def top1(self) -> str:
        """76.1 %, with its data set where that is not ImageNet."""
        if self.accuracy is None:
            return "–"
        return f"{self.accuracy.top1:.1f} %{'' if self.accuracy.data == 'ImageNet' else f' {self.accuracy.data}'}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `accuracy` in percent, with its data set and who measured it."""
        known = self.accuracy
        return vars(self) | {
            "accuracy": known and known.top1,
            "data": known and known.data,
            "source": known and known.source,
        }


@dataclass(frozen=True)
class Models(Tabled):
    """The networks that were asked for, in the order in which their families were published."""

    rows: tuple[Model, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"models": [row.to_dict() for row in self.rows]}

    def _lines(self) -> list[dict[str, Any]]:
        return [row.to_dict() | {"size": "x".join(map(str, row.size))} for row in self.rows]

    def _table(self) -> Table:
        rows = (
            (row.name, row.paper, "x".join(map(str, row.size)), row.top1, row.parameters, row.multiplies)
            for row in self.rows
        )
        most = (max(row.parameters for row in self.rows), max(row.multiplies for row in self.rows))
        head = ("network", "paper", "image", "top-1", "parameters", "multiplies")
        return "networks, for one image", head, rows, ("most", "", "", "", *most), self.sources()

    def sources(self) -> list[str]:
        """Who measured which accuracies."""
        names: dict[str, list[str]] = {}
        for row in self.rows:
            if row.accuracy:
                names.setdefault(row.accuracy.source, []).append(row.name)
        return [f"accuracy of {', '.join(those)}: {source}" for source, those in names.items()]


def models(
    like: str = "",
    *,
    max_multiplies: str | int | None = None,
    max_parameters: str | int | None = None,
    sort: str | None = None,
    watch: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> Models:
    """The catalogue, or a part of it, with parameters and multiplies counted on each network.

    Args:
        like: a part of a name, a paper's author or a year, as "resnet", "Tan" or "2019".
        max_multiplies: for one image, a number or a text as "1G" or "500M".
        max_parameters: the same.
        sort: year, parameters or multiplies, the least first, or accuracy, the best first and each data set by itself.
        watch: is handed the names and gives them one by one, so that it can show how far the counting is.

    Raises SettingsError if no network is left, UnknownNameError for another order.

    >>> [row.name for row in models("vgg11").rows]
    ['vgg11', 'vgg11_bn', 'vgg11_lrn']
    """
    if sort is not None and sort not in _ORDERS:
        raise UnknownNameError("order", sort, _ORDERS)
    most = {"multiplies": _count(max_multiplies), "parameters": _count(max_parameters)}
    names = [name for name in CATALOGUE if like.lower() in _searched(name)]
    if not names:
        raise SettingsError(f"no network, author or year is like {like!r}; `striate models` without it lists all")
    rows = [
        row for row in map(_model, watch(names)) if all(getattr(row, what) <= limit for what, limit in most.items())
    ]
    if not rows:
        limits = " and ".join(f"{what} of {limit:,}" for what, limit in most.items() if limit != float("inf"))
        raise SettingsError(f"none of {len(names)} networks stays within {limits}; allow more")
    return Models(tuple(sorted(rows, key=_ORDERS[sort]) if sort else rows))


_ORDERS: dict[str, Callable[[Model], Any]] = {
    "year": lambda row: row.year,
    "parameters": lambda row: row.parameters,
    "multiplies": lambda row: row.multiplies,
    "accuracy": lambda row: (row.accuracy.data != "ImageNet", -row.accuracy.top1) if row.accuracy else (True, 1.0),
}


def _count(limit: str | int | None) -> float:
    if limit is None:
        return float("inf")
    return read_count(limit) if isinstance(limit, str) else limit


def _searched(name: str) -> str:
    return f"{name} {CATALOGUE[name].source} {CATALOGUE[name].paper.title}".lower()


def _model(name: str) -> Model:
    entry, size = CATALOGUE[name], (CATALOGUE[name].in_channels, *CATALOGUE[name].size)
    network = of_declaration(declare(name)).network()
    return Model(
        name,
        entry.source,
        entry.paper.year,
        entry.paper.title,
        entry.paper.place,
        size,
        sum(parameter.numel() for parameter in network.parameters()),
        sum(operation.multiplies for operation in trace(network, size).operations),
        entry.accuracy,
    )
