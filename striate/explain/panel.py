"""One picture of an image and the maps that explain it, each with its scale: to be shown as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from striate.explain.drawing import Picture, draw_heat, draw_image, draw_signed_heat, rendered

_ACROSS = 5  # tiles that fit into one row; more stand in rows of 4
_TILE, _DPI = 2.5, 144  # inches, dots an inch
_INK, _SOFT = "#1a202c", "#4a5568"
_CLIP = 99.5  # percent of the pixels that the scale holds: a lone pixel does not darken all others


@dataclass(frozen=True)
class Map:
    """A map (H, W) over an image, with its name; a signed one is red for, blue against."""

    title: str
    heat: NDArray[np.float32] = field(repr=False)
    signed: bool = False

    @property
    def scale(self) -> float:
        """The value that is drawn strongest."""
        return float(np.percentile(np.abs(self.heat), _CLIP)) or float(np.abs(self.heat).max())


def draw_panel(
    image: NDArray[np.uint8], maps: Sequence[Map], title: str, below: str, mask: NDArray[np.bool_] | None = None
) -> Picture:
    """The prepared image (C, H, W) and the maps over it, in rows, with a title and a line below the image.

    A mask (H, W) is outlined on the image.
    """
    tiles = len(maps) + 1
    across = tiles if tiles <= _ACROSS else 4
    down = -(-tiles // across)
    height, width = image.shape[1:]
    high = _TILE * height / width
    figure = Figure((across * (_TILE + 0.2), down * (high + 0.75) + 0.45), dpi=_DPI, facecolor="white")
    grid = figure.add_gridspec(down, across, left=0.02, right=0.98, wspace=0.08, hspace=0.75 / high)
    total = figure.get_figheight()
    grid.update(top=1 - 0.75 / total, bottom=0.45 / total)
    figure.text(0.02, 1 - 0.3 / total, title, fontsize=12, fontweight="bold", color=_INK, va="center")
    first = figure.add_subplot(grid[0, 0])
    _tile(first, draw_image(image), "the image as the network sees it", below)
    if mask is not None:
        for colour, thickness in (("white", 2.2), ("#d53f8c", 1.1)):
            first.contour(mask.astype(float), levels=[0.5], colors=colour, linewidths=thickness)
    for number, shown in enumerate(maps, start=1):
        place = figure.add_subplot(grid[divmod(number, across)])
        _tile(place, _overlaid(image, shown), shown.title, "")
        _legend(place, shown)
    return rendered(figure)


def _overlaid(image: NDArray[np.uint8], shown: Map) -> Picture:
    clipped = np.clip(shown.heat, -shown.scale, shown.scale)
    return draw_signed_heat(image, clipped) if shown.signed else draw_heat(image, clipped)


def _tile(axes: Axes, picture: Picture, title: str, below: str) -> None:
    axes.imshow(picture, interpolation="nearest" if max(picture.shape) <= 64 else "antialiased")
    axes.set_title(title, fontsize=9.5, color=_INK, loc="left", pad=4)
    axes.set_xlabel(below, fontsize=8.5, color=_SOFT, loc="left", labelpad=4)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _legend(axes: Axes, shown: Map) -> None:
    """A bar of the colours under a map, with the values at its ends and what they mean."""
    bar = axes.inset_axes((0.0, -0.075, 1.0, 0.03))
    low = -shown.scale if shown.signed else float(shown.heat.min())
    norm, colours = Normalize(low, shown.scale), colormaps["RdBu_r" if shown.signed else "inferno"]
    bar.imshow(np.linspace(0, 1, 256)[None], aspect="auto", cmap=colours)
    bar.set_xticks([])
    bar.set_yticks([])
    for spine in bar.spines.values():
        spine.set_visible(False)
    ends = (
        (f"{norm.vmin:.2g} against", f"for {norm.vmax:.2g}")
        if shown.signed
        else (f"{norm.vmin:.2g}", f"{norm.vmax:.2g}")
    )
    for x, side, text in ((0.0, "left", ends[0]), (1.0, "right", ends[1])):
        axes.text(
            x, -0.09, text.replace("-", "−"), transform=axes.transAxes, ha=side, va="top", fontsize=8, color=_SOFT
        )
