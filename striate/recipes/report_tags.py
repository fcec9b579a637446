"""report.html of a run that learnt tags: each tag with its threshold, its curve, its surest mistakes, what moved it."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from striate.explain.drawing import draw_image
from striate.recipes.first_batch import NOTHING
from striate.recipes.report_drawing import FAINT, QUIET, STYLE, VALIDATION, WRONG, inline, svg
from striate.recipes.report_moved import moved
from striate.tasks.tag_measures import Curve
from striate.tasks.tagger import TagEvaluation, Tagger

_CURVES, _ACROSS = 24, 4
_TAGS, _MISTAKES, _EXAMPLES = 12, 6, 10  # shown at the most: tags, mistakes of each, images with what moved them


def tag_answers(model: Tagger, evaluation: TagEvaluation, folder: Path | None) -> dict[str, Any]:
    """What the page has for tags in the place of what it has for classes."""
    hardest = _hardest(evaluation)
    return {
        "curves_of_tags": draw_precision_recall(evaluation, hardest[:_CURVES]),
        "shown_curves": len(hardest[:_CURVES]),
        "mistakes_by_tag": [
            (evaluation.classes[number], tag_mistakes(evaluation, number, folder))
            for number in hardest[:_TAGS]
            if evaluation.counts.wrong[number] + evaluation.counts.missed[number]
        ],
        "examples": tag_saliency(model, evaluation),
    }


def _hardest(evaluation: TagEvaluation) -> list[int]:
    """The tags that an image bears, that of the lowest average precision first."""
    order = np.argsort(evaluation.average_precisions, kind="stable")
    return [int(number) for number in order if not np.isnan(evaluation.average_precisions[number])]


def draw_precision_recall(evaluation: TagEvaluation, tags: list[int]) -> str | None:
    """A small curve for each of some tags, with a dot where its threshold lies; None without a tag."""
    if not tags:
        return None
    rows = -(-len(tags) // _ACROSS)
    with rc_context(STYLE):
        figure = Figure(figsize=(9.2, 0.5 + 2.0 * rows), layout="constrained")
        grid = figure.subplots(rows, _ACROSS, sharex=True, sharey=True, squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place < len(tags):
                _draw_curve(axes, evaluation, tags[place])
                axes.tick_params(labelbottom=place + _ACROSS >= len(tags))
            else:
                axes.set_axis_off()
        figure.supxlabel("recall", color=QUIET, fontsize=10)
        figure.supylabel("precision", color=QUIET, fontsize=10)
        return svg(figure)


def _draw_curve(axes: Axes, evaluation: TagEvaluation, number: int) -> None:
    curve = Curve.of(evaluation.probabilities[:, number], evaluation.truth[:, number])
    axes.grid(color=FAINT)
    axes.plot(
        np.concatenate([[0], curve.recall]), np.concatenate([curve.precision[:1], curve.precision]), color=VALIDATION
    )
    counts = evaluation.counts
    if counts.right[number] + counts.wrong[number]:
        axes.plot(counts.recall[number], counts.precision[number], "o", color=WRONG, markersize=6, clip_on=False)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.04), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    label = evaluation.classes[number]
    short = label if len(label) <= 18 else label[:17] + "…"
    title = f"{short} {100 * curve.average_precision:.0f} %"
    axes.set_title(title, color=QUIET, parse_math=False)


def tag_mistakes(evaluation: TagEvaluation, number: int, folder: Path | None) -> list[dict[str, Any]]:
    """The images on which the network was most surely wrong about a tag, those furthest from its threshold first."""
    probabilities, told = evaluation.probabilities[:, number], evaluation.told[:, number]
    wrong = np.flatnonzero(told != evaluation.truth[:, number])
    distance = np.abs(probabilities[wrong] - evaluation.thresholds[number])
    return [
        {
            "picture": inline(draw_image(evaluation.images.images[place])),
            "name": evaluation.images.names[place],
            "link": _link(evaluation.images.names[place], folder),
            "told": bool(told[place]),
            "probability": float(probabilities[place]),
            "true": _tags(evaluation, evaluation.truth[place]),
        }
        for place in wrong[np.argsort(-distance, kind="stable")][:_MISTAKES].tolist()
    ]


def tag_saliency(model: Tagger, evaluation: TagEvaluation) -> list[dict[str, Any]]:
    """For each tag the image that bears it most surely, and what moved the score of that tag."""
    sure = np.where(evaluation.truth, evaluation.probabilities, -1.0)  # (N, K)
    tags = [number for number in range(len(evaluation.classes)) if sure[:, number].max() >= 0][:_EXAMPLES]
    if not tags:
        return []
    places = [int(sure[:, number].argmax()) for number in tags]
    maps = moved(model, evaluation.images.images[places], tags)
    return [
        {
            "picture": inline(draw_image(evaluation.images.images[place])),
            "maps": maps[row],
            "said": evaluation.classes[tags[row]],
            "probability": float(evaluation.probabilities[place, tags[row]]),
            "true": _tags(evaluation, evaluation.truth[place]),
            "name": evaluation.images.names[place],
        }
        for row, place in enumerate(places)
    ]


def _tags(evaluation: TagEvaluation, borne: NDArray[np.bool_]) -> str:
    return ", ".join(evaluation.classes[number] for number in np.flatnonzero(borne)) or NOTHING


def _link(name: str, folder: Path | None) -> str | None:
    """Where the image's file is, if its name is that of a file in `folder`."""
    file = None if folder is None else folder.resolve() / name
    return file.as_uri() if file is not None and file.is_file() else None
