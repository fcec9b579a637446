"""Answers as a person reads them: tables in a terminal, and as a program does: one JSON object."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from striate.arithmetic.memory import written_bytes
from striate.errors import SettingsError, printable

if TYPE_CHECKING:
    from striate.description.advice import Finding
    from striate.description.card import Card, Row
    from striate.description.comparison import Comparison
    from striate.description.fitting import Fits
    from striate.images.loading import Skipped
    from striate.machine.doctor import Findings
    from striate.recipes.evaluate import Result
    from striate.tasks.classification import Prediction

_GUESSES, _NAMED, _ROWS = 3, 10, 60  # shown at the most; --json has them all


def print_json(answer: dict[str, Any]) -> None:
    """One JSON object on the standard output."""
    plain = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    json.dump(answer, sys.stdout, ensure_ascii=not plain, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def print_card(card: "Card", depth: int | None = None) -> None:
    """The layers of a network, grouped by module, and the totals."""
    shown = _shown(card, depth)
    windows = any(row.window for row in shown.rows)
    right = ("output", "parameters", "multiplies", "activations", "field")
    table = _table("layer", "kind", *(("window",) if windows else ()), right=right)
    for row in shown.rows:
        counts = (f"{count:,}" for count in (row.parameters, row.multiplies, row.activations))
        window = (str(row.window or ""),) if windows else ()
        _add(table, row.layer, row.kind, *window, _sizes(row.output), *counts, _field(row))
    table.add_section()
    totals = (f"{card.parameters:,}", f"{card.multiplies:,}", f"{card.activations:,}")
    _add(table, "total", "", *(("",) if windows else ()), "", *totals, "")
    _print(f"{card.name}, for one image", table)
    if len(shown.rows) < len(card.rows):
        _print(f"{len(card.rows)} layers in {len(shown.rows)} rows; --depth shows more or fewer.")
    for sentence in card.sentences():
        _print(sentence)


def _shown(card: "Card", depth: int | None) -> "Card":
    """The card at the depth that was asked for, else the deepest that can be taken in."""
    if depth is not None:
        if depth < 1:
            raise SettingsError(f"depth is {depth}; expected 1 or more")
        return card.grouped(depth)
    deepest = max(row.layer.count(".") for row in card.rows) + 1
    depths = (card, *(card.grouped(level) for level in range(deepest - 1, 0, -1)))
    return next((shown for shown in depths if len(shown.rows) <= _ROWS), depths[-1])


def _field(row: "Row") -> str:
    if row.field is None:
        return "?"
    return "whole image" if row.field.whole else str(row.field)


def print_advice(findings: "Sequence[Finding]") -> None:
    """Rules of thumb that the network breaks."""
    if findings:
        _print("", f"Rules of thumb ({len(findings)} broken; each has its price):")
    for finding in findings[:_NAMED]:
        _print(f"  {finding}")
    if len(findings) > _NAMED:
        _print(f"  and {len(findings) - _NAMED} more; --json names each")


def print_fits(fits: "Fits") -> None:
    """The largest batch and the largest image that a memory holds."""
    table = _table(f"in {written_bytes(fits.budget)}", right=("training", "inference"))
    batches = (f"{batch:,}" if batch else "none" for batch in (fits.training_batch, fits.inference_batch))
    _add(table, f"largest batch of images of {_sizes(fits.size)}", *batches)
    sizes = (_sizes(size) if size else "none" for size in (fits.training_size, fits.inference_size))
    _add(table, f"largest images in batches of {fits.batch}", *sizes)
    _print("", table)


def print_comparison(comparison: "Comparison") -> None:
    """Networks side by side, and who needs most."""
    right = ("image", "parameters", "multiplies", "activations", "field", "inference", "training", "top-1")
    table = _table("network", right=right)
    for row in comparison.rows:
        memory = (written_bytes(b) if b else "?" for b in (row.inference_bytes, row.training_bytes))
        counts = (f"{count:,}" for count in (row.parameters, row.multiplies, row.activations))
        accuracy = f"{row.accuracy.top1:.1f} %" if row.accuracy else "–"
        _add(table, row.name, _sizes(row.size), *counts, _side(row.field), *memory, accuracy)
    _print(f"for one image; memory for batches of {comparison.batch} in float32, training with momentum", table)
    for finding in comparison.findings():
        _print(finding)
    for source in dict.fromkeys(row.accuracy.source for row in comparison.rows if row.accuracy):
        names = ", ".join(row.name for row in comparison.rows if row.accuracy and row.accuracy.source == source)
        _print(f"accuracy of {names}: {source}")


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


def _side(field: Sequence[int] | None) -> str:
    if field is None:
        return "?"
    return str(field[0]) if len(set(field)) == 1 else _sizes(field)


def _sizes(values: Sequence[int]) -> str:
    return "×".join(map(str, values))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
