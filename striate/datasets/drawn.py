"""A few images of a data set with what is known of them drawn on: classes below, boxes, outlines and masks on top.

A class has one colour on the whole sheet; the classes of a mask are named below it in theirs.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import get_data_path
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from striate.datasets.annotated import read_annotated
from striate.datasets.dataset import Dataset
from striate.datasets.layouts.files import counted
from striate.datasets.layouts.gathering import outlines_of
from striate.datasets.targets import IGNORED, Boxes, Masks, Tags
from striate.errors import ImageError, printable
from striate.images.reading import Pixels

_COLOURS = ("#4063d8", "#cb3c33", "#389826", "#c98a1b", "#9558b2", "#11808c", "#c2579c", "#6b8e23", "#8c564b")
_CELL, _MARGIN, _LETTER = 300, 10, 13  # pixels: of an image's longer side, between images, of a letter's height
_CAPTION = 2 * (_LETTER + 5)
_ACROSS = 4  # images in a row, at most
_LINE = 2  # pixels
_CASING = _INK = "black"
_OPAQUE = 0.5  # of a mask
_BACKGROUND = "background"


class _Words(NamedTuple):
    """Something that is said below an image."""

    text: str
    colour: str = _INK


def draw_samples(dataset: Dataset, count: int) -> Image.Image:
    """A sheet of `count` images spread evenly over the data set, or all if it has fewer.

    An image that cannot be read leaves its place empty but for the reason.
    """
    places = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int))
    columns = min(_ACROSS, max(1, len(places)))
    rows = -(-len(places) // columns)
    wide, high = _CELL + _MARGIN, _CELL + _CAPTION + _MARGIN
    sheet = Image.new("RGB", (columns * wide + _MARGIN, max(1, rows) * high + _MARGIN), "white")
    for cell, place in enumerate(places.tolist()):
        corner = (_MARGIN + cell % columns * wide, _MARGIN + cell // columns * high)
        sheet.paste(_draw_cell(dataset, place), corner)
    return sheet


def _draw_cell(dataset: Dataset, index: int) -> Image.Image:
    """One image with its name and what is known of it below."""
    cell = Image.new("RGB", (_CELL, _CELL + _CAPTION), "white")
    try:
        picture, known = _draw_image(dataset, index)
    except ImageError as error:
        picture, known = Image.new("RGB", (_CELL, _CELL), "#e2e8f0"), [_Words(f"cannot be read: {error.reason}")]
    cell.paste(picture, ((_CELL - picture.width) // 2, (_CELL - picture.height) // 2))
    pen = ImageDraw.Draw(cell)
    pen.text((0, _CELL + 2), _shortened(dataset.names[index], _CELL, front=True), _INK, font=_font())
    left = 0.0
    for words in known:
        text = _shortened(words.text, _CELL - left)
        pen.text((left, _CELL + 7 + _LETTER), text, words.colour, font=_font())
        left += _font().getlength(f"{text}  ")
    return cell


def _draw_image(dataset: Dataset, index: int) -> tuple[Image.Image, list[_Words]]:
    """The image with its target drawn on, and the words below it."""
    targets = dataset.targets
    if isinstance(targets, Boxes):
        pixels, boxes = read_annotated(dataset, index)
        picture, scale = _fitted(pixels)
        _draw_boxes(picture, boxes, dataset.classes, scale)
        count = len(boxes.numbers)
        known = f"{pixels.shape[1]}×{pixels.shape[0]}, {counted(count, 'box', 'boxes') if count else 'no boxes'}"
        return picture, [_Words(known)]
    picture, _ = _fitted(dataset.read(index))
    if isinstance(targets, Masks):
        mask = targets.of(index)
        shown = [int(number) for number in np.unique(mask) if number != IGNORED]
        laid = _masked(picture, mask, dataset.classes)
        return laid, [_Words(dataset.classes[number], _laid_colour(number, dataset.classes)) for number in shown]
    if isinstance(targets, Tags):
        return picture, [_Words(", ".join(dataset.classes[number] for number in targets.of(index)) or "no tag")]
    return picture, [_Words(dataset.classes[int(targets.numbers[index])])]


def _fitted(pixels: Pixels) -> tuple[Image.Image, float]:
    """The image in colour with its longer side as long as a cell, and by what it is scaled; small pixels stay sharp."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
    scale = _CELL / max(image.size)
    size = tuple(max(1, round(side * scale)) for side in image.size)
    return image.resize((size[0], size[1]), Image.Resampling.NEAREST if scale > 2 else Image.Resampling.LANCZOS), scale


def _draw_boxes(picture: Image.Image, boxes: Boxes, classes: Sequence[str], scale: float) -> None:
    pen = ImageDraw.Draw(picture)
    names = []
    for corners, number, rings in zip(boxes.corners * scale, boxes.numbers, outlines_of(boxes), strict=True):
        colour = _colour(int(number))
        for ring in rings:
            points = [(float(x), float(y)) for x, y in np.concatenate([ring, ring[:1]]) * scale]
            pen.line(points, _CASING, _LINE + 2)
            pen.line(points, colour, _LINE)
        left, top, right, bottom = corners.tolist()
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_CASING, width=_LINE + 2)
        pen.rectangle((left, top, right, bottom), outline=colour, width=_LINE)
        names.append((left, top, classes[number], colour))
    for left, top, name, colour in names:  # above all boxes
        room = top - _LETTER - 6  # where a small box is not covered
        fitting = min(left, picture.width - _font().getlength(name) - 2)
        _write(pen, (max(0.0, fitting), room if room >= 0 else max(0.0, top)), name, colour)


def _write(pen: ImageDraw.ImageDraw, place: tuple[float, float], name: str, colour: str) -> None:
    around = pen.textbbox(place, name, font=_font())
    pen.rectangle((around[0] - 1, around[1] - 1, around[2] + 2, around[3] + 2), colour)
    pen.text(place, name, "white", font=_font())


def _masked(picture: Image.Image, mask: NDArray[np.uint8], classes: Sequence[str]) -> Image.Image:
    """The classes' colours laid over the image; a background stays as it is, what does not count is white."""
    own = Image.fromarray(mask).resize(picture.size, Image.Resampling.NEAREST)
    own.putpalette([value for number in range(256) for value in bytes.fromhex(_colour(number)[1:])])
    colours = np.asarray(own.convert("RGB")).copy()
    numbers, pixels = np.asarray(own), np.asarray(picture)
    colours[numbers == IGNORED] = 255
    laid = np.rint(_OPAQUE * colours + (1 - _OPAQUE) * pixels).astype(np.uint8)
    clear = (numbers == 0) & (classes[0] == _BACKGROUND)
    return Image.fromarray(np.where(clear[:, :, None], pixels, laid))


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _laid_colour(number: int, classes: Sequence[str]) -> str:
    """The colour in which a mask's class is laid over the image; black for a background, which is not."""
    return _INK if number == 0 and classes[0] == _BACKGROUND else _colour(number)


def _shortened(text: str, width: float, *, front: bool = False) -> str:
    """As much of a text as fits into a width; its end if the front may go."""
    text = printable(text)
    while len(text) > 1 and _font().getlength(text) > width:
        text = f"…{text[2:]}" if front else f"{text[:-2]}…"
    return text


@cache
def _font() -> ImageFont.FreeTypeFont:
    """The one that comes with matplotlib, which has the letters of many languages."""
    return ImageFont.truetype(str(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), _LETTER)
