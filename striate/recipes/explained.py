"""What explaining gives to look at: figures in sections, one section a method, for the page and as PNG files."""

import inspect
from dataclasses import dataclass, field
from types import ModuleType

from striate.explain.drawing import Picture

_DENSITY = 1.5  # pixels of a large picture for one of the page
_DENSE = 400  # pixels from which a picture is large


@dataclass(frozen=True)
class Figure:
    """A picture, the words under it, and the stem of the PNG file that it becomes."""

    name: str
    picture: Picture = field(repr=False)  # (H, W, 3) uint8
    caption: str

    @property
    def width(self) -> int:
        """Pixels of the page that it takes."""
        pixels: int = self.picture.shape[1]
        return round(pixels / _DENSITY) if pixels >= _DENSE else pixels


@dataclass(frozen=True)
class Table:
    """Rows of words under the names of their columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A method's figures, its card, and what is to be said of these."""

    title: str
    card: tuple[str, ...]  # paragraphs: what it is, its source, when not to trust it
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    table: Table | None = None
    interrupted: bool = False  # by the user: it is of what was done by then
    others: tuple[tuple[str, tuple[str, ...]], ...] = ()  # cards of other methods, each under its title


def card_of(method: ModuleType) -> tuple[str, ...]:
    """The paragraphs of a method's card, which is the docstring of its module."""
    return tuple(" ".join(paragraph.split()) for paragraph in (inspect.getdoc(method) or "").split("\n\n"))
