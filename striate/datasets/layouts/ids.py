"""Ids by which the records of a file know each other, whatever the order in which they are met."""

from striate.errors import DataError

Id = int | str


class Ids:
    """The ids of one kind of record, numbered as they are met; others may point to an id before its record comes."""

    def __init__(self, kind: str) -> None:
        self.numbers: dict[Id, int] = {}
        self.described: list[int] = []  # numbers, in the order of the records
        self._kind = kind
        self._awaited: dict[Id, str] = {}

    def point(self, identity: Id, where: str) -> int:
        """The number of an id that a record at `where` points to."""
        if identity not in self.numbers:
            self._awaited[identity] = where
        return self.numbers.setdefault(identity, len(self.numbers))

    def describe(self, identity: Id, where: str) -> None:
        """The record of an id has come. Raises DataError if it is the second."""
        if identity in self.numbers and identity not in self._awaited:
            raise DataError(f"{where} has the id {identity!r} that another of the {self._kind} has; give each its own")
        self._awaited.pop(identity, None)
        self.described.append(self.numbers.setdefault(identity, len(self.numbers)))

    def expect_all(self) -> None:
        """Raise DataError if a record points to an id that none describes."""
        for identity, where in self._awaited.items():
            raise DataError(f"{where} points to {identity!r}, which is not among the {self._kind}; add or remove it")
