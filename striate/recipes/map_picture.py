"""map.png: the map for a talk: as many pictures as have room beside each other, all others as dots in their colour."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from striate.errors import printable
from striate.recipes.map_points import COLOURED, REST, MapPoints, apart

_INCHES, _DOTS = (12.8, 8.4), 150
_SHARE = (0.055, 0.022)  # of the map's side that a picture takes: of few images, and of many
_FEW, _MANY = 100, 3_000
_INK, _SOFT = "#1a202c", "#4a5568"
_LONGEST = 26  # characters of a class in the legend


def draw_map(shown: MapPoints, *, name: str, told: str, axes: tuple[str, str]) -> bytes:
    """A PNG, dark on light."""
    figure = Figure(figsize=_INCHES, facecolor="white")
    axis = figure.add_axes((0.035, 0.05, 0.74, 0.87))
    points, side = shown.unit(), _side(len(shown.names))
    colours = {group: colour for group, colour, _ in shown.coloured()}
    own = [colours[int(group)] for group in shown.groups]
    order = np.random.default_rng(0).permutation(len(points))
    free = np.zeros(len(points), bool)
    free[order] = apart(points[order], side)
    axis.scatter(
        points[~free, 0], points[~free, 1], s=9, c=np.array(own, object)[~free].tolist(), linewidths=0, zorder=1
    )
    for place in np.flatnonzero(free).tolist():
        x, y, half = points[place, 0], points[place, 1], 0.46 * side
        axis.imshow(
            shown.thumbnails[place],
            extent=(x - half, x + half, y - half, y + half),
            interpolation="antialiased",
            zorder=2,
        )
        frame = Rectangle(
            (x - half, y - half), 2 * half, 2 * half, fill=False, edgecolor=own[place], linewidth=1.6, zorder=3
        )
        axis.add_patch(frame)
    axis.set(xlim=(-side, 1 + side), ylim=(-side, 1 + side), xlabel=axes[0], ylabel=axes[1], xticks=[], yticks=[])
    axis.set_aspect("equal")
    axis.spines[:].set_color("#e2e8f0")
    _write(figure, axis, shown, name=name, told=f"{told}; pictures: {int(free.sum()):,}, dots: {int((~free).sum()):,}")
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=_DOTS, metadata={"Software": None})
    return written.getvalue()


def _side(count: int) -> float:
    """Of a picture, as a share of the map: smaller the more images there are."""
    share = np.interp(np.log(max(count, 1)), np.log((_FEW, _MANY)), _SHARE)
    return float(share)


def _write(figure: Figure, axis: Axes, shown: MapPoints, *, name: str, told: str) -> None:
    """What stands above, and the legend beside."""
    figure.text(
        0.035, 0.962, f"{printable(name)}: {len(shown.names):,} images", fontsize=17, color=_INK, parse_math=False
    )
    figure.text(0.035, 0.934, told, fontsize=9.5, color=_SOFT)
    groups = shown.coloured()
    lines = [(colour, f"{_short(shown.group_names[group])}  {count:,}") for group, colour, count in groups[:COLOURED]]
    if rest := groups[COLOURED:]:
        lines.append((REST, f"{len(rest):,} more classes  {sum(count for *_, count in rest):,}"))
    figure.text(0.79, 0.895, "class" if shown.labelled else "what the model said", fontsize=11, color=_SOFT)
    for number, (colour, text) in enumerate(lines):
        height = 0.86 - 0.037 * number
        figure.add_artist(Rectangle((0.79, height), 0.013, 0.02, color=colour, transform=figure.transFigure))
        figure.text(0.81, height + 0.003, text, fontsize=11.5, color=_INK, parse_math=False)
    axis.xaxis.label.set(size=10, color=_SOFT)
    axis.yaxis.label.set(size=10, color=_SOFT)


def _short(text: str) -> str:
    plain = printable(text)
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
