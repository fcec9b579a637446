"""Names of the classes, from a list that lies beside the images, or from the numbers themselves."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError, printable

FILE = "classes.txt"
Token = int | str  # what stands beside an image: a number, or a name


def read_class_list(path: Path) -> tuple[str, ...] | None:
    """The names in a text file, one a line; the first is of number 0. None if there is no such file.

    Raises DataError for a list that is no text, is empty, or names a class twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; expected a text file, UTF-8, with one name a line") from error
    names = tuple(unicodedata.normalize("NFC", line.strip()) for line in text.rstrip().splitlines())
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or "" in names or twice:
        what = f"names {twice[0]!r} twice" if twice and twice[0] else "has an empty line" if names else "is empty"
        raise DataError(f"{path} {what}; expected one name a line, each another")
    return names


def settle(
    tokens: Sequence[Token], names: Sequence[str] | None, source: str
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The classes, and the class number (T,) of each of the tokens.

    With `names` a number is a place in them, and a text is one of them. Without, the classes are what stands there:
    in the order of the numbers, or, if anything is no number, in the alphabet's. Raises DataError, which begins with
    `source`, for what is not among the names.
    """
    if names is None:
        numbers = sorted(token for token in tokens if isinstance(token, int))
        plain = len(numbers) == len(tokens)
        names = tuple(map(str, numbers)) if plain else sorted({str(token) for token in tokens})
        tokens = [str(token) for token in tokens]
    known = {name: number for number, name in enumerate(names)}
    for token in tokens:
        if token not in known if isinstance(token, str) else not 0 <= token < len(names):
            few = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
            raise DataError(
                printable(
                    f"{source} has an image of the class {token!r}; expected a number from 0 to {len(names) - 1} or "
                    f"one of the {len(names)} names ({few}): correct the label or the list of names"
                )
            )
    places = [known[token] if isinstance(token, str) else token for token in tokens]
    return tuple(names), np.array(places, np.int32)
