"""What the files are: broken, empty, turned, animated, or of another kind than the rest."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from striate.datasets.checking.finding import Case, Finding, Level, of_cases
from striate.datasets.checking.survey import Survey, spreads
from striate.images.facts import Facts

_EMPTY = "(0 bytes)"  # in the reason of an empty file
_DEEP = 8  # bits
_UPRIGHT = {
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored upside down",
    5: "mirrored and turned by 90°",
    6: "turned by 90°",
    7: "mirrored and turned by 90°",
    8: "turned by 90°",
}


def unreadable(survey: Survey) -> list[Finding]:
    """Files that cannot be decoded as a whole, and those of no bytes."""
    broken: list[Case] = []
    empty: list[Case] = []
    for place, reason in survey.reasons.items():
        (empty if _EMPTY in reason else broken).append(Case(place, reason, leave_out=True))
    advice = "training leaves them out by itself; replace them, or --exclude them to be asked no more"
    return [
        *of_cases("unreadable", "cannot be decoded", "fault", broken, survey.names, advice=advice),
        *of_cases("empty", "empty files", "fault", empty, survey.names, advice="copy them again from where they came"),
    ]


def turned(survey: Survey) -> list[Finding]:
    """Photographs that their EXIF data turn upright."""
    cases = _cases(survey, lambda own: own.orientation != 1, lambda own: f"stored {_UPRIGHT[own.orientation]} (EXIF)")
    advice = "striate turns them upright; check boxes and masks that were drawn with other programs"
    return of_cases("turned", "turned by EXIF", "look", cases, survey.names, advice=advice)


def animated(survey: Survey) -> list[Finding]:
    """Animations and files of several pages."""
    cases = _cases(survey, lambda own: own.frames > 1, lambda own: f"{own.frames:,} frames or pages")
    advice = "only the first is used; save the others as files of their own if they matter"
    return of_cases("animated", "animated or of several pages", "look", cases, survey.names, advice=advice)


def _is_float(own: Facts) -> bool:
    return own.mode == "F" or "float" in own.mode


class _Kind(NamedTuple):
    """A kind of image that is told where some are of it and others are not."""

    kind: str
    title: str
    belongs: Callable[[Facts], bool]
    advice: str


_KINDS = (
    _Kind("cmyk", "CMYK", lambda own: own.mode == "CMYK", "they become red, green, blue; printed colours may be off"),
    _Kind(
        "transparent", "transparent", lambda own: own.transparent, "what shows through becomes white; look if it should"
    ),
    _Kind(
        "deep",
        "more than 8 bits",
        lambda own: own.bits > _DEEP and not _is_float(own),
        "brought to 8 bits by their white; --range LOW:HIGH or 16bit keeps all",
    ),
    _Kind(
        "float",
        "floating point",
        _is_float,
        "0 to 1 are taken for black to white; --range says otherwise",
    ),
    _Kind(
        "palette",
        "palette",
        lambda own: own.mode in ("P", "PA"),
        "they become red, green, blue, and should be equal in looks",
    ),
    _Kind("bands", "several bands", lambda own: "×" in own.mode, "--channels N takes N bands"),
)


def mixed(survey: Survey) -> list[Finding]:
    """Kinds of images that some are of and the rest are not; and those that are all of one unusual kind."""
    known = [own for own in survey.facts if own is not None]
    found = _grey_among_colour(survey, known)
    for kind in _KINDS:
        cases = _cases(survey, kind.belongs, _describe)
        level: Level = "note" if len(cases) == len(known) else "look"
        found += of_cases(kind.kind, kind.title, level, cases, survey.names, advice=kind.advice)
    return found


def _grey_among_colour(survey: Survey, known: list[Facts]) -> list[Finding]:
    """Whichever of grey and colour is rarer, if there is both."""
    grey = sum(own.channels == "grey" for own in known)
    if grey in (0, len(known)):
        return []
    rare, rest = ("grey", "colour") if grey <= len(known) / 2 else ("colour", "grey")
    cases = _cases(survey, lambda own: (own.channels == "grey") == (rare == "grey"), _describe)
    advice = f"if only some classes have {rare} images, a network learns that; --channels 1 makes all grey"
    return of_cases(f"{rare}_among_{rest}", f"{rare} among {rest}", "look", cases, survey.names, advice=advice)


def flat(survey: Survey) -> list[Finding]:
    """Images of almost one colour: their thumbnail spreads over less than 2 of 255."""
    if survey.looks is None:
        return []
    spread = spreads(survey.looks.thumbnails)
    cases = [
        Case(int(place), f"spread {spread[place]:.1f} of 255")
        for place in np.flatnonzero((spread < 2) & survey.readable())
    ]
    advice = "nothing can be seen on them: a closed lens, a failed export, an empty tile?"
    return of_cases("flat", "almost of one colour", "look", cases, survey.names, advice=advice)


def _cases(survey: Survey, belongs: Callable[[Facts], bool], describe: Callable[[Facts], str]) -> list[Case]:
    return [Case(place, describe(own)) for place, own in enumerate(survey.facts) if own is not None and belongs(own)]


def _describe(own: Facts) -> str:
    return f"{own.format} {own.mode}, {own.bits} bits"


def formats(facts: Iterable[Facts | None]) -> dict[str, int]:
    """How many files there are of each format, the commonest first."""
    names, counts = np.unique([own.format for own in facts if own is not None], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[place]): int(counts[place]) for place in order}
