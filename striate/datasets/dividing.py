"""The division into training, validation and test images: drawn by class, groups kept together, written down."""

import csv
import io
import os
from collections import defaultdict
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import PARTS, TEST, TRAIN, VALIDATION, Dataset
from striate.datasets.targets import Classes, Tags, rarest

_TRAIN, _VALIDATION, _TEST = (PARTS.index(part) for part in (TRAIN, VALIDATION, TEST))
_FIFTH, _TENTH = 0.2, 0.1
_FEW = 10  # images of the same tags, fewer of which are not divided by themselves


def divide(dataset: Dataset, seed: int, *, validation: float = _TENTH) -> Dataset:
    """Draw what is not divided: a fifth of each class for the test, a tenth for validation, the same for each seed.

    Data that bring a validation part but no test keep all the rest for training. Groups stay in one part. With another
    share for `validation` its part is larger or smaller.
    """
    present = {part for part in PARTS if len(dataset.members(part))}
    shares = {} if dataset.divided else {_TEST: _FIFTH}
    shares |= {} if VALIDATION in present else {_VALIDATION: validation}
    undivided = dataset.members(TRAIN)
    strata = _strata(dataset)[undivided]
    if dataset.groups is None:
        drawn = _by_class(strata, seed, shares)
    else:
        drawn = _by_group(strata, dataset.groups[undivided], seed, shares)
    parts = dataset.parts.copy()
    parts[undivided] = drawn
    return replace(dataset, parts=parts)


def split_csv(dataset: Dataset) -> bytes:
    """The division as a manifest that `open_dataset` reads: path, label, split, and group where there are any.

    Files are given by their full paths, so that the manifest can lie anywhere, in the file system's own bytes; other
    images by their names.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    grouped = dataset.groups is not None
    writer.writerow(["path", "label", "split", *(["group"] if grouped else [])])
    files = len(dataset) > 0 and isinstance(dataset.source(0), str | os.PathLike)
    for index, name in enumerate(dataset.names):
        path = os.path.abspath(dataset.source(index)) if files else name  # type: ignore[arg-type]  # noqa: PTH100 - fast
        group = [] if dataset.groups is None else [dataset.group(index)]
        writer.writerow([path, _label(dataset, index), PARTS[dataset.parts[index]], *group])
    return text.getvalue().encode(errors="surrogateescape")


def _label(dataset: Dataset, index: int) -> str:
    if isinstance(dataset.targets, Classes):
        return dataset.labels[index]
    if isinstance(dataset.targets, Tags):
        return "".join(f"{dataset.classes[number]};" for number in dataset.targets.of(index))
    return ""


def _strata(dataset: Dataset) -> NDArray[np.int64]:
    """A number (N,) for each image; those of one number are spread evenly over the parts."""
    if isinstance(dataset.targets, Classes):
        rank = np.argsort(np.argsort(np.array(dataset.classes)))  # the draw goes through the classes by name
        return rank[dataset.targets.numbers].astype(np.int64)
    if isinstance(dataset.targets, Tags):
        return _strata_of_tags(dataset.targets, len(dataset.classes))
    return np.zeros(len(dataset), np.int64)


def _strata_of_tags(tags: Tags, classes: int) -> NDArray[np.int64]:
    """Images of the same tags; where they are few, those that share their rarest tag."""
    kinds = [tuple(sorted(tags.of(index).tolist())) for index in range(len(tags))]
    numbers = {kind: number for number, kind in enumerate(sorted(set(kinds)))}
    strata = np.array([numbers[kind] for kind in kinds], np.int64)
    few = np.bincount(strata)[strata] < _FEW
    strata[few] = len(numbers) + rarest(tags.matrix(classes))[few]
    return np.unique(strata, return_inverse=True)[1].astype(np.int64)


def _by_class(strata: NDArray[np.int64], seed: int, shares: dict[int, float]) -> NDArray[np.uint8]:
    """A part (N,) for each image: of each stratum its share to each part, to validation at least one of two."""
    generator = np.random.default_rng(seed)
    parts = np.full(len(strata), _TRAIN, np.uint8)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        order, count = generator.permutation(members), len(members)
        fifth = round(count / (1 / shares[_TEST])) if _TEST in shares else 0  # as count / 5, to the last bit
        tenth = max(round(count / (1 / shares[_VALIDATION])), count >= 2) if _VALIDATION in shares else 0
        parts[order[:fifth]] = _TEST
        parts[order[fifth : fifth + tenth]] = _VALIDATION
    return parts


def _by_group(
    strata: NDArray[np.int64], groups: NDArray[np.int32], seed: int, shares: dict[int, float]
) -> NDArray[np.uint8]:
    """The same for whole groups, the largest first: each goes where most images of its kinds are still missing.

    The first group of a kind is trained on, and validation has a group wherever one can be spared.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[int(group)].append(index)
    counts = np.bincount(strata, minlength=int(strata.max(initial=0)) + 1).astype(float)  # (K,)
    left = {part: share * counts for part, share in (shares | {_TRAIN: 1 - sum(shares.values())}).items()}
    trained = np.zeros(len(counts), np.int64)  # groups of each kind that are trained on
    chosen: dict[int, int] = {}
    shuffled = np.random.default_rng(seed).permutation(sorted(members))
    for group in sorted(shuffled.tolist(), key=lambda group: -len(members[group])):
        own = np.bincount(strata[members[group]], minlength=len(counts))  # (K,)
        fits = {part: float(own @ (room / np.maximum(counts, 1))) - _overflow(room, own) for part, room in left.items()}
        best = max(fits, key=fits.__getitem__) if trained[own > 0].all() else _TRAIN
        trained += (own > 0) & (best == _TRAIN)
        left[best] = left[best] - own
        chosen[group] = best
    if _VALIDATION in shares and _VALIDATION not in chosen.values():
        spared = (own for own in reversed(chosen) if (trained[strata[members[own]]] > (chosen[own] == _TRAIN)).all())
        chosen |= dict.fromkeys(islice(spared, 1), _VALIDATION)  # the smallest
    return np.array([chosen[int(group)] for group in groups], np.uint8)


def _overflow(left: NDArray[np.float64], own: NDArray[np.int64]) -> float:
    """By how many images a group is too large for what a part still misses."""
    return float(np.maximum(own - np.maximum(left, 0), 0).sum())
