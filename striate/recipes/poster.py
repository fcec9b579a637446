"""Many small pictures with a few words under each, in rows, as one picture fit for a page and for a talk."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from striate.errors import printable
from striate.explain.drawing import Picture

WIDE = 1_600  # pixels of a poster at the most, unless a single picture is wider
_INK, _SOFT, _WHITE = (26, 32, 44), (74, 85, 104), (255, 255, 255)
_HEADING, _TITLE, _NOTE = 26, 19, 17  # pixels of letters
_LINE = 1.3  # heights of its letters that a line takes
_BETWEEN, _MARGIN = 22, 20  # pixels
_ELLIPSIS = "…"


class Cell(NamedTuple):
    """A picture, its title below it, and notes under that, a line each."""

    picture: Picture
    title: str
    notes: tuple[str, ...] = ()


def poster(heading: str, cells: Sequence[Cell], *, narrowest: int = 0) -> Picture:
    """The cells in rows under a heading, each at least `narrowest` wide; words that do not fit are cut short."""
    width = max(narrowest, *(cell.picture.shape[1] for cell in cells))
    height = max(cell.picture.shape[0] for cell in cells) + _words_height(cells)
    columns = max(1, min(len(cells), (WIDE - 2 * _MARGIN + _BETWEEN) // (width + _BETWEEN)))
    rows, above = -(-len(cells) // columns), _MARGIN + round(_LINE * _HEADING) + 14
    across = max(
        columns * (width + _BETWEEN) - _BETWEEN,
        min(WIDE - 2 * _MARGIN, round(_font(_HEADING, bold=True).getlength(heading)) + 1),
    )
    sheet = Image.new("RGB", (across + 2 * _MARGIN, above + rows * (height + _BETWEEN) - _BETWEEN + _MARGIN), _WHITE)
    drawing = ImageDraw.Draw(sheet)
    drawing.text(
        (_MARGIN, _MARGIN), fitting(heading, _font(_HEADING, bold=True), across), _INK, _font(_HEADING, bold=True)
    )
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        left, top = _MARGIN + column * (width + _BETWEEN), above + row * (height + _BETWEEN)
        sheet.paste(Image.fromarray(cell.picture), (left, top))
        _write(drawing, cell, (left, top + cell.picture.shape[0] + 4), width)
    return np.asarray(sheet)


def block(pictures: Sequence[Picture], columns: int, *, gap: int = 2) -> Picture:
    """Pictures of about one size close together, each in the middle of its place."""
    tall, wide = (max(picture.shape[axis] for picture in pictures) + gap for axis in (0, 1))
    rows = -(-len(pictures) // columns)
    sheet: Picture = np.full((rows * tall - gap, columns * wide - gap, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        top = row * tall + (tall - gap - picture.shape[0]) // 2
        left = column * wide + (wide - gap - picture.shape[1]) // 2
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet


def scaled(picture: Picture, side: int) -> Picture:
    """The picture with about so many pixels on its longer side: small ones a whole number of times as large."""
    longest = max(picture.shape[:2])
    if longest <= side:
        times = max(1, round(side / longest))
        return picture.repeat(times, axis=0).repeat(times, axis=1)
    height, width = (max(1, round(length * side / longest)) for length in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def labelled(picture: Picture, rows: Sequence[str], columns: Sequence[str]) -> Picture:
    """A table of pictures with words beside its rows and above its columns, where there is room for them."""
    font = _font(_NOTE)
    left = round(max(font.getlength(word) for word in rows)) + 10
    above = round(_LINE * _NOTE) + 4
    sheet = Image.new("RGB", (picture.shape[1] + left, picture.shape[0] + above), _WHITE)
    sheet.paste(Image.fromarray(picture), (left, above))
    drawing, tall, wide = ImageDraw.Draw(sheet), picture.shape[0] / len(rows), picture.shape[1] / len(columns)
    every = -(-round(_LINE * _NOTE) // max(1, int(tall)))
    for number, word in list(enumerate(rows))[::every]:
        drawing.text((left - 8, above + (number + 0.5) * tall), word, _SOFT, font, anchor="rm")
    every = int((max(font.getlength(word) for word in columns) + 8) // wide) + 1
    for number, word in list(enumerate(columns))[::every]:
        drawing.text((left + (number + 0.5) * wide, above - 6), word, _SOFT, font, anchor="ms")
    return np.asarray(sheet)


def fitting(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """The text, or as much of it as fits, in one line."""
    plain = printable(text)
    if font.getlength(plain) <= width:
        return plain
    while plain and font.getlength(plain + _ELLIPSIS) > width:
        plain = plain[:-1]
    return plain.rstrip() + _ELLIPSIS


def _words_height(cells: Sequence[Cell]) -> int:
    return round(_LINE * (_TITLE + _NOTE * max(len(cell.notes) for cell in cells))) + 4


def _write(drawing: ImageDraw.ImageDraw, cell: Cell, corner: tuple[int, int], width: int) -> None:
    left, top = corner
    drawing.text((left, top), fitting(cell.title, _font(_TITLE, bold=True), width), _INK, _font(_TITLE, bold=True))
    for line, note in enumerate(cell.notes):
        below = top + round(_LINE * (_TITLE + line * _NOTE))
        drawing.text((left, below), fitting(note, _font(_NOTE), width), _SOFT, _font(_NOTE))


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The letters that matplotlib brings along."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)
