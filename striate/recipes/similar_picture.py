"""similar.png: each query beside the row that is near it in features and the row that is near it in pixels."""

import io
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from striate.errors import printable
from striate.explain.drawing import draw_image

_SIDE, _WORDS = 1.35, 0.62  # inches of an image, and of what is written under it
_LONGEST = 19  # characters of a name
_DOTS = 120
_SAME, _INK, _SOFT = "#c05621", "#1a202c", "#4a5568"


class Shown(NamedTuple):
    """An image and what is written under it."""

    pixels: NDArray[Any]  # (C, H, W)
    name: str
    label: str
    figure: str
    same: bool


class Row(NamedTuple):
    """A query and its neighbours."""

    query: Shown
    features: tuple[Shown, ...]
    pixels: tuple[Shown, ...]


def draw_similar(rows: Sequence[Row]) -> bytes:
    """A PNG of two lines an image asked about, dark on light; the query's own picture in a frame."""
    columns = 1 + max(max(len(row.features), len(row.pixels)) for row in rows)
    height = _SIDE + _WORDS
    figure = Figure(figsize=((_SIDE + 0.12) * columns + 0.5, 2 * height * len(rows) + 0.2), facecolor="white")
    axes = figure.subplots(2 * len(rows), columns, squeeze=False)
    figure.subplots_adjust(0.02, _WORDS / (2 * height * len(rows) + 0.2), 0.995, 0.985, 0.09, _WORDS / _SIDE)
    for axis in axes.flat:
        axis.axis("off")
    for number, row in enumerate(rows):
        _place(axes[2 * number, 0], row.query)
        axes[2 * number + 1, 0].text(
            0.5, 0.98, "above: nearest in features\n(cosine, 1 is alike)\n\nhere: nearest in pixels\n(L2, 0 is alike)",
            ha="center", va="top", fontsize=8, color=_SOFT, transform=axes[2 * number + 1, 0].transAxes,
        )  # fmt: skip
        for line, near in enumerate((row.features, row.pixels)):
            for column, shown in enumerate(near):
                _place(axes[2 * number + line, 1 + column], shown)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=_DOTS, metadata={"Software": None})
    return written.getvalue()


def _place(axis: Axes, shown: Shown) -> None:
    axis.axis("on")
    axis.imshow(draw_image(shown.pixels), interpolation="nearest" if shown.pixels.shape[-1] < 64 else "antialiased")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set(color=_SAME if shown.same else "#cbd5e0", linewidth=2.5 if shown.same else 0.6)
    lines = [_short(PurePath(shown.name).name), _short(shown.label), shown.figure]
    if shown.same:
        lines[2] += "  the query itself"
    text = "\n".join(line for line in lines if line)
    axis.text(0.5, -0.04, text, ha="center", va="top", fontsize=8, color=_SAME if shown.same else _INK,
              transform=axis.transAxes, parse_math=False)  # fmt: skip


def _short(text: str) -> str:
    """A text of which the middle is left out if it is long."""
    plain = printable(text)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST // 2]}…{plain[-(_LONGEST // 2) :]}"
