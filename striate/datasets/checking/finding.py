"""What was found in a data set: one kind of thing, how often, where, and what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Level = Literal["fault", "look", "note"]
"""fault: it spoils training or its figures. look: only a person can tell. note: how the data are."""

LEVELS: tuple[Level, ...] = ("fault", "look", "note")


class Case(NamedTuple):
    """One image to which a finding applies."""

    place: int
    detail: str
    partner: int = -1  # the image that it is compared with
    leave_out: bool = False  # training is better without it
    box: int = -1  # which of all boxes it is about


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found. `cases` are the worst first; what is of no single image has none."""

    kind: str  # for programs: "copies_across_parts"
    title: str  # for people
    level: Level
    count: int
    example: str  # the worst, or the figures
    advice: str
    unit: str = "images"
    cases: tuple[Case, ...] = ()

    @property
    def many(self) -> str:
        """How many of what: 1 image, 2,500 boxes."""
        singular = {"classes": "class", "boxes": "box"}.get(self.unit, self.unit.removesuffix("s"))
        return f"{self.count:,} {singular if self.count == 1 else self.unit}"

    def to_dict(self, names: Sequence[str]) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "kind": self.kind,
            "title": self.title,
            "level": self.level,
            "count": self.count,
            "unit": self.unit,
            "example": self.example,
            "advice": self.advice,
            "cases": [_plain(case, names) for case in self.cases],
        }


class Kind(NamedTuple):
    """What a finding of single images is called, and what to do about it."""

    name: str
    title: str
    level: Level
    advice: str
    unit: str = "images"


def of_cases(kind: Kind, cases: Iterable[Case], names: Sequence[str]) -> list[Finding]:
    """A finding of these cases, worst first; none if there is no case. Images count once, boxes each."""
    found = tuple(cases)
    if not found:
        return []
    count = len({case.place for case in found}) if kind.unit == "images" else len(found)
    example = f"{names[found[0].place]}: {found[0].detail}"
    return [Finding(kind.name, kind.title, kind.level, count, example, kind.advice, kind.unit, found)]


def left_out(findings: Iterable[Finding]) -> list[int]:
    """The places of images that training is better without, in order."""
    return sorted({case.place for finding in findings for case in finding.cases if case.leave_out})


def _plain(case: Case, names: Sequence[str]) -> dict[str, Any]:
    partner = {"partner": names[case.partner]} if case.partner >= 0 else {}
    return {"path": names[case.place], "detail": case.detail, **partner, "leave_out": case.leave_out}
