"""The text of a layer pattern: its words one after another, and a mistake shown with a caret under its place."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import category, east_asian_width

from striate.errors import PatternError, printable

COLUMNS = 100  # a longer line is cut to these around the caret
_BEFORE = 60  # of them at most so many stand before it
_LONGEST_NAME = 40  # characters of a word that a sentence quotes

_TOKEN = re.compile(
    r"""->|→|[\[\]*/]                                           # what holds the words together
    |[0-9]+(?:\s*[x×]\s*[0-9]+)+(?![^\s\[\]*/→-])               # a size, 3x32x32 or 3 × 32 × 32
    |(?:(?!->)[^\s\[\]*/→])+                                    # any other word""",
    re.VERBOSE | re.IGNORECASE,
)
_TIMES_AFTER_BRACKET = re.compile(r"(\]\s*)×")


@dataclass(frozen=True)
class Token:
    """A word or a sign as it is written, and the place of its first character; the end of the text is an empty one."""

    text: str
    place: int

    @property
    def word(self) -> str:
        """The word whatever its case: `→` is `->`."""
        return self.text.upper().replace("→", "->")

    def __str__(self) -> str:
        if not self.text:
            return "the end"
        cut = self.text if len(self.text) <= _LONGEST_NAME else self.text[:_LONGEST_NAME] + "…"
        return f"'{printable(cut)}'"


def tokens(text: str) -> list[Token]:
    """The text's words and signs.

    >>> [token.text for token in tokens("[conv 7x7/2]×2→FC")]
    ['[', 'conv', '7x7', '/', '2', ']', '*', '2', '→', 'FC']
    """
    signs = _TIMES_AFTER_BRACKET.sub(r"\1*", text)  # as long as the text, so the places are the same
    return [Token(match[0], match.start()) for match in _TOKEN.finditer(signs)]


def fault(sentence: str, text: str, place: int) -> PatternError:
    """The mistake as a sentence, the line of the text that it is on, and a caret under its place.

    >>> print(fault("expected a layer", "INPUT -> -> FC", 9))
    expected a layer
      INPUT -> -> FC
               ^
    """
    line, column = _line(text, place)
    cells = [printable(character) for character in line.replace("\t", " ")]
    before, after = cells[:column], cells[column:]
    if _width(cells) > COLUMNS:
        before, after = _cut(before, after)
    return PatternError(f"{sentence}\n  {''.join(before + after)}\n  {' ' * _width(before)}^")


def _line(text: str, place: int) -> tuple[str, int]:
    """The line that a place is on, without its end, and where on it."""
    start = 0
    for line in text.splitlines(keepends=True):
        if place < start + len(line) or start + len(line) == len(text):
            return line.splitlines()[0], place - start
        start += len(line)
    return "", 0


def _cut(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """As much of a long line as stands beside the caret, with `…` where something is left out."""
    left, right = _fitting(before[::-1], _BEFORE)[::-1], _fitting(after, COLUMNS - _BEFORE)
    return ["…"] * (len(left) < len(before)) + left, right + ["…"] * (len(right) < len(after))


def _fitting(cells: list[str], columns: int) -> list[str]:
    fitting = cells[:columns]
    while _width(fitting) > columns:
        fitting = fitting[:-1]
    return fitting


def _width(cells: Iterable[str]) -> int:
    """Columns of a terminal: two for a wide character, none for an accent that stands on the one before."""
    return sum(
        0 if category(character) in {"Mn", "Me"} else 2 if east_asian_width(character) in "WF" else 1
        for cell in cells
        for character in cell
    )


class Cursor:
    """The place up to which a text has been read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = [*tokens(text), Token("", len(text.rstrip()))]
        self._at = 0

    @property
    def token(self) -> Token:
        """What comes next; the end's empty token when all is read."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """What comes next, and step over it; nobody steps over the end."""
        token = self.token
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def took(self, word: str) -> bool:
        """Step over `word` if it comes next."""
        if self.token.word != word:
            return False
        self.take()
        return True

    def fault(self, sentence: str, token: Token | None = None) -> PatternError:
        """A mistake at a token, or at the one that comes next."""
        return fault(sentence, self.text, (token or self.token).place)

    def whole(self, *, least: int = 1, most: int = 1_000_000) -> int:
        """The whole number that comes next; raises PatternError if none does or it is out of bounds."""
        token = self.take()
        if not re.fullmatch("[0-9]+", token.text):
            if re.fullmatch("[A-Za-z]", token.text):
                raise self.fault(f"{token.text} stands for a number: write a number in place of {token.text}", token)
            raise self.fault(f"expected a whole number, found {token}", token)
        return self.bounded(token.text, token, least=least, most=most)

    def bounded(self, digits: str, token: Token, *, least: int = 1, most: int = 1_000_000) -> int:
        """The number that the digits of a token write; raises PatternError if it is out of bounds."""
        digits = digits.lstrip("0") or "0"
        if len(digits) > len(str(most)) or not least <= int(digits) <= most:
            raise self.fault(f"found {token}; expected a whole number from {least} to {most:,}", token)
        return int(digits)
