"""The names of many files in little memory: their bytes end to end, and where each one ends."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray


class Names(Sequence[str]):
    """Paths below a root, or other names: each costs its bytes and eight more.

    >>> names = Names(["cat/1.png", "dog/2.png"])
    >>> names[1], len(names), names.index("dog/2.png")
    ('dog/2.png', 2, 1)
    """

    def __init__(self, names: Iterable[str]) -> None:
        joined, ends = bytearray(), [0]
        for name in names:
            joined += os.fsencode(name)
            ends.append(len(joined))
        self._joined, self._ends = bytes(joined), np.array(ends, np.int64)

    def raw(self, index: int) -> str:
        """The name as the file system has it, which is perhaps no text: to open a file by."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"name {index} of {len(self)}")
        place = index % len(self)
        return os.fsdecode(self._joined[self._ends[place] : self._ends[place + 1]])

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Names": ...
    def __getitem__(self, index: int | slice) -> "str | Names":
        """A name as text that can be written anywhere: bytes that are no text are escaped."""
        if isinstance(index, slice):
            return self.at(range(len(self))[index])
        return self.raw(index).encode(errors="backslashreplace").decode()

    def at(self, places: Iterable[int] | NDArray[np.integer]) -> "Names":
        """The names at some places, in that order."""
        return Names(self.raw(int(place)) for place in places)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Names) and (self._joined, self._ends.tobytes()) == (
            other._joined,
            other._ends.tobytes(),
        )

    def __hash__(self) -> int:
        return hash(self._joined)
