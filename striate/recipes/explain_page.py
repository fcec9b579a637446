"""The page of explanations: one self-contained HTML file, and the same pictures as PNG files beside it."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import jinja2
from PIL import Image

import striate
from striate.explain.drawing import Picture
from striate.recipes.explained import Figure, Section
from striate.writing import write_whole

PAGE = "explanation.html"
_QUALITY = 88  # of pictures on the page; the files beside it are exact
_SMALL = 64  # pixels up to which a picture stays exact on the page too


def write_figure(out: Path, figure: Figure) -> Path:
    """Write a figure as a PNG into the folder, whole. Raises StorageError."""
    file = io.BytesIO()
    Image.fromarray(figure.picture).save(file, "png")
    place = out / f"{figure.name}.png"
    write_whole(place, file.getvalue())
    return place


def write_page(out: Path, title: str, summary: Sequence[str], sections: Sequence[Section]) -> Path:
    """Write the page into the folder, whole. Raises StorageError."""
    template = jinja2.Environment(
        loader=jinja2.PackageLoader("striate.recipes", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template("explain.html.jinja")
    text = template.render(
        title=title, summary=summary, sections=sections, uri=picture_uri, version=striate.__version__
    )
    place = out / PAGE
    write_whole(place, text.encode())
    return place


def picture_uri(picture: Picture) -> str:
    """A picture (H, W, 3) of full size as a data URI: a small one exactly, others as WebP."""
    file = io.BytesIO()
    if max(picture.shape) <= _SMALL:
        Image.fromarray(picture).save(file, "png", optimize=True)
        kind = "png"
    else:
        Image.fromarray(picture).save(file, "webp", quality=_QUALITY, method=4)
        kind = "webp"
    return f"data:image/{kind};base64," + base64.b64encode(file.getvalue()).decode()
