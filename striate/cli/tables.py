"""Answers as a person reads them: tables in a terminal, and as a program does: one JSON object."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from striate.errors import printable

if TYPE_CHECKING:
    from striate.description.card import Card
    from striate.images.loading import Skipped
    from striate.machine.doctor import Findings
    from striate.recipes.evaluate import Result
    from striate.tasks.classification import Prediction

_GUESSES, _NAMED = 3, 10  # shown at the most; --json has them all


def print_json(answer: dict[str, Any]) -> None:
    """One JSON object on the standard output."""
    plain = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    json.dump(answer, sys.stdout, ensure_ascii=not plain, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def print_card(card: "Card") -> None:
    """The layers of a network, and the totals."""
    table = _table("layer", "kind", right=("output", "parameters", "multiplies", "activations"))
    for row in card.rows:
        counts = (f"{count:,}" for count in (row.parameters, row.multiplies, row.activations))
        _add(table, row.layer, row.kind, "×".join(map(str, row.output)), *counts)
    table.add_section()
    _add(table, "total", "", "", f"{card.parameters:,}", f"{card.multiplies:,}", f"{card.activations:,}")
    _print(f"{card.name}, for one image", table)
    _print(
        f"{card.parameters_without_biases:,} parameters without biases. One multiply-accumulate is one multiply. "
        f"Not counted: {', '.join(card.not_counted) or 'nothing'}."
    )


def print_predictions(predictions: "Sequence[Prediction]") -> None:
    """For each image its likeliest class, and the next ones."""
    table = _table("image", "label", right=("probability",), last="then")
    for prediction in predictions:
        others = ", ".join(f"{guess.label} {_percent(guess.probability)}" for guess in prediction.top[1:_GUESSES])
        _add(table, prediction.path, prediction.label, _percent(prediction.probability), others)
    _print(table)


def print_result(result: "Result") -> None:
    """Accuracy with its interval, and each class."""
    evaluation = result.evaluation
    table = _table("class", right=("images", "precision", "recall"))
    for row in evaluation.per_class:
        _add(table, row["class"], f"{row['n']:,}", _percent(row["precision"]), _percent(row["recall"]))
    _print(table)
    low, high = evaluation.interval
    _print(
        f"accuracy {_percent(evaluation.accuracy)}: {evaluation.right:,} of {evaluation.n:,} right "
        f"(95 % interval {_percent(low)} to {_percent(high)})"
    )
    if result.seen:
        _print(f"left out: {result.seen:,} images that the model was trained or chosen on, known by their pixels")
    print_skipped(result.skipped)


def print_skipped(skipped: "Sequence[Skipped]") -> None:
    """Each file that was left out, and why, on the standard error."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
    for file in skipped[:_NAMED]:
        console.print(f"skipped {printable(file.name)}: {printable(file.reason)}", markup=False)
    if len(skipped) > _NAMED:
        console.print(f"skipped {len(skipped):,} files in all; --json names each", markup=False)


def print_findings(findings: "Findings") -> None:
    """Versions, choices with their reasons, and the self-test."""
    answer: dict[str, Any] = findings.to_dict()
    table = _table("choice", "value", last="why")
    for name, choice in answer["choices"].items():
        _add(table, name.replace("_", " "), choice["value"], choice["why"])
    _print(table)
    _print("versions: " + ", ".join(f"{package} {version}" for package, version in findings.versions.items()))
    verdict = "all well" if findings.healthy else "WRONG: reinstall torch, or try --device cpu"
    _print(
        f"self-test: a convolution differs from float64 by {findings.difference:.1e} of its largest value: {verdict}"
    )


def _table(*left: str, right: Sequence[str] = (), last: str | None = None) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right")
    if last is not None:
        table.add_column(last, overflow="fold")
    return table


def _add(table: Table, *cells: str) -> None:
    """A row whose cells are shown as they are: a file may be called [red]."""
    table.add_row(*(Text(printable(cell)) for cell in cells))


def _print(*what: Table | str) -> None:
    """To the standard output; names are never taken for markup, nor cut where there is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    for part in what:
        console.print(Text(part) if isinstance(part, str) else part)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
