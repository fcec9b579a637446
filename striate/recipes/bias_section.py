"""The section on bias: where each class's heat falls over a data set, and what covering the hottest place costs."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np
import torch
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from torch import Tensor

from striate.datasets.dataset import Dataset
from striate.datasets.loading import numbered
from striate.explain import bias
from striate.explain.bias import CELLS, ClassHeat, class_heat
from striate.explain.drawing import Picture, rendered
from striate.recipes.explained import Figure, Section, Table, card_of
from striate.recipes.indexing import prepared
from striate.recipes.progress import Display
from striate.tasks.classification import Classifier

_DRAWN = 12  # classes at the most, those first that hang on one place
_ACROSS = 6
_INK, _SOFT, _RED = "#1a202c", "#4a5568", "#c53030"
_NAMES = ("upper", "lower"), ("left", "right")


def bias_section(model: Classifier, dataset: Dataset, display: Display) -> Section:
    """Where the saliency of each class falls. Raises DataError for a class that the model does not know."""
    targets = torch.from_numpy(numbered(dataset, model.classes).astype(np.int64))
    with display.reading(2 * len(dataset), "looking for bias") as watch:
        device = model.machine.device

        def batches() -> Iterator[tuple[Tensor, Tensor]]:
            with closing(prepared(model, dataset, watch)) as reading:
                for part in reading:
                    if len(part.places):
                        images = torch.from_numpy(part.images).to(device)
                        yield model.preparation.normalise(images), targets[part.places].to(device)

        with model.machine.running():
            found = class_heat(model.network, batches, model.classes)
    ordered = sorted(found, key=lambda one: (-one.suspect, -one.fall, -one.times))
    picture = Figure("bias", _draw(ordered[:_DRAWN]), "Heat of each class over the frame; framed: the hottest cell.")
    return Section(
        "Bias: where the heat of each class falls", card_of(bias), (picture,), _notes(ordered), _table(ordered)
    )


def _notes(ordered: Sequence[ClassHeat]) -> tuple[str, ...]:
    suspects = [one for one in ordered if one.suspect]
    if not suspects:
        return ("No class hangs on one place of the frame: covering its hottest cell costs none 20 points or more.",)
    return tuple(
        f"{one.label} hangs on one place, {_where(one)}: there each pixel weighs {one.times:.1f} times as much as on "
        f"average, in {100 * one.steady:.0f} % of its {one.n} images at least twice; covered, {one.right} right "
        f"answers of {one.n} become {one.right_covered}. Look what lies there: "
        "the object, or something that gives it away."
        for one in suspects
    )


def _where(one: ClassHeat) -> str:
    """The cell in words, from the upper left."""
    (upper, lower), (left, right) = _NAMES
    row, column = one.cell
    third = CELLS / 3
    vertical = upper if row < third else lower if row >= 2 * third else ""
    horizontal = left if column < third else right if column >= 2 * third else ""
    return " ".join(filter(None, ("the", vertical, horizontal))) if vertical or horizontal else "the middle"


def _table(ordered: Sequence[ClassHeat]) -> Table:
    rows = (
        (
            one.label,
            f"{one.n}",
            f"{one.times:.1f}",
            f"{100 * one.steady:.0f} %",
            f"{one.right}",
            f"{one.right_covered}",
            f"hangs on one place: {_where(one)}" if one.suspect else "",
        )
        for one in ordered
    )
    columns = ("class", "images", "hottest cell, × even", "hot in", "right", "right, it covered", "")
    return Table(columns, tuple(rows))


def _draw(shown: Sequence[ClassHeat]) -> Picture:
    across = min(_ACROSS, len(shown))
    down = -(-len(shown) // across)
    figure = Drawing((1.75 * across + 0.9, 2.15 * down + 0.1), dpi=144, facecolor="white", layout="constrained")
    grid = figure.subplots(down, across, squeeze=False)
    top = max(one.times for one in shown)
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    for axes, one in zip(grid.flat, shown, strict=False):
        drawn = axes.imshow(one.heat * CELLS**2, cmap="inferno", vmin=0, vmax=top)
        row, column = one.cell
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="white", linewidth=2.5))
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=1))
        name = one.label if len(one.label) <= 22 else one.label[:21] + "…"
        axes.set_title(name, fontsize=9, color=_RED if one.suspect else _INK, loc="left")
        axes.set_xlabel(f"covered: {one.right} → {one.right_covered} of {one.n}", fontsize=7.5, color=_SOFT, loc="left")
        axes.set_xticks([])
        axes.set_yticks([])
    bar = figure.colorbar(drawn, ax=grid, shrink=0.8, aspect=30, pad=0.01)
    bar.set_label("times an even map", fontsize=8, color=_SOFT)
    bar.ax.tick_params(labelsize=7.5, colors=_SOFT)
    bar.outline.set_visible(False)
    return rendered(figure)
