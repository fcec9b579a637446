"""The picture of a comparison: multiplies to the right, accuracy upwards, parameters as the area of a circle."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from striate.errors import SettingsError, StorageError

_ENDINGS = (".png", ".pdf", ".svg")
_LARGEST = 3_000  # area of the largest circle, in points squared
_COLOURS = ("#4063d8", "#389826", "#9558b2", "#cb3c33", "#c98a1b", "#11808c")


@dataclass(frozen=True)
class Circle:
    """One network; `top1` in percent, None where nothing was published."""

    name: str
    multiplies: int
    parameters: int
    top1: float | None


def draw_comparison(rows: Sequence[Circle], path: Path) -> Path:
    """Write the picture. Networks without a published accuracy stand below the axis, in the order of multiplies."""
    if path.suffix.lower() not in _ENDINGS:
        raise SettingsError(f"the picture's name is {path.name}; expected one that ends in {', '.join(_ENDINGS)}")
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes: Any = figure.subplots()
    unknown = [row for row in rows if row.top1 is None]
    known = [row for row in rows if row.top1 is not None]
    floor = _floor([row.top1 for row in known if row.top1 is not None])
    scale = _LARGEST / max(row.parameters for row in rows)
    for i, row in enumerate(sorted(rows, key=lambda row: -row.parameters)):
        height = floor if row.top1 is None else row.top1
        colour = "none" if row.top1 is None else (_COLOURS[i % len(_COLOURS)], 0.55)
        area = row.parameters * scale
        axes.scatter(row.multiplies, height, s=area, edgecolor="black", linewidth=0.8, facecolor=colour)
        axes.annotate(
            f"{row.name}\n{_millions(row.parameters)}",
            (row.multiplies, height),
            xytext=(0, (area / pi) ** 0.5 + 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8.5,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(0.16, 0.2)
    axes.set_xlabel("multiplies for one image, logarithmic")
    axes.set_ylabel("published ImageNet top-1 accuracy, %")
    if unknown and known:
        axes.axhline(floor, color="gray", linewidth=0.6, linestyle=":", zorder=0)
        axes.text(0.005, floor, "no published accuracy", transform=axes.get_yaxis_transform(), fontsize=8, va="bottom")
    if not known:
        axes.set_yticks([])
        axes.set_ylabel("no published accuracy")
    axes.set_title("Accuracy against multiplies; the area of a circle is the number of parameters", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    try:
        figure.savefig(path, dpi=160)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}; choose another place") from error
    return path


def _floor(accuracies: Sequence[float]) -> float:
    """The height for networks whose accuracy is not known: below all the others."""
    if not accuracies:
        return 0.0
    return min(accuracies) - max(2.0, 0.25 * (max(accuracies) - min(accuracies)))


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 100_000 else f"{count:,}"
