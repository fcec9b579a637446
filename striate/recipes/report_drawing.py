"""How pictures get into report.html: figures as SVG, photographs small, each a data URI that is the same each time."""

import base64
import io
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from striate.explain.drawing import Picture

TRAIN, VALIDATION, WRONG = "#9c4221", "#2b6cb0", "#c53030"
QUIET, FAINT = "#4a5568", "#e2e8f0"  # words beside the curves, lines behind them
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#a0aec0",
    "axes.labelcolor": QUIET,
    "axes.titlesize": 10.5,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "svg.hashsalt": "striate",
}
_SIDE = 176  # pixels of the longer side of a picture: 88 on the page, for screens of twice the density
_SMALL = 64  # pixels up to which a picture is kept as it is, so that each of its pixels can be seen
_QUALITY = 82


def inline(pixels: Picture) -> str:
    """A picture (H, W, 3) as a data URI: small ones exactly, larger ones as WebP of 176 pixels."""
    image, file = Image.fromarray(pixels), io.BytesIO()
    if max(image.size) <= _SMALL:
        image.save(file, "png", optimize=True)
        return _uri("png", file)
    image.thumbnail((_SIDE, _SIDE))
    image.save(file, "webp", quality=_QUALITY, method=4)
    return _uri("webp", file)


def svg(figure: Figure) -> str:
    """The figure as a data URI, the same bytes each time."""
    file = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    return _uri("svg+xml", file)


def _uri(kind: str, file: io.BytesIO) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(file.getvalue()).decode()
