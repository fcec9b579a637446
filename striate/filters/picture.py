"""Panels drawn side by side into a PNG, PDF or SVG: images, kernels with their numbers, strokes over them."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from striate.filters.panels import Panel, told
from striate.filters.strokes import Strokes
from striate.images.reading import Pixels
from striate.images.saving import save_figure

_HEIGHT, _SMALL = 4.2, 2.2  # inches of an image, and of an aid beside it
_NARROWEST, _WIDEST = 2.0, 9.0  # inches
_ROOM = 0.9  # inches for titles above and notes below
_BETWEEN = 0.3  # inches
_SCALED = 0.9  # inches for a scale and its numbers
_POINTS = 72  # to the inch
_LETTERS = 11  # of a note to the inch
_LETTER = 0.62  # of a digit's width in its height
_LARGEST = 13  # points of a number in its cell
_SHARP = 1_500  # pixels a side, no less than a panel has dots


def draw_panels(panels: Sequence[Panel], path: Path) -> Path:
    """Write the picture. Raises SettingsError for another ending, StorageError if it cannot be written."""
    rows = max(len(panel.pixels) for panel in panels if not panel.small)
    widths = [_width(panel, len(panel.pixels) if panel.small else rows) for panel in panels]
    beside = sum(_BETWEEN + _SCALED * (panel.scale is not None) for panel in panels)
    height = max(min(_HEIGHT, width * _aspect(panel)) for panel, width in zip(panels, widths, strict=True))
    figure = Figure(figsize=(sum(widths) + beside, height + _ROOM), layout="constrained")
    for axes, panel, width in zip(figure.subplots(1, len(panels), width_ratios=widths), panels, widths, strict=True):
        _draw(axes, panel, width)
    return save_figure(figure, path)


def _width(panel: Panel, rows: int) -> float:
    """Inches that a panel takes where so many rows are as high as the picture: pixels of all images are alike."""
    tall = _SMALL if panel.small else _HEIGHT
    return min(_WIDEST, max(_NARROWEST, tall * len(panel.pixels[0]) / rows))


def _aspect(panel: Panel) -> float:
    """Height by width."""
    return len(panel.pixels) / len(panel.pixels[0])


def _draw(axes: Any, panel: Panel, width: float) -> None:
    _draw_pixels(axes, panel.pixels)
    axes.set_title(panel.title, fontsize=13, parse_math=False)
    axes.set_xlabel(fill(panel.note, round(_LETTERS * width)), fontsize=11, parse_math=False)
    if panel.numbers is not None:
        _write_numbers(axes, panel.numbers, panel.pixels, width)
    if panel.strokes is not None:
        _draw_strokes(axes, panel.strokes)
    if panel.scale is not None:
        _draw_scale(axes, panel.scale, min(width, _HEIGHT / _aspect(panel)))


def _draw_pixels(axes: Any, pixels: Pixels) -> None:
    """The image in its own coordinates; of a large one means of blocks, since matplotlib takes long over each pixel."""
    height, width = pixels.shape[:2]
    tall, wide = -(-height // _SHARP), -(-width // _SHARP)
    blocks = np.asarray(Image.fromarray(pixels).reduce((wide, tall)))
    rows, columns = blocks.shape[:2]  # the last block may hang over the edge
    around = (-0.5, columns * wide - 0.5, rows * tall - 0.5, -0.5)
    axes.imshow(blocks, cmap="gray", vmin=0, vmax=255, extent=around)
    axes.set(xticks=[], yticks=[], xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def _write_numbers(axes: Any, numbers: NDArray[np.generic], pixels: Pixels, width: float) -> None:
    """Each number in its cell, black on bright and white on dark, as large as the longest allows."""
    texts = [[told(number) for number in row] for row in numbers.tolist()]
    rows, columns = numbers.shape
    cell = _POINTS * min(width / columns, _HEIGHT / rows)
    size = min(_LARGEST, 0.85 * cell / (_LETTER * max(len(text) for row in texts for text in row)))
    for (row, column), grey in np.ndenumerate(pixels):
        colour = "black" if grey > 110 else "white"
        axes.text(column, row, texts[row][column], fontsize=size, color=colour, ha="center", va="center")
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#c8c8c8", linewidth=0.6)
    axes.tick_params(which="minor", length=0)


def _draw_strokes(axes: Any, strokes: Strokes) -> None:
    """The lines, each as opaque as it is strong; what stands out of the image is cut off."""
    opacity = np.ones(len(strokes.paths)) if strokes.strength is None else strokes.strength
    for colour, thickness in (("black", 2.6), (strokes.colour, 1.2))[not strokes.cased :]:
        colours = [(*to_rgb(colour), float(part)) for part in opacity]
        axes.add_collection(LineCollection(list(strokes.paths), colors=colours, linewidths=thickness))


def _draw_scale(axes: Any, meanings: tuple[str, str, str], width: float) -> None:
    """A bar of greys with what black, mid-grey and white stand for, beside an image so many inches wide."""
    bar = axes.inset_axes([1 + 0.12 / width, 0, 0.2 / width, 1])
    greys = ScalarMappable(Normalize(-1, 1), "gray")
    axes.figure.colorbar(greys, cax=bar, ticks=[-1, 0, 1]).set_ticklabels(meanings)
