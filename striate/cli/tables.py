"""Answers as a person reads them: tables in a terminal, and as a program does: one JSON object."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from striate.cli.grid import add, show, table_of
from striate.errors import printable

if TYPE_CHECKING:
    from striate.datasets.loading import Skipped
    from striate.machine.doctor import Findings
    from striate.recipes.evaluate import Result
    from striate.tasks.classification import Prediction

_GUESSES, _NAMED = 3, 10  # shown at the most; --json has them all


def print_json(answer: dict[str, Any]) -> None:
    """One JSON object on the standard output."""
    plain = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    json.dump(answer, sys.stdout, ensure_ascii=not plain, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def print_predictions(predictions: "Sequence[Prediction]") -> None:
    """For each image its likeliest class, and the next ones."""
    table = table_of("image", "label", right=("probability",), last="then")
    for prediction in predictions:
        others = ", ".join(f"{guess.label} {_percent(guess.probability)}" for guess in prediction.top[1:_GUESSES])
        add(table, prediction.path, prediction.label, _percent(prediction.probability), others)
    show(table)


def print_result(result: "Result") -> None:
    """Accuracy with its interval, and each class."""
    evaluation = result.evaluation
    table = table_of("class", right=("images", "precision", "recall"))
    for row in evaluation.per_class:
        add(table, row["class"], f"{row['n']:,}", _percent(row["precision"]), _percent(row["recall"]))
    show(table)
    low, high = evaluation.interval
    show(
        f"accuracy {_percent(evaluation.accuracy)}: {evaluation.right:,} of {evaluation.n:,} right "
        f"(95 % interval {_percent(low)} to {_percent(high)}); balanced {_percent(evaluation.balanced_accuracy)}"
    )
    if result.seen:
        show(f"left out: {result.seen:,} images that the model was trained or chosen on, known by their pixels")
    print_skipped(result.skipped)


def print_sentences(sentences: "Sequence[str]") -> None:
    """One a line."""
    show(*(printable(sentence) for sentence in sentences))


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
    table = table_of("choice", "value", last="why")
    for name, choice in answer["choices"].items():
        add(table, name.replace("_", " "), choice["value"], choice["why"])
    show(table)
    show("versions: " + ", ".join(f"{package} {version}" for package, version in findings.versions.items()))
    verdict = "all well" if findings.healthy else "WRONG: reinstall torch, or try --device cpu"
    show(f"self-test: a convolution differs from float64 by {findings.difference:.1e} of its largest value: {verdict}")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
