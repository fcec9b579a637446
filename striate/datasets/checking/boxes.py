"""Boxes that cannot be right: outside the image, without extent, drawn on an image of another size, or drawn twice."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking.finding import Case, Finding, Level, of_cases
from striate.datasets.checking.survey import Survey, upright_sizes
from striate.datasets.targets import Boxes

_SLACK = 1.0  # pixels by which a box may leave the frame: formats count from 0 or from 1, and round

Faulty = Callable[[Boxes, NDArray[np.int64], NDArray[np.int32]], NDArray[np.bool_]]


def boxes(survey: Survey) -> list[Finding]:
    """All findings about boxes; none for data without."""
    if not isinstance(survey.targets, Boxes):
        return []
    own, sizes = survey.targets, upright_sizes(survey.facts)
    owners = np.repeat(np.arange(len(own)), np.diff(own.starts))  # (M,) the image of each box
    return [*_faulty(survey, own, owners, sizes), *_other_sizes(survey, own, sizes), *_without(survey, own)]


def _faulty(survey: Survey, own: Boxes, owners: NDArray[np.int64], sizes: NDArray[np.int32]) -> Iterator[Finding]:
    left, top, right, bottom = own.corners.T
    extent = np.minimum(right - left, bottom - top)
    width, height = sizes[owners].T
    beyond = np.max([-left, -top, right - width, bottom - height], axis=0, initial=0)
    flat = extent <= 0
    outside = (beyond > _SLACK) & (width > 0) & ~flat
    kinds = (
        (
            "flat_boxes",
            "boxes without extent",
            flat,
            extent,
            "draw them again or remove them: most trainers crash on them",
        ),
        (
            "boxes_outside",
            "boxes outside the image",
            outside,
            -beyond,
            "cut them at the edge; if many are, widths and heights were swapped",
        ),
        (
            "boxes_twice",
            "boxes drawn twice",
            _again(own, owners),
            extent,
            "remove all but one: a detector is punished for finding it once",
        ),
    )
    for kind, title, chosen, worst, advice in kinds:
        order = np.flatnonzero(chosen)[np.argsort(worst[chosen], kind="stable")]
        cases = [Case(int(owners[place]), _box_text(survey, own, int(place)), box=int(place)) for place in order]
        level: Level = "look" if kind == "boxes_twice" else "fault"
        yield from of_cases(kind, title, level, cases, survey.names, advice=advice, unit="boxes")


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
    advice = "the boxes were drawn on another version of the image: scale them, or bring the image back"
    return of_cases("other_size", "annotated at another size", "fault", cases, survey.names, advice=advice)


def _size_text(survey: Survey, told: NDArray[np.int32], size: NDArray[np.int32], place: int) -> str:
    text = f"annotated as {told[0]}×{told[1]}, but is {size[0]}×{size[1]}"
    facts = survey.facts[place]
    turned = facts is not None and facts.orientation >= 5 and (told == size[::-1]).all()
    return f"{text}: drawn on the image before EXIF turned it" if turned else text


def _without(survey: Survey, own: Boxes) -> list[Finding]:
    """Images without any box."""
    cases = [Case(int(place), "no box") for place in np.flatnonzero(np.diff(own.starts) == 0)]
    advice = "background for training; if something is on them, draw it"
    return of_cases("without_boxes", "images without a box", "note", cases, survey.names, advice=advice)


def _box_text(survey: Survey, own: Boxes, place: int) -> str:
    left, top, right, bottom = own.corners[place]
    return f"{survey.classes[own.numbers[place]]} at {left:.6g}, {top:.6g} to {right:.6g}, {bottom:.6g}"
