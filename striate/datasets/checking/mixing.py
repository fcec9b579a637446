"""Images of another kind than the rest: grey among colour, CMYK, transparent, of many bits, with a palette."""

from collections.abc import Callable

from striate.datasets.checking.files import cases_where
from striate.datasets.checking.finding import Finding, Kind, of_cases
from striate.datasets.checking.survey import Survey
from striate.images.facts import Facts

_BYTE = 8  # bits


def mixed(survey: Survey) -> list[Finding]:
    """Kinds that some images are of and the rest are not; a kind that all are of is only a note."""
    known = [own for own in survey.facts if own is not None]
    found = _grey_among_colour(survey, known)
    for kind, belongs in _KINDS.items():
        cases = cases_where(survey, belongs, _describe)
        every = len(cases) == len(known)
        found += of_cases(kind._replace(level="note") if every else kind, cases, survey.names)
    return found


def _grey_among_colour(survey: Survey, known: list[Facts]) -> list[Finding]:
    """Whichever of grey and colour is rarer, if there is both."""
    grey = sum(own.channels == "grey" for own in known)
    if grey in (0, len(known)):
        return []
    rare, rest = ("grey", "colour") if grey <= len(known) / 2 else ("colour", "grey")
    cases = cases_where(survey, lambda own: (own.channels == "grey") == (rare == "grey"), _describe)
    advice = f"if only some classes have {rare} images, a network learns that; --channels 1 makes all grey"
    return of_cases(Kind(f"{rare}_among_{rest}", f"{rare} among {rest}", "look", advice), cases, survey.names)


def _describe(own: Facts) -> str:
    return f"{own.format} {own.mode}, {own.bits} bits"


def _is_float(own: Facts) -> bool:
    return own.mode == "F" or "float" in own.mode


_KINDS: dict[Kind, Callable[[Facts], bool]] = {
    Kind("cmyk", "CMYK", "look", "they become red, green, blue; printed colours may be off"): (
        lambda own: own.mode == "CMYK"
    ),
    Kind("transparent", "transparent", "look", "what shows through becomes white; look if it should"): (
        lambda own: own.transparent
    ),
    Kind("deep", "more than 8 bits", "look", "brought to 8 bits by their white; --range 16bit or LOW:HIGH keeps all"): (
        lambda own: own.bits > _BYTE and not _is_float(own)
    ),
    Kind("float", "floating point", "look", "0 to 1 are black to white; --range LOW:HIGH says otherwise"): _is_float,
    Kind("palette", "palette", "look", "they become red, green, blue, and should look as the others do"): (
        lambda own: own.mode in ("P", "PA")
    ),
    Kind("bands", "several bands", "look", "--channels N takes N bands"): lambda own: "×" in own.mode,
}
