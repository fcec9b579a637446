"""Labels that look wrong: images whose nearest neighbours, in the features of a network, are of another class.

For each image the k = 10 others are taken whose features have the highest cosine with its own (leave-one-out). Its
label is doubted if at least 8 of them are of one other class, and, where its class has no more than 10 images, none of
its own. The only image of a class has nothing to be compared with.

Measured with MobileNet v2 of ImageNet on the 110 photographs of hymenoptera: of 6 labels that were changed by chance
85 % are doubted (20 draws), and 79 % of the doubted ones are those; as the labels came, one is doubted, a wasp among
the ants.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from striate.datasets.checking.finding import Case, Finding, Kind, of_cases
from striate.datasets.checking.survey import Survey
from striate.datasets.targets import Classes

_NEAREST = 10
_AGREE = 8
_CHUNK = 4096  # images


@dataclass(frozen=True)
class Features:
    """What a network makes of the images at `places` (M,), of length 1."""

    values: NDArray[np.float16]  # (M, D)
    places: NDArray[np.int64]
    told: str  # which features they are


def doubted(survey: Survey, features: Features | None) -> list[Finding]:
    """Images whose neighbours agree on another class; none without features, or of fewer than 12 images."""
    if features is None or not isinstance(survey.targets, Classes) or len(features.places) <= _NEAREST + 1:
        return []
    numbers = survey.targets.numbers[features.places]
    near = nearest(features.values, _NEAREST)
    votes = numbers[near]  # (M, 10)
    agreeing = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)  # (M, 10) how many say the same as each
    winner = agreeing.argmax(axis=1)
    rows = np.arange(len(near))
    most, other = agreeing[rows, winner], votes[rows, winner]
    own = (votes == numbers[:, None]).sum(axis=1)
    suspect = np.flatnonzero((other != numbers) & (most >= _AGREE) & (own <= _allowed(numbers)))
    cases = [
        Case(
            int(features.places[row]),
            f"labelled {survey.classes[int(numbers[row])]!r}; {most[row]} of its {_NEAREST} neighbours are "
            f"{survey.classes[int(other[row])]!r}",
            int(features.places[near[row, winner[row]]]),
        )
        for row in suspect[np.lexsort((own[suspect], -most[suspect]))].tolist()
    ]
    advice = f"look at each and put it where it belongs ({features.told})"
    return of_cases(Kind("doubted", "labels that look wrong", "look", advice), cases, survey.names)


def _allowed(numbers: NDArray[np.int32]) -> NDArray[np.int64]:
    """How many neighbours of the own class (M,) still leave a doubt."""
    size = np.bincount(numbers)[numbers]
    return np.where(size > _NEAREST, _NEAREST, np.where(size > 1, 0, -1))


def nearest(features: NDArray[np.float16], count: int) -> NDArray[np.int64]:
    """The `count` others (M, count) of highest cosine for features (M, D) of length 1, the nearest first."""
    found = []
    for start in range(0, len(features), _CHUNK):
        own = torch.from_numpy(features[start : start + _CHUNK]).float()
        best = torch.full((len(own), count), -torch.inf)
        places = torch.zeros(len(own), count, dtype=torch.int64)
        for begin in range(0, len(features), _CHUNK):
            cosines = own @ torch.from_numpy(features[begin : begin + _CHUNK]).float().T
            if begin == start:
                cosines.fill_diagonal_(-torch.inf)
            here = torch.arange(begin, begin + cosines.shape[1]).expand_as(cosines)
            best, chosen = torch.cat([best, cosines], 1).topk(count, dim=1)
            places = torch.cat([places, here], 1).gather(1, chosen)
        found.append(places)
    return torch.cat(found).numpy()
