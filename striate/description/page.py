"""Tables as text, as HTML and as CSV: names to the left, figures to the right, notes below."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from striate.errors import StorageError

_STYLE = (
    "<style>.striate{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".striate caption{text-align:left;font-weight:600;padding:4px 10px}"
    ".striate td,.striate th{padding:2px 10px;text-align:right;white-space:nowrap}"
    ".striate .name{text-align:left}.striate thead th{border-bottom:1px solid}"
    ".striate tfoot td{border-top:1px solid;font-weight:600}"
    ".striate .bar{background:linear-gradient(to left,steelblue var(--share),transparent 0) bottom/100% 3px no-repeat}"
    "</style>"
)
Cell = str | int
Table = tuple[str, Sequence[str], Iterable[Sequence[Cell]], Sequence[Cell], Iterable[str]]
"""Caption, head, rows, totals and notes. The columns whose total is an int hold figures."""


class Tabled(ABC):
    """What is a table: printed as text, in a notebook as HTML, and written as CSV."""

    @abstractmethod
    def _table(self) -> Table:
        """What people read."""

    @abstractmethod
    def _lines(self) -> Sequence[Mapping[str, Any]]:
        """What programs read: the cells of each line by column."""

    def __str__(self) -> str:
        return text_table(*self._table())

    def _repr_html_(self) -> str:
        """The table as notebooks show it."""
        return html_table(*self._table())

    def to_csv(self, path: str | Path | None = None) -> str:
        """One line for each row, written to `path` too if one is given; sizes as 3x224x224. Raises StorageError."""
        text, lines = io.StringIO(), self._lines()
        writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        if path is not None:
            try:
                Path(path).write_text(text.getvalue(), encoding="utf-8")
            except OSError as error:
                raise StorageError(f"{path} cannot be written: {error.strerror}; choose another place") from error
        return text.getvalue()


def html_table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[Cell]], totals: Sequence[Cell], notes: Iterable[str]
) -> str:
    """The table in HTML; a bar below each figure is its share of the column. Everything is escaped."""
    names = [not isinstance(total, int) for total in totals]
    top = "".join(_tag("th", title, name=name) for title, name in zip(head, names, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell(cell, total) for cell, total in zip(row, totals, strict=True))}</tr>" for row in rows
    )
    foot = "".join(_tag("td", _text(total), name=name) for total, name in zip(totals, names, strict=True))
    told = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f'{_STYLE}<table class="striate"><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody><tfoot><tr>{foot}</tr></tfoot></table><ul>{told}</ul>"
    )


def text_table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[Cell]], totals: Sequence[Cell], notes: Iterable[str]
) -> str:
    """The table as lines of text, as wide as it needs to be."""
    lines = [list(head), *([_text(cell) for cell in row] for row in rows), [_text(total) for total in totals]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    figures = [isinstance(total, int) for total in totals]
    drawn = [
        "  ".join(
            cell.rjust(width) if figure else cell.ljust(width)
            for cell, width, figure in zip(line, widths, figures, strict=True)
        ).rstrip()
        for line in lines
    ]
    rule = "─" * (sum(widths) + 2 * len(widths) - 2)
    return "\n".join([caption, drawn[0], rule, *drawn[1:-1], rule, drawn[-1], *notes])


def _cell(cell: Cell, total: Cell) -> str:
    if isinstance(cell, int) and isinstance(total, int) and total:
        return f'<td class="bar" style="--share:{100 * cell / total:.1f}%">{cell:,}</td>'
    return _tag("td", _text(cell), name=not isinstance(total, int))


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else f"{cell:,}"


def _tag(tag: str, text: str, *, name: bool) -> str:
    left = ' class="name"' if name else ""
    return f"<{tag}{left}>{escape(text)}</{tag}>"
