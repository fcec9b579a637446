"""Masks that cannot be used, and classes that no mask shows."""

import numpy as np

from striate.datasets.checking.finding import Case, Finding, Kind, of_cases
from striate.datasets.checking.survey import Survey, upright_sizes
from striate.datasets.targets import IGNORED

_UNUSABLE = Kind(
    "masks",
    "masks that cannot be used",
    "fault",
    "training cannot use them: draw the mask at the image's size, with the values of the classes",
)


def masks(survey: Survey) -> list[Finding]:
    """All findings about masks; none for data without."""
    if survey.masks is None:
        return []
    cases = sorted([*_unreadable(survey), *_unlike(survey)])
    return [
        *of_cases(_UNUSABLE, cases, survey.names),
        *_unseen(survey),
    ]


def _unreadable(survey: Survey) -> list[Case]:
    """Those with unknown values, or that cannot be decoded."""
    assert survey.masks is not None
    return [
        Case(place, reason, leave_out=True)
        for place, reason in survey.masks.reasons.items()
        if place not in survey.reasons
    ]


def _unlike(survey: Survey) -> list[Case]:
    """Those of another size than their image."""
    assert survey.masks is not None
    images, own = upright_sizes(survey.facts), survey.masks.sizes[:, ::-1]  # (N, 2) width, height
    places = np.flatnonzero((images > 0).all(axis=1) & (own > 0).all(axis=1) & (images != own).any(axis=1))
    return [
        Case(
            int(place),
            f"its mask has {own[place, 0]}×{own[place, 1]} pixels and the image {images[place, 0]}×{images[place, 1]}",
            leave_out=True,
        )
        for place in places
    ]


def _unseen(survey: Survey) -> list[Finding]:
    """Classes that have no pixel in any mask, and pixels whose number is no class."""
    assert survey.masks is not None
    pixels, known = survey.masks.pixels, len(survey.classes)
    missing = [name for name, count in zip(survey.classes, pixels, strict=False) if not count]
    beyond = [int(value) for value in np.flatnonzero(pixels[:IGNORED]) if value >= known]
    found = []
    if missing:
        example = ", ".join(missing[:6]) + (f", … ({len(missing) - 6} more)" if len(missing) > 6 else "")
        advice = "remove them from the list of classes, or add images that show them"
        found.append(Finding("unseen", "classes without a pixel", "look", len(missing), example, advice, "classes"))
    if beyond:
        shown_by = survey.masks.images.sum(axis=0)[beyond].max()
        example = f"the values {', '.join(map(str, beyond[:6]))} in at least {shown_by:,} masks"
        advice = f"expected 0 to {known - 1}, and {IGNORED} for pixels that do not count"
        found.append(
            Finding("unknown_values", "mask values without a class", "fault", len(beyond), example, advice, "values")
        )
    return found
