"""The rows of manifests, taken in one after the other: no row is kept, each different text is kept once."""

import os
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from striate.datasets.layouts.files import several
from striate.datasets.layouts.tables import columns_of, rows_of
from striate.errors import DataError

COLUMNS = {  # what people call them; the first name of each wins over the others
    "path": ("path", "filename", "file_name", "file", "filepath", "file_path", "image", "image_path"),
    "label": ("label", "labels", "class", "class_name", "category", "tags"),
    "split": ("split", "part", "subset", "fold"),
    "group": ("group", "group_id", "patient", "patient_id"),
}


class Column:
    """One column's texts, each kept once: its number, the number in every row, and where each text first stood."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self.numbers: array[int] = array("i")
        self._first: list[tuple[Path, int]] = []

    def add(self, text: str, file: Path, line: int) -> None:
        """The next row's text."""
        number = self.known.setdefault(text, len(self.known))
        if number == len(self._first):
            self._first.append((file, line))
        self.numbers.append(number)

    def place(self, text: str) -> str:
        """File and line where a text first stood."""
        file, line = self._first[self.known[text]]
        return f"{file}, line {line}"


@dataclass(frozen=True)
class Source:
    """A table, and the part whose folder it lies in."""

    file: Path
    part: str = ""


@dataclass(frozen=True)
class Rows:
    """What the rows say beside the paths."""

    labels: Column = field(default_factory=Column)
    splits: Column = field(default_factory=Column)
    groups: Column = field(default_factory=Column)


def take_rows(source: Source, base: Path, rows: Rows) -> Iterator[str]:
    """The path below `base` in every row, while `rows` takes the rest. Raises DataError, naming the line."""
    file, part = source.file, source.part
    columns = _columns(file, part)
    before = os.path.relpath(file.parent, base)
    for line, values in rows_of(file, list(columns.values())):
        row = dict(zip(columns, values, strict=True))
        if not row["path"]:
            raise DataError(f"{file}, line {line}: the path is empty; name the image")
        rows.labels.add(_label(row["label"], file, line), file, line)
        rows.splits.add(part or row.get("split", ""), file, line)
        if "group" in row:
            _expect_group(row["group"], file, line)
            rows.groups.add(row["group"], file, line)
        yield os.path.normpath(os.path.join(before, row["path"]))  # noqa: PTH118 - a million of them


def _columns(file: Path, part: str) -> dict[str, str]:
    """Meaning and name of each column that is read. Raises DataError if one is missing or there are two of a kind."""
    header = columns_of(file)
    found = {}
    for meaning, accepted in COLUMNS.items():
        same = [name for name in header if name.lower() in accepted]
        first = [name for name in same if name.lower() == accepted[0]]
        chosen = first or same
        if len(chosen) > 1:
            raise DataError(f"{file} has {len(chosen)} columns for the {meaning}, {several(chosen)}; keep one")
        if chosen:
            found[meaning] = chosen[0]
        elif meaning in ("path", "label"):
            raise DataError(
                f"{file} has the columns {', '.join(header) or '(none)'}, and none for the {meaning}; "
                f"name one of them {several(accepted, 'or')}"
            )
    if part:
        found.pop("split", None)
    return found


def _label(text: str, file: Path, line: int) -> str:
    if not text.isprintable():
        raise DataError(f"{file}, line {line}: the label {text!r} cannot be printed; rename it, or save it as UTF-8")
    return unicodedata.normalize("NFC", text)


def _expect_group(text: str, file: Path, line: int) -> None:
    if not text:
        raise DataError(f"{file}, line {line}: the group is empty; give each image one, or remove the column")
