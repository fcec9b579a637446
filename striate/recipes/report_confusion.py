"""Which classes are taken for which: the confusion matrix of report.html, written or drawn, and its largest cells."""

from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from striate.recipes.report_drawing import STYLE, svg
from striate.tasks.classification import Evaluation

_PAIRS = 8  # shown at the most


def draw_confusion(evaluation: Evaluation) -> str:
    """Recall-normalised matrix of many classes, with the diagonal where it belongs."""
    shares = evaluation.confusion / np.maximum(evaluation.confusion.sum(axis=1, keepdims=True), 1)
    with rc_context(STYLE):
        figure = Figure(figsize=(6.4, 5.6), layout="constrained")
        axes = figure.subplots()
        picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set(xlabel="class that was said (number)", ylabel="true class (number)")
        figure.colorbar(picture, label="share of the true class's images")
        return svg(figure)


def confusion_cells(evaluation: Evaluation) -> list[list[dict[str, Any]]]:
    """For each cell its count, its share of the row (0 to 1), and whether it is on the diagonal."""
    totals = np.maximum(evaluation.confusion.sum(axis=1), 1)
    return [
        [
            {"count": int(count), "share": float(count / totals[row]), "right": row == column}
            for column, count in enumerate(counts)
        ]
        for row, counts in enumerate(evaluation.confusion)
    ]


def confused_pairs(evaluation: Evaluation) -> list[tuple[str, str, int]]:
    """(true class, class that was said, images), the most frequent mistakes first."""
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    places = [divmod(int(place), len(evaluation.classes)) for place in order]
    names = evaluation.classes
    return [(names[true], names[said], int(wrong[true, said])) for true, said in places if wrong[true, said]]
