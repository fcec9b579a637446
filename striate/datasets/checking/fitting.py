"""What each fit makes of the images: what crop throws away, how much black pad adds, how far stretch distorts.

For an image of aspect a = width / height on a frame of aspect f, let r = min(a, f) / max(a, f). Crop keeps r of its
area (times the square of the geometry's share), pad fills r of the frame, stretch makes one side 1 / r times too long.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking.finding import Finding
from striate.datasets.checking.survey import Survey, upright_sizes
from striate.images.facts import Facts
from striate.images.fits import Fit
from striate.images.preparation import Geometry

_CUT = 0.2  # of the median image lost
_CUT_BY_TENTH = 1 / 3  # of the worst tenth of the images
_MUCH = 0.4  # of a frame left black, or of an image lost to a share: more than a photograph of 3:2 does
_DISTORTED = 1.6
_WORD = 0.005  # lost: less is called nothing


class Fitting(NamedTuple):
    """What one fit does to the median image, and to the worst tenth."""

    fit: Fit
    lost: float  # share of the image's area
    black: float  # share of the frame
    distorted: float  # times too long
    lost_by_tenth: float  # at least this by a tenth of the images
    black_by_tenth: float
    distorted_by_tenth: float


def fittings(facts: Sequence[Facts | None], geometry: Geometry) -> tuple[Fitting, ...]:
    """Crop, pad and stretch, whichever is chosen; none if no image can be decoded."""
    ratio = _ratios(facts, geometry)
    if not len(ratio):
        return ()
    share = geometry.share**2
    middle, tenth = (float(value) for value in np.quantile(ratio, [0.5, 0.1]))
    return (
        Fitting("crop", 1 - share * middle, 0, 1, 1 - share * tenth, 0, 1),
        Fitting("pad", 0, 1 - middle, 1, 0, 1 - tenth, 1),
        Fitting("stretch", 1 - share, 0, 1 / middle, 1 - share, 0, 1 / tenth),
    )


def median_image(facts: Sequence[Facts | None], geometry: Geometry) -> int:
    """The place of an image to which the fit does what it does to the median; -1 if none can be decoded."""
    ratio = _ratios(facts, geometry)
    if not len(ratio):
        return -1
    readable = np.flatnonzero([own is not None for own in facts])
    return int(readable[np.abs(ratio - np.quantile(ratio, 0.5)).argmin()])


def fit(survey: Survey, geometry: Geometry) -> list[Finding]:
    """What the chosen fit does; to be looked at if it throws much away."""
    every = {own.fit: own for own in fittings(survey.facts, geometry)}
    if not every:
        return []
    own, sizes = every[geometry.fit], upright_sizes(survey.facts)
    width, height = sizes[median_image(survey.facts, geometry)]
    size = f"{geometry.size[1]}×{geometry.size[0]}"
    told = {
        "crop": f"crop at {size} discards {own.lost:.0%} of the median image ({width}×{height}); pad would keep all"
        if own.lost >= _WORD
        else f"crop at {size} keeps the median image ({width}×{height}) whole",
        "pad": f"pad at {size} leaves {own.black:.0%} of the frame black for the median image ({width}×{height})",
        "stretch": f"stretch to {size} makes the median image ({width}×{height}) {own.distorted:.2f} times too long",
    }
    much = own.lost > _MUCH or own.black > _MUCH or own.distorted > _DISTORTED
    if own.fit == "crop":
        much = own.lost > _CUT or own.lost_by_tenth > _CUT_BY_TENTH
    advice = _advice(own, every) if much else "nothing to do"
    return [
        Finding("fit", f"what --fit {own.fit} does", "look" if much else "note", len(survey), told[own.fit], advice)
    ]


def _advice(own: Fitting, every: dict[Fit, Fitting]) -> str:
    if own.fit == "crop":
        return (
            f"consider --fit pad ({every['pad'].black:.0%} of the frame black) or --fit stretch "
            f"({every['stretch'].distorted:.2f} times too long), unless what matters is in the middle"
        )
    if own.fit == "pad":
        return f"a quicker look: --fit crop, if the {every['crop'].lost:.0%} at the edges do not matter"
    return "shapes change: --fit pad keeps them"


def _ratios(facts: Sequence[Facts | None], geometry: Geometry) -> NDArray[np.float64]:
    """The r (M,) of the images that can be decoded."""
    sizes = upright_sizes(facts)
    sizes = sizes[sizes[:, 0] > 0]
    aspect = sizes[:, 0] / sizes[:, 1] / (geometry.size[1] / geometry.size[0])
    return np.asarray(np.minimum(aspect, 1 / aspect))
