"""Everything striate raises on purpose: one tree, one sentence each: what came, what was expected, how to repair it."""

from collections.abc import Iterable
from difflib import get_close_matches


def printable(text: str) -> str:
    r"""The text with its control characters written out: a terminal must not obey the name of a file.

    >>> printable("a \x1b[31m.png")
    'a \\x1b[31m.png'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_FEW = 12  # names that one can read through


def expect_whole(name: str, value: object, most: int, *, least: int = 1) -> None:
    """Raise SettingsError if a setting is no whole number from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SettingsError(f"{name} is {value!r}; expected a whole number from {least} to {most:,}")


class StriateError(Exception):
    """The root of the tree. The command line prints the sentence and exits with code 2."""


class ImageError(StriateError):
    """An image that cannot be read; `reason` says why, without the file."""

    def __init__(self, reason: str, file: str = "") -> None:
        super().__init__(f"{file}: {reason}" if file else reason)
        self.reason = reason


class DataError(StriateError):
    """A data set that cannot be trained or evaluated on."""


class SizeError(StriateError):
    """A window, layer or network that does not fit on the size it is given."""


class ModelFileError(StriateError):
    """A file that is not a model of striate, or not whole, or from a newer version."""


class PatternError(StriateError):
    """A layer pattern that cannot be read or built; a caret stands under the place."""


class RunError(StriateError):
    """A run directory that is in the way, missing, or not as a run left it."""


class AnotherSaysError(RunError):
    """What has gone wrong in several processes of one run, in those that leave it to another to say."""


class SettingsError(StriateError):
    """A setting that does not exist or has a value that makes no sense."""


class StorageError(StriateError):
    """The disk refused to take a file; whatever stood there before is still whole."""


class WeightsError(StriateError):
    """A file of weights that cannot be read, or that is of another network."""


class UnknownNameError(StriateError):
    """A name that is not in its catalogue; the sentence offers the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, listed_by: str = "") -> None:
        names = sorted(known)
        nearest = get_close_matches(name, names, n=3, cutoff=0.4)
        guess = f"did you mean {' or '.join(nearest)}? " if nearest else ""
        list_all = f"known: {', '.join(names)}" if len(names) <= _FEW or not nearest else ""
        if listed_by:
            list_all = f"`{listed_by}` lists all {len(names)}"
        super().__init__(f"unknown {kind} {name!r}; {guess}{list_all}".rstrip())
