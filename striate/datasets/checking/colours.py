"""Mean and spread of the pixels, as a network's preparation needs them."""

from typing import NamedTuple

import numpy as np

from striate.datasets.checking.survey import Survey


class Colours(NamedTuple):
    """In units of white = 1, for red, green and blue; each image weighs the same."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def colours(survey: Survey) -> Colours | None:
    """Of the training images as a whole: sqrt(E[x²] - E[x]²); None if none can be decoded."""
    chosen = survey.readable() & (survey.parts == 0)
    if survey.looks is None or not chosen.any():
        return None
    mean = survey.looks.means[chosen].mean(axis=0, dtype=np.float64)
    square = survey.looks.squares[chosen].mean(axis=0, dtype=np.float64)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    return Colours(tuple(mean.tolist()), tuple(spread.tolist()))
