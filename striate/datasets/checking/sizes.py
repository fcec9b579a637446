"""Sizes: images that would have to be blown up, and very long ones."""

import numpy as np

from striate.datasets.checking.finding import Case, Finding, Kind, of_cases
from striate.datasets.checking.survey import Survey, upright_sizes
from striate.images.preparation import Geometry

_LONG = 3.0  # times as long as wide
_EXTREME = Kind(
    "long",
    "of extreme aspect",
    "look",
    "crop shows a small part of them and stretch distorts them: cut them up, or --fit pad",
)


def small(survey: Survey, geometry: Geometry) -> list[Finding]:
    """Images that are smaller than what they are brought to; one sentence if most are."""
    sizes, readable = upright_sizes(survey.facts), survey.readable()
    height, width = geometry.size
    scale = np.maximum(width / np.maximum(sizes[:, 0], 1), height / np.maximum(sizes[:, 1], 1))  # (N,) enlargement
    places = np.flatnonzero((scale > 1) & readable)
    if len(places) > readable.sum() / 2:
        typical = int(np.median(sizes[readable].min(axis=1)))
        example = (
            f"{len(places):,} of {readable.sum():,} are smaller than {width}×{height}; the median is {typical} pixels"
        )
        advice = f"blown up they cost more and show no more: --size {typical}"
        return [Finding("small", "smaller than the size asked for", "look", len(places), example, advice)]
    order = places[np.argsort(-scale[places], kind="stable")]
    cases = [
        Case(int(place), f"{sizes[place, 0]}×{sizes[place, 1]}: enlarged {scale[place]:.1f} times") for place in order
    ]
    advice = f"they turn soft at {width}×{height}: use larger originals, or a smaller --size"
    kind = Kind("small", "smaller than the size asked for", "look", advice)
    return of_cases(kind, cases, survey.names)


def long(survey: Survey) -> list[Finding]:
    """Images at least three times as long as wide, or as wide as long."""
    sizes, readable = upright_sizes(survey.facts), survey.readable()
    aspect = sizes.max(axis=1) / np.maximum(sizes.min(axis=1), 1)
    places = np.flatnonzero((aspect >= _LONG) & readable)
    order = places[np.argsort(-aspect[places], kind="stable")]
    cases = [Case(int(place), f"{sizes[place, 0]}×{sizes[place, 1]}, {aspect[place]:.1f} to 1") for place in order]
    return of_cases(_EXTREME, cases, survey.names)
