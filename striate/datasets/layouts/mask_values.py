"""Which value of a mask is which class: as classes.txt says, or else as a sample of the masks shows.

* 0 and 255 alone are background and foreground;
* numbers up to 63, or below the number of names, are class numbers, and 255 does not count;
* at most 16 other greys, or 32 colours, are classes in the order of their values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from striate.datasets.layouts.mask_files import Values, shown
from striate.datasets.layouts.mask_names import IGNORED_NAMES, MaskNames
from striate.datasets.targets import IGNORED
from striate.errors import DataError, ImageError

_WHITE = 255
_NUMBERS, _GREYS, _COLOURS = 63, 16, 32
_TOLD = 12  # classes that a remark spells out


@dataclass(frozen=True)
class Meaning:
    """Classes, and the value of each in the files; `ignored` are the values that do not count."""

    classes: tuple[str, ...]
    values: tuple[int, ...]
    ignored: tuple[int, ...] = ()
    coloured: bool = False

    def __post_init__(self) -> None:
        if len(self.classes) > IGNORED:
            raise DataError(f"the masks have {len(self.classes)} classes; expected at most {IGNORED}")

    def numbers(self, values: Values) -> NDArray[np.uint8]:
        """The class (H, W) of each pixel. Raises ImageError for a value that has none, with its first pixel."""
        codes, numbers = self._table
        places = np.minimum(np.searchsorted(codes, values), len(codes) - 1)  # (H, W)
        unknown = codes[places] != values
        if unknown.any():
            y, x = np.unravel_index(int(unknown.argmax()), unknown.shape)
            known = ", ".join(shown(code, coloured=self.coloured) for code in codes[:_TOLD].tolist())
            raise ImageError(
                f"its mask has the value {shown(int(values[y, x]), coloured=self.coloured)} at pixel ({x}, {y}), which "
                f"is no class; expected {known}{', …' if len(codes) > _TOLD else ''}: list all in classes.txt"
            )
        return numbers[places]

    def remark(self) -> str:
        """One sentence for a person."""
        told = [
            f"{shown(value, coloured=self.coloured)} is {name!r}"
            for value, name in zip(self.values[:_TOLD], self.classes, strict=False)
        ]
        told += [f"and so on to {len(self.classes)} classes"] * (len(self.classes) > _TOLD)
        told += [f"{shown(value, coloured=self.coloured)} does not count" for value in self.ignored]
        return f"mask {'colour' if self.coloured else 'value'} {', '.join(told)}"

    @cached_property
    def _table(self) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """Values, sorted, and the class number of each."""
        codes = np.array([*self.values, *self.ignored], np.int32)
        numbers = np.array([*range(len(self.values)), *[IGNORED] * len(self.ignored)], np.uint8)
        order = codes.argsort()
        return codes[order], numbers[order]


def understand(seen: Sequence[int], where: Callable[[int], str], *, coloured: bool, names: MaskNames | None) -> Meaning:
    """The meaning of the values `seen` in a sample, in the order in which they were met.

    Raises DataError if they cannot be class values; `where` tells the file and the pixel of the first that is too many.
    """
    values = sorted(seen)
    if names is not None and names.values is not None:
        return _named(names)
    if coloured:
        _expect_few(seen, where, _COLOURS, "colours")
        called = _called(names, [shown(value, coloured=True) for value in values], seen, where)
        return Meaning(called, tuple(values), coloured=True)
    if set(values) <= {0, _WHITE} and (names is None or len(names.names) == 2):
        return Meaning(_called(names, ["background", "foreground"], seen, where), (0, _WHITE))
    counted = [value for value in values if value != _WHITE]
    top = max(counted, default=0)
    if top <= _NUMBERS or (names is not None and top < len(names.names)):
        return _numbers(seen, where, names)
    _expect_few(seen, where, _GREYS, "grey values")
    called = _called(names, [f"class {number}" for number in range(len(values))], seen, where)
    return Meaning(called, tuple(values))


def _numbers(seen: Sequence[int], where: Callable[[int], str], names: MaskNames | None) -> Meaning:
    """The values are class numbers, of which a sample need not show all; 255 does not count."""
    counted = [value for value in seen if value != _WHITE]
    top = max(counted, default=0)
    if names is not None and (top >= len(names.names) or len(names.names) == 1):
        beyond = [value for value in counted if value >= len(names.names)]
        raise DataError(
            f"classes.txt has {len(names.names)} names and the masks hold values up to {top}{_first(beyond, where)}; "
            "name every class, the background too"
        )
    classes = names.names if names else tuple(f"class {number}" for number in range(top + 1))
    return Meaning(classes, tuple(range(len(classes))), (_WHITE,))


def _named(names: MaskNames) -> Meaning:
    """As classes.txt says; 255 does not count unless it is in the list."""
    pairs = list(zip(names.names, names.values or (), strict=True))
    counted = [(name, value) for name, value in pairs if name.lower() not in IGNORED_NAMES]
    ignored = [value for name, value in pairs if name.lower() in IGNORED_NAMES]
    if not names.coloured and all(value != _WHITE for _, value in pairs):
        ignored.append(_WHITE)
    classes, values = tuple(name for name, _ in counted), tuple(value for _, value in counted)
    return Meaning(classes, values, tuple(ignored), names.coloured)


def _called(
    names: MaskNames | None, otherwise: list[str], seen: Sequence[int], where: Callable[[int], str]
) -> tuple[str, ...]:
    if names is None:
        return tuple(otherwise)
    if len(names.names) != len(otherwise):
        raise DataError(
            f"classes.txt has {len(names.names)} names and the masks {len(otherwise)} values"
            f"{_first(seen[len(names.names) :], where)}; write the value before each name: `128 road`, or "
            "`#ff0000 road`"
        )
    return names.names


def _first(beyond: Sequence[int], where: Callable[[int], str]) -> str:
    """Where the first value that is too many was met; nothing if there is none."""
    return f" ({where(beyond[0])})" if beyond else ""


def _expect_few(seen: Sequence[int], where: Callable[[int], str], most: int, what: str) -> None:
    if len(seen) > most:
        raise DataError(
            f"the masks have {len(seen)} different {what}{_first(seen[most:], where)}; expected one for each "
            "class: save them as PNG, since JPEG blurs values, or list all classes in classes.txt"
        )
