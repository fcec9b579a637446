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
    from striate.tasks.answering import Prediction
    from striate.tasks.gains import Gain

_GUESSES, _NAMED = 3, 10  # shown at the most; --json has them all
_OTHERS = {  # that a gain is over
    "the best member": "the best of them alone",
    "the mean member": "one of them alone, in the mean,",
    "one look": "one look",
}


def print_json(answer: dict[str, Any]) -> None:
    """One JSON object on the standard output."""
    plain = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    json.dump(answer, sys.stdout, ensure_ascii=not plain, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def print_predictions(predictions: "Sequence[Prediction]") -> None:
    """For each image its likeliest class, and the next ones."""
    table = table_of("image", "label", right=("probability",), last="then")
    for prediction in predictions:
        others = ", ".join(f"{guess.label} {percent(guess.probability)}" for guess in prediction.top[1:_GUESSES])
        add(table, prediction.path, prediction.label, percent(prediction.probability), others)
    show(table)


def print_result(result: "Result") -> None:
    """Accuracy with its interval, and each class."""
    evaluation = result.evaluation
    table = table_of("class", right=("images", "precision", "recall"))
    for row in evaluation.per_class:
        add(table, row["class"], f"{row['n']:,}", percent(row["precision"]), percent(row["recall"]))
    show(table)
    low, high = evaluation.interval
    show(
        f"accuracy {percent(evaluation.accuracy)}: {evaluation.right:,} of {evaluation.n:,} right "
        f"(95 % interval {percent(low)} to {percent(high)}); balanced {percent(evaluation.balanced_accuracy)}"
    )
    if len(result.members) > 1:
        _print_members(result)
    show(*(_gain_sentence(gain, result) for gain in result.gains))
    if result.seen:
        who = "the model was" if len(result.members) == 1 else "one of the models was"
        show(f"left out: {result.seen:,} images that {who} trained or chosen on, known by their pixels")
    print_skipped(result.skipped)


def _print_members(result: "Result") -> None:
    """Each model alone, with the same looks at the same images."""
    table = table_of("model alone", right=("right", "accuracy", "95 % interval", "seen"))
    for member in result.members:
        low, high = (f"{100 * end:.1f}" for end in member.interval)
        add(table, member.model, f"{member.right:,}", percent(member.accuracy), f"{low} to {high}", f"{member.seen:,}")
    show(table)


def _gain_sentence(gain: "Gain", result: "Result") -> str:
    """What averaging has won, and whether that may be chance."""
    averaged = [f"{len(result.members)} models"] * (len(result.members) > 1)
    averaged += [f"{result.looks.count} looks"] * (result.looks.count > 1)
    ours = f"the average of {' and '.join(averaged)} is" if averaged else f"with looks {result.looks} it is"
    low, high = (100 * end for end in gain.interval)
    chance = "; that may be chance" if low <= 0 <= high else ""
    return (
        f"{ours} right on {gain.right:,} of {gain.n:,}; {_OTHERS[gain.over]} on {_count(gain.other)}: "
        f"{100 * gain.difference:+.1f} points (95 % interval {low:.1f} to {high:.1f}){chance}"
    )


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


def percent(share: float | None) -> str:
    """A share as a person reads it; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def _count(number: float) -> str:
    return f"{number:,.0f}" if number == round(number) else f"{number:,.1f}"
