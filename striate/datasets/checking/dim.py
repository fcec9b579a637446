"""Images that use little of their white: 12 bits of a camera in 16 bits of a file look black, and lose most in 8."""

from math import ceil, isnan, log2

import numpy as np

from striate.datasets.checking.finding import Case, Finding, Kind, of_cases
from striate.datasets.checking.survey import Survey
from striate.errors import ImageError
from striate.images.depth import WHITE_16
from striate.images.facts import Reading
from striate.images.reading import ImageSource, examine

_SHARE = 1 / 8  # of white


def peak_of(source: ImageSource, reading: Reading) -> tuple[float, float] | None:
    """The largest value as it is stored, and white, of more than 8 bits, if the value is below an eighth of white.

    An image of one value alone has nothing to be kept apart.
    """
    if reading.facts.bits <= 8 or reading.pixels.max() > reading.white * _SHARE + 1:
        return None
    try:
        stored = examine(source, deep=True) if reading.pixels.dtype == np.uint8 else reading
    except ImageError:  # it was read in 8 bits; where there is no deep reading there is no range to propose
        return None
    low, high = float(stored.pixels.min()), float(stored.pixels.max())
    white = WHITE_16 if isnan(stored.white) else stored.white
    return (high, white) if low < high < white * _SHARE else None


def dim(survey: Survey) -> list[Finding]:
    """Images of more than 8 bits whose largest value stays below an eighth of white, the darkest first."""
    if not survey.peaks:
        return []
    order = sorted(survey.peaks, key=lambda place: survey.peaks[place][0] / survey.peaks[place][1])
    cases = [Case(place, "values reach at most {} of {}".format(*map(_figure, survey.peaks[place]))) for place in order]
    peaks, whites = zip(*survey.peaks.values(), strict=True)
    if len(order) == survey.readable().sum() and len(set(whites)) == 1:
        advice = f"--range 0:{_figure(_bound(max(peaks), whites[0]))} keeps them apart; in 8 bits they look black"
    else:
        advice = "they look black beside the others: bring all to one white, or give a --range that holds all values"
    return of_cases(Kind("dim", "of little of their white", "look", advice), cases, survey.names)


def _bound(peak: float, white: float) -> float:
    """The next power of two, of whole numbers less one: 4095 for 3000, and 0.0625 for 0.05."""
    return float(2 ** ceil(log2(peak)) if white <= 1 else 2 ** ceil(log2(peak + 1)) - 1)


def _figure(value: float) -> str:
    """Without an exponent, as --range takes it.

    >>> _figure(65535.0), _figure(0.0625)
    ('65535', '0.0625')
    """
    return f"{value:.9f}".rstrip("0").rstrip(".")
