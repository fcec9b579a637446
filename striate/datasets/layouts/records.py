"""The records of a JSON file (RFC 8259) whose top level is an object of lists: one after the other, none is kept.

`json.load` of COCO's training annotations takes several times their 450 MB; here only the text itself is held.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from striate.errors import DataError

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_HEAD = 65_536  # characters in which a key must show


def json_records(path: Path, wanted: frozenset[str]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(key, place in its list, record) for the lists of the `wanted` keys, in the order of the file.

    Raises DataError if the file is not such JSON.
    """
    cursor = _Cursor(_text(path))
    try:
        for _ in cursor.members("{", "}"):
            key = cursor.value()
            cursor.take(":")
            if key not in wanted:
                cursor.value()
                continue
            for number in cursor.members("[", "]"):
                record = cursor.value()
                if not isinstance(record, dict):
                    raise DataError(f"{path}: {key}[{number}] is {record!r:.40}; expected an object in braces")
                yield key, number, record
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path} is not whole JSON: {error.msg} in line {error.lineno}, column {error.colno}; write the file again"
        ) from error
    except (RecursionError, ValueError) as error:  # brackets in brackets without end, or digits
        raise DataError(f"{path} cannot be read: {error}; write the file again") from error


def has_keys(path: Path, keys: frozenset[str]) -> bool:
    """Whether a JSON file begins as an object and names one of the keys early."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            head = file.read(_HEAD).lstrip()
    except OSError:
        return False
    return head.startswith("{") and any(re.search(rf'"{key}"\s*:', head) for key in keys)


class _Cursor:
    """A place in a text of JSON."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0
        self._skip()

    def value(self) -> Any:
        """The value that stands here; the cursor moves behind it."""
        value, self._place = _DECODER.raw_decode(self._text, self._place)
        self._skip()
        return value

    def take(self, mark: str) -> None:
        """Move behind a mark that must stand here."""
        if not self._sees(mark):
            raise json.JSONDecodeError(f"expected {mark!r}", self._text, self._place)
        self._place += 1
        self._skip()

    def members(self, opening: str, closing: str) -> Iterator[int]:
        """Stop before each member of an object or a list, which the caller takes."""
        self.take(opening)
        number = 0
        while not self._sees(closing):
            if number:
                self.take(",")
            yield number
            number += 1
        self.take(closing)

    def _sees(self, mark: str) -> bool:
        return self._text.startswith(mark, self._place)

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self._place)
        self._place = space.end() if space else self._place


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check that it is there and may be read") from error
