"""What the files are: broken, empty, turned, animated, or without anything to see."""

from collections.abc import Callable, Iterable

import numpy as np

from striate.datasets.checking.finding import Case, Finding, Kind, of_cases
from striate.datasets.checking.survey import Survey, spreads
from striate.images.facts import Facts

_OPTION, _EMPTY = "--", "(0 bytes)"  # in the reason of a file that only wants an option, and of an empty one
_FLAT = 2  # of 255
_STORED = {
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored upside down",
    5: "mirrored and turned by 90°",
    6: "turned by 90°",
    7: "mirrored and turned by 90°",
    8: "turned by 90°",
}

_BROKEN = Kind(
    "unreadable",
    "cannot be decoded",
    "fault",
    "training leaves them out by itself; replace them, or --exclude them to be asked no more",
)
_NOTHING = Kind("empty", "empty files", "fault", "copy them again from where they came")
_UNSETTLED = Kind("unsettled", "readable only with an option", "look", "give train the option that is named")
_TURNED = Kind(
    "turned",
    "turned by EXIF",
    "look",
    "striate turns them upright; check boxes and masks that were drawn with other programs",
)
_ANIMATED = Kind(
    "animated",
    "animated or of several pages",
    "look",
    "only the first is used; save the others as files of their own if they matter",
)
_OF_ONE_COLOUR = Kind(
    "flat",
    "almost of one colour",
    "look",
    "nothing can be seen on them: a closed lens, a failed export, an empty tile?",
)


def unreadable(survey: Survey) -> list[Finding]:
    """Files that cannot be decoded as a whole, those of no bytes, and those that only want an option."""
    sorts: dict[Kind, list[Case]] = {_BROKEN: [], _NOTHING: [], _UNSETTLED: []}
    for place, reason in survey.reasons.items():
        kind = _NOTHING if _EMPTY in reason else _UNSETTLED if _OPTION in reason else _BROKEN
        sorts[kind].append(Case(place, reason, leave_out=kind is not _UNSETTLED))
    return [finding for kind, cases in sorts.items() for finding in of_cases(kind, cases, survey.names)]


def turned(survey: Survey) -> list[Finding]:
    """Photographs that their EXIF data turn upright."""
    cases = cases_where(survey, lambda own: own.orientation != 1, lambda own: f"stored {_STORED[own.orientation]}")
    return of_cases(_TURNED, cases, survey.names)


def animated(survey: Survey) -> list[Finding]:
    """Animations and files of several pages."""
    cases = cases_where(survey, lambda own: own.frames > 1, lambda own: f"{own.frames:,} frames or pages")
    return of_cases(_ANIMATED, cases, survey.names)


def flat(survey: Survey) -> list[Finding]:
    """Images of almost one colour: their thumbnail spreads over less than 2 of 255, not for want of a range."""
    if survey.looks is None:
        return []
    spread = spreads(survey.looks.thumbnails)
    places = [place for place in np.flatnonzero((spread < _FLAT) & survey.readable()) if place not in survey.peaks]
    return of_cases(_OF_ONE_COLOUR, [Case(int(p), f"spread {spread[p]:.1f} of 255") for p in places], survey.names)


def cases_where(survey: Survey, belongs: Callable[[Facts], bool], describe: Callable[[Facts], str]) -> list[Case]:
    """The images whose facts are of some sort."""
    return [Case(place, describe(own)) for place, own in enumerate(survey.facts) if own is not None and belongs(own)]


def formats(facts: Iterable[Facts | None]) -> dict[str, int]:
    """How many files there are of each format, the commonest first."""
    names, counts = np.unique([own.format for own in facts if own is not None], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[place]): int(counts[place]) for place in order}
