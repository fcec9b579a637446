"""The learning curves of report.html: loss, validation accuracy and learning rate, against epochs or against time.

Values are read by their names, so that the logbooks of earlier versions, which lack some, can be drawn too.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from striate.recipes.report_drawing import FAINT, QUIET, STYLE, TRAIN, VALIDATION, svg

Against = Literal["epoch", "seconds"]
Rows = Sequence[dict[str, float]]

_CLASSES = (
    "validation accuracy (%)",
    (("validation_accuracy", "of all images"), ("validation_balanced_accuracy", "mean over classes")),
)
_TAGS = (
    "validation, told at one half (%)",
    (("validation_mean_average_precision", "mean average precision"), ("validation_f1_micro", "F1 over all tags")),
)
_FEW = 3  # epochs up to which each has a dot
_UNITS = ((2 * 3600.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))  # from how many, one, name


def draw_curves(rows: Rows, best: int, against: Against, *, resumed: Sequence[int] = ()) -> str:
    """Three curves under one another; the kept epoch and the epochs in which the run was resumed are marked."""
    places, label = _abscissa(rows, against)
    with rc_context(STYLE):
        figure = Figure(figsize=(4.9, 5.6), layout="constrained")
        losses, accuracies, rates = figure.subplots(3, 1, sharex=True, height_ratios=(1, 1, 0.42))
        _draw_losses(losses, places, rows)
        _draw_accuracies(accuracies, places, rows)
        _draw(rates, places, column(rows, "rate"), color=QUIET, linewidth=1.2)
        rates.set(title="learning rate at the end of the epoch", xlabel=label, ylim=(0, None))
        if against == "epoch":
            rates.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        else:
            rates.set(xlim=(0, None))
        place_of = dict(zip(column(rows, "epoch").tolist(), places.tolist(), strict=True))
        for axes in (losses, accuracies, rates):
            _mark(axes, place_of.get(best), [place_of[number] for number in resumed])
        if best in place_of:
            _say(accuracies, place_of[best], f"kept: epoch {best}")
        return svg(figure)


def column(rows: Rows, name: str) -> NDArray[np.float64]:
    """One value an epoch (E,); NaN where the logbook has none."""
    return np.array([row.get(name, np.nan) for row in rows], np.float64)


def resumed_epochs(rows: Rows) -> list[int]:
    """Epochs that were trained in pieces.

    The logbook counts the images and the seconds of the last piece alone, so what it gives for one of these, images a
    second times seconds, is less than the training images; all others give exactly those.
    """
    seconds = np.diff(column(rows, "seconds"), prepend=0.0)
    images = column(rows, "images_per_second") * seconds
    if not len(images) or np.isnan(images).any():
        return []
    return [int(row["epoch"]) for row, own in zip(rows, images, strict=True) if own < 0.999 * images.max()]


def _abscissa(rows: Rows, against: Against) -> tuple[NDArray[np.float64], str]:
    """Where each epoch lies, and what the axis is called."""
    places = column(rows, against)
    if against == "epoch":
        return places, "epoch"
    _, one, name = next(unit for unit in _UNITS if places[-1] >= unit[0])
    return places / one, f"{name} of training"


def _draw_losses(axes: Axes, places: NDArray[np.float64], rows: Rows) -> None:
    """Both losses; the first epochs may leave above: the last ones matter."""
    own = {"training": column(rows, "train_loss"), "validation": column(rows, "validation_loss")}
    for (name, values), colour in zip(own.items(), (TRAIN, VALIDATION), strict=True):
        _draw(axes, places, values, color=colour, label=name)
    values = np.concatenate(list(own.values()))
    values = values[np.isfinite(values)]
    axes.set(title="loss (nats)")
    if len(values):
        low, high = values.min(), min(values.max(), 4 * np.quantile(values, 0.8))
        room = 0.1 * (high - low) or 0.05
        axes.set(ylim=(max(0.0, low - room), high + room))
        _legend(axes)


def _draw_accuracies(axes: Axes, places: NDArray[np.float64], rows: Rows) -> None:
    """Of all images and the mean over classes, or of tags, in percent; the first epochs may leave below."""
    title, (main, more) = _TAGS if any(_TAGS[1][0][0] in row for row in rows) else _CLASSES
    own, other = 100 * column(rows, main[0]), 100 * column(rows, more[0])
    _draw(axes, places, own, color=VALIDATION, label=main[1])
    _draw(axes, places, other, color=VALIDATION, linestyle="--", linewidth=1, label=more[1])
    axes.set(title=title)
    values = np.concatenate([own, other])
    values = values[np.isfinite(values)]
    if len(values):
        low, high = values.min(), values.max()
        bottom = max(low, 6 * high - 504)
        room = max(1.0, 0.1 * (high - bottom))
        axes.set(ylim=(bottom - room, min(100.5, high + room)))
        _legend(axes)


def _draw(axes: Axes, places: NDArray[np.float64], values: NDArray[np.float64], **look: object) -> None:
    """A curve, with dots while it is short; nothing if there is no value."""
    if np.isfinite(values).any():
        dot = {"marker": "o", "markersize": 4} if len(places) <= _FEW else {}
        axes.plot(places, values, **dot, **look)  # type: ignore[arg-type]


def _legend(axes: Axes) -> None:
    """Where it hides the least of the curves, on white."""
    axes.legend(loc="best", labelcolor=QUIET, edgecolor="none", framealpha=0.8, borderpad=0.2)


def _mark(axes: Axes, best: float | None, resumed: Sequence[float]) -> None:
    """Lines behind the curves, and the title where the axis begins."""
    axes.grid(axis="y", color=FAINT)
    axes.title.set(color=QUIET, ha="left", x=0.0)
    for place in resumed:
        axes.axvline(place, color="#cbd5e0", linewidth=1, zorder=1)
    if best is not None:
        axes.axvline(best, color=QUIET, linewidth=1, linestyle=":")


def _say(axes: Axes, place: float, text: str) -> None:
    """A word at the upper end of a line, on the side where there is room."""
    left = place > np.mean(axes.get_xlim())
    axes.annotate(
        text,
        (place, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if left else 4, -2),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        color=QUIET,
        fontsize=9,
    )
