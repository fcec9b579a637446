"""Answers about tags as a person reads them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from striate.cli.grid import add, show, table_of
from striate.cli.tables import percent, print_predictions, print_result, print_skipped

if TYPE_CHECKING:
    from striate.recipes.evaluate import Result
    from striate.recipes.evaluate_tags import TagResult
    from striate.tasks.answering import Prediction
    from striate.tasks.tagger import TagPrediction

_OTHERS = 3  # shown at the most; --json has them all


def print_answers(predictions: "Sequence[Prediction] | Sequence[TagPrediction]") -> None:
    """Classes or tags, whichever the model tells."""
    if any(hasattr(own, "tags") for own in predictions):
        print_tags(cast("Sequence[TagPrediction]", predictions))
    else:
        print_predictions(cast("Sequence[Prediction]", predictions))


def print_either(result: "Result | TagResult") -> None:
    """Of classes or of tags."""
    if hasattr(result, "members"):
        print_result(cast("Result", result))
    else:
        print_tag_result(result)


def print_tags(predictions: "Sequence[TagPrediction]") -> None:
    """For each image its tags, and the likeliest others."""
    table = table_of("image", "tags", last="then")
    for prediction in predictions:
        told = ", ".join(f"{guess.label} {percent(guess.probability)}" for guess in prediction.tags)
        others = [guess for guess in prediction.top if guess not in prediction.tags][:_OTHERS]
        then = ", ".join(f"{guess.label} {percent(guess.probability)}" for guess in others)
        add(table, prediction.path, told or "–", then)
    show(table)


def print_tag_result(result: "TagResult") -> None:
    """Each tag, then all of them."""
    evaluation = result.evaluation
    table = table_of("tag", right=("images", "precision", "recall", "F1", "average precision", "threshold"))
    for row in evaluation.per_class:
        shares = (percent(row[name]) for name in ("precision", "recall", "f1", "average_precision", "threshold"))
        add(table, row["class"], f"{row['n']:,}", *shares)
    show(table)
    low, high = evaluation.interval
    show(
        f"mean average precision {percent(evaluation.mean_average_precision)} (by chance "
        f"{percent(evaluation.guessing)}); F1 {percent(evaluation.f1_micro)} over all tags, "
        f"{percent(evaluation.f1_macro)} in the mean over tags",
        f"all tags of an image: {evaluation.right:,} of {evaluation.n:,} right "
        f"(95 % interval {percent(low)} to {percent(high)})",
    )
    if result.seen:
        show(f"left out: {result.seen:,} images that the model was trained or chosen on, known by their pixels")
    print_skipped(result.skipped)
