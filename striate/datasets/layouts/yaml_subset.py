"""The part of YAML 1.2 in which YOLO's data.yaml is written: top-level keys with texts, lists or numbered names.

Not PyYAML: this is read without another dependency, and what is text stays text: a class named no is not false, nor
is 007 seven. What lies under keys that nobody asks for is passed over, whatever it is.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from striate.errors import DataError

Value = str | list[str] | dict[str, str]

_KEY = re.compile(r"""(?P<key>[A-Za-z_][\w-]*|"[^"]*"|'[^']*')\s*:(?=\s|$)(?P<rest>.*)""", re.DOTALL)
_PAIR = re.compile(r"""(?P<key>\d+|"[^"]*"|'[^']*')\s*:\s+(?P<rest>.*)""", re.DOTALL)
_QUOTED = r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^']|'')*'"
_COMMENT = re.compile(rf"(?:^|(?<=[\s\[{{,:]))({_QUOTED})|(?:^|(?<=\s))#.*")
_ITEM = re.compile(rf"\s*((?:\d+\s*:\s+)?(?:{_QUOTED}|[^,\[\]{{}}\"'][^,\[\]{{}}]*))\s*(?:,|$)")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_ESCAPED = dict(zip('0abtnvfre "/\\N_LP', '\0\a\b\t\n\v\f\r\x1b "/\\\x85\xa0\u2028\u2029', strict=True))
_BEYOND = ("&", "*", "!", "|", ">", "%", "@", "`", "[", "{", "- ", "? ")  # anchors, tags, blocks of text, nesting


def read_settings(path: Path, wanted: Iterable[str]) -> dict[str, Value]:
    """The wanted keys that are there and not empty. Raises DataError, with the line, for what is beyond the subset."""
    asked = frozenset(wanted)
    found: dict[str, Value] = {}
    for key, line, lines in _sections(path):
        if key in asked and any(lines):
            found[key] = _value(lines, f"{path}, line {line}")
    return found


def _sections(path: Path) -> Iterator[tuple[str, int, list[str]]]:
    """(key, line, what stands after it and in the lines below) of each key that stands at the margin."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; expected a text file, UTF-8") from error
    key, begun, lines = "", 0, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub(lambda match: match[1] or "", raw).rstrip()
        if match := _KEY.fullmatch(line):
            yield key, begun, lines
            key, begun, lines = _scalar(match["key"], f"{path}, line {number}"), number, [match["rest"].strip()]
        elif line and line not in ("---", "..."):
            lines.append(line)
    yield key, begun, lines


def _value(lines: list[str], where: str) -> Value:
    first, *below = lines
    if first.startswith(("[", "{")):
        return _flow(" ".join([first, *(line.strip() for line in below)]), where)
    if first:
        return _scalar(first, where) if not below else _refuse(where, below[0])
    stripped = [line.strip() for line in below]
    if all(line == "-" or line.startswith("- ") for line in stripped):
        return [_scalar(line[1:].strip(), where) for line in stripped]
    return _pairs(stripped, where)


def _flow(text: str, where: str) -> Value:
    """[a, 'b', "c"] or {0: a, 1: b}."""
    closing = "]" if text[0] == "[" else "}"
    if text[-1] != closing:
        _refuse(where, text)
    inner, place, items = text[1:-1].strip(), 0, []
    while place < len(inner):
        match = _ITEM.match(inner, place) or _refuse(where, inner[place:])
        items.append(match[1].strip())
        place = match.end()
    return _pairs(items, where) if closing == "}" else [_scalar(item, where) for item in items]


def _pairs(items: list[str], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in items:
        match = _PAIR.fullmatch(item) or _refuse(where, item)
        key = _scalar(match["key"], where)
        if key in found:
            raise DataError(f"{where}: the number {key} stands there twice; keep one")
        found[key] = _scalar(match["rest"], where)
    return found


def _scalar(text: str, where: str) -> str:
    """A text, without its quotes."""
    if re.fullmatch(_QUOTED, text):
        inner = text[1:-1]
        return (
            inner.replace("''", "'") if text[0] == "'" else _ESCAPE.sub(lambda match: _escape(match[1], where), inner)
        )
    if text.startswith((*_BEYOND, "'", '"')) or ": " in text or text.endswith(":"):
        _refuse(where, text)
    return text


def _escape(code: str, where: str) -> str:
    """What stands for a backslash and this."""
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED[code] if code in _ESCAPED else _refuse(where, f"\\{code}")


def _refuse(where: str, text: str) -> NoReturn:
    raise DataError(
        f"{where}: {text!r:.60} is not understood; write names as [a, b] or one `number: name` a line, paths as text"
    )
