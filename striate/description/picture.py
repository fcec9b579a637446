"""The picture of a comparison: multiplies to the right, accuracy upwards, parameters as the area of a circle."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from pathlib import Path
from typing import Any

from adjustText import adjust_text
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from striate.images.saving import save_figure

_LARGEST = 1_300  # area of the largest circle, in points squared
_LONGEST = 28  # letters of a name
_COLOURS = ("#4063d8", "#389826", "#9558b2", "#cb3c33", "#c98a1b", "#11808c")
_POINTS = 72  # to the inch
_SPAN = 8.0  # percent that the axis shows at the least: near accuracies shall look near
_ABOVE = 24  # pixels from a rim to the middle of a label
_TEXT: Any = {
    "fontsize": 10.5,
    "zorder": 5,
    "ha": "center",
    "va": "center",
    "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1},
}


@dataclass(frozen=True)
class Circle:
    """One network; `top1` in percent, None where nothing was published."""

    name: str
    multiplies: int
    parameters: int
    top1: float | None


def draw_comparison(rows: Sequence[Circle], path: Path) -> Path:
    """Write the picture. Networks without a published accuracy stand on a line of their own, below the others."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    axes: Any = figure.subplots()
    known = [row.top1 for row in rows if row.top1 is not None]
    floor = _floor(known)
    heights = [floor if row.top1 is None else row.top1 for row in rows]
    areas = _areas(rows)
    _draw_circles(axes, rows, heights, areas)
    _draw_axes(axes, rows)
    if known and max(known) - min(known) < _SPAN:
        middle = (max(known) + min(known)) / 2
        axes.set_ylim(min(floor, middle - _SPAN / 2), middle + _SPAN / 2)
    if not known:
        axes.set_yticks([])
        axes.set_ylabel("no published accuracy")
    elif len(known) < len(rows):
        _draw_floor(axes, floor, min(known))
    _draw_labels(figure, axes, rows, heights, areas)
    return save_figure(figure, path)


def _draw_circles(axes: Any, rows: Sequence[Circle], heights: Sequence[float], areas: Sequence[float]) -> None:
    """The largest first, so that the small ones lie on top; networks of one family have one colour."""
    families = list(dict.fromkeys(map(_family, rows)))
    for row, height, area in sorted(zip(rows, heights, areas, strict=True), key=lambda circle: -circle[2]):
        colour = _COLOURS[families.index(_family(row)) % len(_COLOURS)]
        face = "none" if row.top1 is None else (colour, 0.45)
        axes.scatter(max(1, row.multiplies), height, s=area, edgecolor=colour, linewidth=1.2, facecolor=face, zorder=3)


def _draw_axes(axes: Any, rows: Sequence[Circle]) -> None:
    multiplies = [max(1, row.multiplies) for row in rows]
    axes.set_xscale("log")
    aside = max(2.0, (max(multiplies) / min(multiplies)) ** 0.19)  # room for labels
    axes.set_xlim(min(multiplies) / aside, aside * max(multiplies))
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if max(multiplies) > 1_000 * min(multiplies) else (1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(y=0.12)
    axes.set_xlabel("multiplies for one image, logarithmic (k thousand, M million, G thousand million)", fontsize=12)
    axes.set_ylabel("published ImageNet top-1 accuracy, %", fontsize=12)
    axes.tick_params(labelsize=12)
    axes.set_title("Accuracy against multiplies; the area of a circle is the number of parameters", fontsize=14)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def _draw_floor(axes: Any, floor: float, lowest: float) -> None:
    """The line of those without an accuracy; the scale above it stops where it would say something of them."""
    axes.axhline(floor, color="gray", linewidth=0.8, linestyle=":", zorder=1)
    ticks = [tick for tick in axes.get_yticks() if tick > (floor + lowest) / 2]
    axes.set_yticks([floor, *ticks], ["none\npublished", *(f"{tick:g}" for tick in ticks)])
    axes.set_ylim(bottom=floor - (lowest - floor) / 2)


def _draw_labels(
    figure: Figure, axes: Any, rows: Sequence[Circle], heights: Sequence[float], areas: Sequence[float]
) -> None:
    """Names above their circles, moved where they would cover each other or a rim; a thread leads to the middle."""
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call] # now the layout is settled
    data, pixels = axes.transData.inverted(), axes.transData
    circles = [
        (*pixels.transform((max(1, row.multiplies), height)), (area / pi) ** 0.5 * figure.dpi / _POINTS)
        for row, height, area in zip(rows, heights, areas, strict=True)
    ]
    labels = [
        axes.text(*data.transform((x, y + radius + _ABOVE)), _told(row), **_TEXT)
        for row, (x, y, radius) in zip(rows, circles, strict=True)
    ]
    rims = [
        (x + radius * cos(turn * pi / 8), y + radius * sin(turn * pi / 8))
        for x, y, radius in circles
        for turn in range(16)
    ]
    middles = data.transform([(x, y) for x, y, _ in circles])
    adjust_text(
        labels,
        *data.transform(rims).T,
        target_x=middles[:, 0],
        target_y=middles[:, 1],
        ax=axes,
        expand=(1.1, 1.5),
        min_arrow_len=12,
        arrowprops={"arrowstyle": "-", "color": "gray", "linewidth": 0.8},
    )


def _told(row: Circle) -> str:
    return f"{_short(row.name)}  {_millions(row.parameters)}"


def _areas(rows: Sequence[Circle]) -> list[float]:
    most = max(1, *(row.parameters for row in rows))
    return [max(4.0, _LARGEST * row.parameters / most) for row in rows]


def _floor(accuracies: Sequence[float]) -> float:
    """The height for networks whose accuracy is not known: below all the others."""
    if not accuracies:
        return 0.0
    return min(accuracies) - max(2.0, 0.25 * (max(accuracies) - min(accuracies)))


def _family(row: Circle) -> str:
    return re.split(r"[\d_ ]", row.name)[0]


def _short(name: str) -> str:
    """A name that fits; that of a pattern is the pattern."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 100_000 else f"{count:,}"
