"""classes.txt of masks: `index name`, `#rrggbb name`, `R G B name` or `name` in each line, in the order of the classes.

A class called ignore, ignored or void stands for pixels that do not count.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from striate.datasets.layouts.class_list import FILE
from striate.errors import DataError

IGNORED_NAMES = ("ignore", "ignored", "void")
_KINDS = {
    "#rrggbb name": re.compile(r"#([0-9a-fA-F]{6})\s+(\S.*)"),
    "R G B name": re.compile(r"(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\S.*)"),
    "index name": re.compile(r"(\d{1,5})\s+(\S.*)"),
    "name": re.compile(r"(.+)"),
}


@dataclass(frozen=True)
class MaskNames:
    """Names, with the value of each if the list gives them: a grey value, or a colour as 65536 R + 256 G + B."""

    names: tuple[str, ...]
    values: tuple[int, ...] | None
    coloured: bool = False


def read_mask_names(folder: Path) -> MaskNames | None:
    """None if there is no classes.txt. Raises DataError, naming the line."""
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; expected a text file, UTF-8") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise DataError(f"{path} is empty; expected {', '.join(_KINDS)} in every line")
    kind = next(kind for kind, pattern in _KINDS.items() if pattern.fullmatch(lines[0][1]))
    names, values = [], []
    for number, line in lines:
        match = _KINDS[kind].fullmatch(line)
        if match is None:
            raise DataError(f"{path}, line {number}: {line!r:.60}; expected `{kind}` as in the first line")
        *digits, name = match.groups()
        names.append(_name(name, f"{path}, line {number}"))
        values.append(_code(digits, kind, f"{path}, line {number}"))
    _expect_distinct(names, values if kind != "name" else [], path)
    return MaskNames(tuple(names), None if kind == "name" else tuple(values), kind.startswith(("#", "R")))


def _name(text: str, where: str) -> str:
    if text.isprintable():
        return unicodedata.normalize("NFC", text.strip())
    raise DataError(f"{where}: the name {text!r} cannot be printed; rename it")


def _code(digits: Sequence[str], kind: str, where: str) -> int:
    if kind == "#rrggbb name":
        return int(digits[0], 16)
    numbers = [int(digit) for digit in digits]
    if kind == "R G B name" and max(numbers) > 255:
        raise DataError(f"{where}: {' '.join(digits)} is no colour; expected three numbers from 0 to 255")
    code = 0
    for number in numbers:
        code = code * 256 + number
    return code


def _expect_distinct(names: Sequence[str], values: Sequence[int], path: Path) -> None:
    for what in (names, values):
        twice = next((one for place, one in enumerate(what) if one in what[:place]), None)
        if twice is not None:
            raise DataError(f"{path} has {twice!r} in two lines; give each class its own")
