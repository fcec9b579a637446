"""The facts of a data set in plain values: how many images of what kinds and sizes, and what each fit does to them."""

from typing import Any

import numpy as np

from striate.datasets.checking.balance import class_counts
from striate.datasets.checking.colours import colours
from striate.datasets.checking.files import formats
from striate.datasets.checking.fitting import fittings
from striate.datasets.checking.survey import Survey, upright_sizes
from striate.datasets.dataset import PARTS
from striate.images.preparation import Geometry


def summarise(survey: Survey, geometry: Geometry) -> dict[str, Any]:
    """Plain values, ready for JSON."""
    readable, measured = survey.readable(), colours(survey)
    counts = class_counts(survey)
    return {
        "images": len(survey),
        "readable": int(readable.sum()),
        "parts": {part: int((survey.parts == number).sum()) for number, part in enumerate(PARTS)},
        "classes": [
            {"class": name, **{part: int(counts[number, place]) for number, part in enumerate(PARTS)}}
            for place, name in enumerate(survey.classes)
        ],
        "formats": formats(survey.facts),
        "sizes": _sizes(survey),
        "colours": None if measured is None else measured._asdict(),
        "fits": [own._asdict() for own in fittings(survey.facts, geometry)],
    }


def _sizes(survey: Survey) -> dict[str, tuple[int, int]] | None:
    """Width and height of the image of least, median and largest area."""
    sizes = upright_sizes(survey.facts)
    sizes = sizes[sizes[:, 0] > 0].astype(np.int64)
    if not len(sizes):
        return None
    order = np.argsort(sizes.prod(axis=1), kind="stable")
    chosen = {"smallest": order[0], "median": order[len(order) // 2], "largest": order[-1]}
    return {name: (int(sizes[place, 0]), int(sizes[place, 1])) for name, place in chosen.items()}
