"""Boxes that cannot be right: outside the image, without extent, drawn on an image of another size, or drawn twice."""

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking.finding import Case, Finding, Kind, of_cases
from striate.datasets.checking.survey import Survey, upright_sizes
from striate.datasets.targets import Boxes

_SLACK = 1.0  # pixels by which a box may leave the frame: formats count from 0 or from 1, and round

_FLAT = Kind(
    "flat_boxes",
    "boxes without extent",
    "fault",
    "draw them again or remove them: many trainers stop at them",
    "boxes",
)
_OUTSIDE = Kind(
    "boxes_outside",
    "boxes outside the image",
    "fault",
    "cut them at the edge; if many are, widths and heights were swapped",
    "boxes",
)
_TWICE = Kind(
    "boxes_twice",
    "boxes drawn twice",
    "look",
    "remove all but one: a detector is punished for finding it once",
    "boxes",
)
_OTHER_SIZE = Kind(
    "other_size",
    "annotated at another size",
    "fault",
    "the boxes were drawn on another version of the image: scale them, or bring the image back",
)
_WITHOUT = Kind(
    "without_boxes",
    "images without a box",
    "note",
    "background for training; if something is on them, draw it",
)


def boxes(survey: Survey) -> list[Finding]:
    """All findings about boxes; none for data without."""
    if not isinstance(survey.targets, Boxes):
        return []
    own, sizes = survey.targets, upright_sizes(survey.facts)
    owners = np.repeat(np.arange(len(own)), np.diff(own.starts))  # (M,) the image of each box
    left, top, right, bottom = own.corners.T
    extent = np.minimum(right - left, bottom - top)
    width, height = sizes[owners].T
    beyond = np.max([-left, -top, right - width, bottom - height], axis=0, initial=0)
    outside = (beyond > _SLACK) & (width > 0) & (extent > 0)
    return [
        *_told(survey, _FLAT, extent <= 0, extent),
        *_told(survey, _OUTSIDE, outside, -beyond),
        *_told(survey, _TWICE, _again(own, owners), extent),
        *_other_sizes(survey, own, sizes),
        *_without(survey, own),
    ]


def _told(survey: Survey, kind: Kind, chosen: NDArray[np.bool_], worst: NDArray[np.float64]) -> list[Finding]:
    """The boxes (M,) that are chosen, those of the least number first."""
    own = survey.targets
    assert isinstance(own, Boxes)
    order = np.flatnonzero(chosen)[np.argsort(worst[chosen], kind="stable")]
    owners = np.searchsorted(own.starts, order, "right") - 1
    pairs = zip(owners.tolist(), order.tolist(), strict=True)
    return of_cases(kind, [Case(image, _box_text(survey, own, box), box=box) for image, box in pairs], survey.names)


def _again(own: Boxes, owners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the same image has an earlier box (M,) of the same class and, in whole pixels, the same corners."""
    rows = np.column_stack([owners, own.numbers, np.rint(own.corners)])
    _, firsts = np.unique(rows, axis=0, return_index=True)
    again = np.ones(len(rows), bool)
    again[firsts] = False
    return again


def _other_sizes(survey: Survey, own: Boxes, sizes: NDArray[np.int32]) -> list[Finding]:
    """Images of another size than their annotation says."""
    told = own.sizes
    places = np.flatnonzero((told > 0).all(axis=1) & (sizes > 0).all(axis=1) & (told != sizes).any(axis=1))
    cases = [Case(int(place), _size_text(survey, told[place], sizes[place], int(place))) for place in places]
    return of_cases(_OTHER_SIZE, cases, survey.names)


def _size_text(survey: Survey, told: NDArray[np.int32], size: NDArray[np.int32], place: int) -> str:
    text = f"annotated as {told[0]}×{told[1]}, but is {size[0]}×{size[1]}"
    facts = survey.facts[place]
    turned = facts is not None and facts.orientation >= 5 and (told == size[::-1]).all()
    return f"{text}: drawn on the image before EXIF turned it" if turned else text


def _without(survey: Survey, own: Boxes) -> list[Finding]:
    """Images without any box."""
    cases = [Case(int(place), "no box") for place in np.flatnonzero(np.diff(own.starts) == 0)]
    return of_cases(_WITHOUT, cases, survey.names)


def _box_text(survey: Survey, own: Boxes, place: int) -> str:
    left, top, right, bottom = own.corners[place]
    return f"{survey.classes[int(own.numbers[place])]} at {left:.6g}, {top:.6g} to {right:.6g}, {bottom:.6g}"
