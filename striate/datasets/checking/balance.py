"""How many images, boxes or pixels each class has, in each part."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking.finding import Finding
from striate.datasets.checking.survey import Survey
from striate.datasets.dataset import PARTS
from striate.datasets.targets import Boxes, Classes, Masks

_UNEQUAL = 10  # times as many in the largest class as in the smallest
_FEW = 10  # images to learn a class from


def class_counts(survey: Survey) -> NDArray[np.int64]:
    """Readable images or boxes (3, K) of each class in each part; of tags and masks the images that show it."""
    counts = np.zeros((len(PARTS), len(survey.classes)), np.int64)
    if isinstance(survey.targets, Masks):
        if survey.masks is not None:
            counts[:] = survey.masks.images[:, : len(survey.classes)]
        return counts
    readable = survey.readable()
    for number in range(len(PARTS)):
        members = np.flatnonzero((survey.parts == number) & readable)
        counts[number] = survey.targets.at(members).counts(len(survey.classes))
    return counts


def counts(survey: Survey) -> list[Finding]:
    """The counts by class, whatever they are. An image of several classes counts once in the whole."""
    if not survey.classes:
        return []
    of = class_counts(survey).sum(axis=0)
    unit = "boxes" if isinstance(survey.targets, Boxes) else "images"
    whole = of.sum() if unit == "boxes" else survey.readable().sum()
    example = f"{len(survey.classes)} classes; {unit}: {_listed(survey.classes, of)}"
    advice = "the table by part is in check.html"
    return [Finding("counts", f"{unit} of each class", "note", int(whole), example, advice, unit)]


def alone(survey: Survey) -> list[Finding]:
    """Fewer than two classes, where each image has one of them."""
    if not isinstance(survey.targets, Classes) or len(survey.classes) > 1:
        return []
    example = f"all images are {survey.classes[0]!r}" if survey.classes else "there is no class"
    advice = (
        "a classifier needs at least two classes: add images of another one, in a folder or with a label of its own"
    )
    return [Finding("one_class", "fewer than two classes", "fault", len(survey.classes), example, advice, "classes")]


def unequal(survey: Survey) -> list[Finding]:
    """Training classes of very different sizes."""
    shown = class_counts(survey)[0]
    filled = np.flatnonzero(shown)
    if len(filled) < 2 or isinstance(survey.targets, Masks):
        return []
    most, least = filled[shown[filled].argmax()], filled[shown[filled].argmin()]
    times = shown[most] / shown[least]
    if times <= _UNEQUAL:
        return []
    example = (
        f"{shown[most]:,} of {survey.classes[most]!r}, {shown[least]:,} of {survey.classes[least]!r}: {times:.0f} times"
    )
    advice = "--balance loss or --balance sampler; judge by balanced accuracy"
    return [Finding("unequal", "classes of unequal size", "look", len(filled), example, advice, "classes")]


def few(survey: Survey) -> list[Finding]:
    """Classes with too few training images to learn from, and classes that are in training but not in the test."""
    if isinstance(survey.targets, Masks):
        return []
    by_part = class_counts(survey)
    scarce = [number for number in np.argsort(by_part[0], kind="stable") if by_part[0, number] < _FEW]
    tested = by_part[2].sum() > 0
    untested = [number for number, count in enumerate(by_part[2]) if tested and not count and by_part[0, number]]
    found = []
    if scarce:
        example = f"training: {_listed([survey.classes[n] for n in scarce], by_part[0, scarce])}"
        advice = f"collect more (at least {_FEW}), merge classes, or start from trained weights"
        found.append(
            Finding("few", f"classes of fewer than {_FEW} to train on", "look", len(scarce), example, advice, "classes")
        )
    if untested:
        example = _listed([survey.classes[number] for number in untested], by_part[0, untested])
        advice = "nothing will be known of them: move some of their images to the test"
        found.append(
            Finding("untested", "classes without a test image", "look", len(untested), example, advice, "classes")
        )
    return found


def _listed(classes: Sequence[str], of: NDArray[np.int64]) -> str:
    """The first few classes with their counts."""
    shown = ", ".join(f"{name} {count:,}" for name, count in zip(classes[:6], of[:6].tolist(), strict=True))
    return shown + (f", … ({len(classes) - 6} more)" if len(classes) > 6 else "")
