"""map.html: the map as one self-contained page, its small copies side by side in one picture."""

import base64
import io
import json
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

from striate.recipes.map_points import COLOURED, REST, MapPoints

_QUALITY = 70
_LONGEST = 16_383  # pixels of a side that WebP takes


def make_map_page(shown: MapPoints, *, name: str, told: str, axes: tuple[str, str], images: int) -> str:
    """The page's text; every name in it is escaped, every picture is inside it."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files(__package__).joinpath("map.html.jinja").read_text(encoding="utf-8"))
    sheet, columns = _sheet(shown)
    groups = shown.coloured()
    place = {group: number for number, (group, *_) in enumerate(groups)}
    content = {
        "points": np.round(shown.unit(), 5).ravel().tolist(),
        "names": list(shown.names),
        "group": [place[int(group)] for group in shown.groups],
        "groups": [
            {"name": shown.group_names[group], "colour": colour, "images": count} for group, colour, count in groups
        ],
        "said": shown.said,
        "probability": np.round(shown.probability.astype(float), 3).tolist(),
        "labelled": shown.labelled,
        "side": shown.thumbnails.shape[1],
        "columns": columns,
        "axes": axes,
        "listed": COLOURED,
        "rest": REST,
    }
    return template.render(
        name=name, told=told, images=images, shown=len(shown.names), content=_script(content), sheet=sheet
    )


def _sheet(shown: MapPoints) -> tuple[str, int]:
    """All small copies row by row as a data URI, and how many stand in a row."""
    count, side = shown.thumbnails.shape[:2]
    columns = min(int(np.ceil(np.sqrt(count))), _LONGEST // side)
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, side, side, 3), np.uint8)
    sheet[:count] = shown.thumbnails
    pixels = sheet.reshape(rows, columns, side, side, 3).swapaxes(1, 2).reshape(rows * side, columns * side, 3)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "webp", quality=_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(written.getvalue()).decode(), columns


def _script(content: dict[str, Any]) -> Markup:
    """As JSON that no name can end the script of."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
