"""Near duplicates: copies that were compressed again, resized, cut a little, brightened, turned or mirrored.

Two thumbnails show the same picture if, laid on each other, their greys correlate to 0.9 and their slopes to 0.93, and
if their mean colours agree where both are coloured: a red and a blue disc are two. Of the 200 million pairs of 20,000
tiles of CIFAR-10, turned in eight ways, 249 do, none of two classes; of the 84 least alike 3 are different things and
9 different models of aeroplanes in one pose (looked at one by one). Of 151 photographs and their copies at JPEG quality
50, at half size, at a quarter turn or cut by 3 % all are found, of those cut by 5 % in the middle 99 %, of those
brightened by 30 % 97 %; cut by 5 % at one corner only 74 % (docs/checking.md has the table).

Where all pictures resemble each other, as digits and clothes do, likeness by chance reaches as far; but it thins out
towards 1, where true copies pile up. So as long as at least 20 pairs are found and the next step, 0.97 or 0.99, would
keep less than half of them, that step is taken.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking.aligning import likeness
from striate.datasets.checking.copies import label_keys, label_text
from striate.datasets.checking.finding import Case, Finding, Kind, of_cases
from striate.datasets.checking.hashing import directions
from striate.datasets.checking.meeting import Pairs, near_pairs
from striate.datasets.checking.survey import SIDE, Survey, spreads
from striate.datasets.checking.turning import WAYS, turned

_GREYS = 0.9
_SLOPES = (0.93, 0.97, 0.99)
_MANY = 20  # pairs of which a share can be told
_FLAT = 2  # of 255: what spreads less shows nothing that could be compared
_GREY = 0.02  # of white: a weaker cast is no colour
_CHUNK = 1 << 15  # pairs


_ACROSS = Kind(
    "near_across_parts",
    "near duplicates across the division",
    "look",
    "one picture in two parts flatters the test: give both one group in a manifest",
)
_OTHER_LABELS = Kind(
    "near_with_other_labels", "near duplicates with different labels", "look", "look which label is right"
)
_WITHIN = Kind(
    "near_within_part",
    "near duplicates within a part",
    "look",
    "give them one group before you divide, so that they stay in one part",
)


class Near(NamedTuple):
    """Pairs that show the same picture, and how far their slopes correlate."""

    pairs: Pairs
    likeness: NDArray[np.float32]  # (P,)


def near(survey: Survey) -> list[Finding]:
    """Near duplicates across the division, with different labels, and within a part."""
    if survey.looks is None:
        return []
    found = find_near(survey)
    keys = label_keys(survey)
    first, second = found.pairs.first, found.pairs.second
    across = survey.parts[first] != survey.parts[second]
    differ = np.zeros(len(first), bool) if keys is None else keys[first] != keys[second]
    kinds = {_ACROSS: across, _OTHER_LABELS: differ, _WITHIN: ~across & ~differ}
    told = [of_cases(kind, _cases(survey, found, chosen), survey.names) for kind, chosen in kinds.items()]
    return [finding for findings in told for finding in findings]


def find_near(survey: Survey) -> Near:
    """Pairs of images that show the same picture; of images with equal pixels only the first is looked at."""
    assert survey.looks is not None
    thumbnails = survey.looks.thumbnails
    worth = np.flatnonzero(survey.readable() & (spreads(thumbnails) >= _FLAT))
    order = worth[np.argsort(survey.parts[worth], kind="stable")]  # training first
    _, firsts = np.unique(survey.marks[order], return_index=True)
    own = order[np.sort(firsts)]
    pairs = near_pairs(directions(thumbnails, own))
    pairs = Pairs(own[pairs.first], own[pairs.second], pairs.way)
    pairs = pairs.at(_of_one_colour(survey.looks.means, pairs))
    greys, slopes = _compare(thumbnails, pairs).T
    enough = (greys >= _GREYS) & (slopes >= _threshold(slopes[greys >= _GREYS]))
    return Near(pairs.at(enough), slopes[enough])


def _of_one_colour(means: NDArray[np.float32], pairs: Pairs) -> NDArray[np.bool_]:
    """Whether the mean red - green and green - blue (P, 2) of a pair differ by less than half, or one has no colour."""
    casts = np.diff(means, axis=1)  # (N, 2)
    first, second = casts[pairs.first], casts[pairs.second]
    strengths = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    differ = np.linalg.norm(first - second, axis=1)
    return np.asarray((np.minimum(*strengths) < _GREY) | (differ < np.maximum(*strengths) / 2 + _GREY))


def _compare(thumbnails: NDArray[np.uint8], pairs: Pairs) -> NDArray[np.float32]:
    """Correlation of greys and slopes (P, 2)."""
    found = [np.zeros((0, 2), np.float32)]
    for start in range(0, len(pairs.first), _CHUNK):
        some = pairs.at(np.arange(start, min(start + _CHUNK, len(pairs.first))))
        second = np.empty((len(some.first), SIDE, SIDE), np.uint8)
        for way in range(8):
            own = some.way == way
            second[own] = turned(thumbnails[some.second[own]], way)
        found.append(likeness(thumbnails[some.first], second))
    return np.concatenate(found)


def _threshold(slopes: NDArray[np.float32]) -> float:
    """How alike two pictures of this set must be to be called the same."""
    threshold = _SLOPES[0]
    for stricter in _SLOPES[1:]:
        found, left = (slopes >= threshold).sum(), (slopes >= stricter).sum()
        if found < _MANY or left >= found / 2:
            break
        threshold = stricter
    return threshold


def _cases(survey: Survey, found: Near, chosen: NDArray[np.bool_]) -> Iterator[Case]:
    """For each later image of a pair its likest partner, the likest pairs first."""
    order = np.flatnonzero(chosen)[np.argsort(-found.likeness[chosen], kind="stable")]
    _, best = np.unique(found.pairs.second[order], return_index=True)
    for place in order[np.sort(best)].tolist():
        first, second, way = (int(column[place]) for column in found.pairs)
        done = f" {WAYS[way]}" if way else ""
        detail = f"like {survey.names[first]} ({_where(survey, first)}){done}; likeness {found.likeness[place]:.3f}"
        yield Case(second, detail, first)


def _where(survey: Survey, place: int) -> str:
    label = label_text(survey, place)
    return f"{survey.part(place)}, {label}" if label else survey.part(place)
