"""The section on bias: where each class's heat falls over a data set, and what covering the hottest place costs."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from torch import Tensor

from striate.datasets.dataset import Dataset
from striate.datasets.loading import numbered
from striate.errors import DataError, ImageError
from striate.explain import bias
from striate.explain.bias import CELLS, ClassHeat, class_heat
from striate.explain.drawing import Picture, draw_image, rendered
from striate.recipes.explained import Figure, Section, Table, card_of
from striate.recipes.indexing import prepared
from striate.recipes.progress import Display
from striate.tasks.classification import Classifier

_DRAWN = 12  # classes at the most, those first that hang on one place
_ACROSS = 6
_LONG = 24  # letters of a name
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
    drawn = ordered[:_DRAWN]
    examples = [_example(model, dataset, targets == model.classes.index(one.label)) for one in drawn]
    picture = Figure("bias", _draw(drawn, examples), "An image of each class, and its heat; framed: the hottest cell.")
    return Section(
        "Bias: where the heat of each class falls", card_of(bias), (picture,), _notes(ordered), _table(ordered)
    )


def _example(model: Classifier, dataset: Dataset, own: Tensor) -> Picture:
    """The first image of a class that can be read, as the network sees it; there is one, since its heat was taken."""
    for place in own.nonzero()[:, 0].tolist():
        with suppress(ImageError):
            return draw_image(model.preparation.geometry.prepare(dataset.source(place))[0])
    raise DataError(f"no image of {dataset.name} can be read any more; they were there a moment ago")


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


def _draw(shown: Sequence[ClassHeat], examples: Sequence[Picture]) -> Picture:
    """For each class an image above and its heat below, in rows of some."""
    across = min(_ACROSS, len(shown))
    down = -(-len(shown) // across)
    figure = Drawing((1.9 * across + 0.9, 4.1 * down + 0.1), dpi=144, facecolor="white", layout="constrained")
    grid = figure.subplots(2 * down, across, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    top = max(one.times for one in shown)
    for number, (one, example) in enumerate(zip(shown, examples, strict=True)):
        row, column = divmod(number, across)
        above, below = grid[2 * row, column], grid[2 * row + 1, column]
        above.imshow(example, extent=(-0.5, CELLS - 0.5, CELLS - 0.5, -0.5), aspect=example.shape[0] / example.shape[1])
        drawn = below.imshow(one.heat.numpy() * CELLS**2, cmap="inferno", vmin=0, vmax=top)
        for axes in (above, below):
            _frame(axes, one)
        name = one.label if len(one.label) <= _LONG else one.label[: _LONG - 1] + "…"
        above.set_title(name, fontsize=9.5, color=_RED if one.suspect else _INK, loc="left")
        said = f"right: {one.right} of {one.n}\ncell covered: {one.right_covered}"
        below.set_xlabel(said, fontsize=8, color=_SOFT, loc="left")
    bar = figure.colorbar(drawn, ax=grid, shrink=0.6, aspect=30, pad=0.01)
    bar.set_label("heat, times an even map", fontsize=8, color=_SOFT)
    bar.ax.tick_params(labelsize=7.5, colors=_SOFT)
    bar.outline.set_visible(False)
    return rendered(figure)


def _frame(axes: Axes, one: ClassHeat) -> None:
    """A frame around the hottest cell, to be seen on dark and on light."""
    axes.set_visible(True)
    axes.set_xticks([])
    axes.set_yticks([])
    row, column = one.cell
    for colour, width in (("white", 3.0), ("black", 1.2)):
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=colour, linewidth=width))
