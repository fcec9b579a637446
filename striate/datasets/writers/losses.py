"""What formats cannot hold, counted in words that fit behind "cannot hold"."""

from collections.abc import Collection, Iterator

import numpy as np

from striate.datasets.dataset import TRAIN, Dataset
from striate.datasets.layouts.coco_records import RUN_LENGTHS
from striate.datasets.layouts.files import counted
from striate.datasets.targets import Boxes, Classes, Tags


def lost_groups(dataset: Dataset) -> Iterator[str]:
    """Groups, where the format has none."""
    if dataset.groups is not None:
        yield counted(len(np.unique(dataset.groups)), "group")


def lost_flags(boxes: Boxes, kept: Collection[str]) -> Iterator[str]:
    """Flags beside those that the format has."""
    for flag, raised in boxes.flags.items():
        if flag not in kept and raised.any():
            count = int(raised.sum())
            yield (
                f"{counted(count, 'outline')} in run lengths"
                if flag == RUN_LENGTHS
                else f"{counted(count, 'flag')} {flag!r}"
            )


def lost_outlines(boxes: Boxes) -> Iterator[str]:
    """All outlines, where the format has none."""
    if count := sum(bool(rings) for rings in boxes.polygons):
        yield counted(count, "outline")


def lost_classes(dataset: Dataset) -> Iterator[str]:
    """Classes that no image shows, and an order that is not the alphabet's, where a format lists no classes."""
    if not isinstance(dataset.targets, Classes | Tags):
        return
    count = len(dataset.classes)
    bare = np.flatnonzero(dataset.targets.counts(count) == 0)
    if len(bare):
        yield f"{_classes(len(bare))} without an image ({dataset.classes[bare[0]]!r})"
    training = dataset.members(TRAIN)
    untrained = np.flatnonzero(dataset.targets.at(training).counts(count) == 0)
    if len(training) and len(untrained) > len(bare):
        first = next(number for number in untrained if number not in bare)
        yield f"{_classes(len(untrained) - len(bare))} without a training image ({dataset.classes[first]!r})"
    if list(dataset.classes) != sorted(dataset.classes):
        yield f"the order of {_classes(count)}"


def _classes(count: int) -> str:
    return counted(count, "class", "classes")
