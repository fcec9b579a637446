"""The same pixels under several names: within a part, across the division, and under different labels.

The rule for what is better left out: of equal images the first is kept, those of training before those of validation
before those of the test; of equal images with different labels none is, since one of the labels must be wrong.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking.finding import Case, Finding, of_cases
from striate.datasets.checking.survey import Survey
from striate.datasets.dataset import PARTS
from striate.datasets.targets import Boxes, Classes, Tags


class Copies(NamedTuple):
    """Groups of equal images, end to end; the kept one first in each."""

    members: NDArray[np.int64]  # (M,) places
    kept: NDArray[np.int64]  # (M,) the place that is kept of each one's group


def find_copies(survey: Survey) -> Copies:
    """The images whose pixels others have too."""
    places = np.flatnonzero(survey.readable())
    order = places[np.lexsort((places, survey.parts[places], survey.marks[places]))]
    marks = survey.marks[order]
    begins = np.flatnonzero(np.concatenate([[True], marks[1:] != marks[:-1]])[: len(marks)])
    lengths = np.diff(begins, append=len(order))
    kept = np.repeat(order[begins], lengths)
    several = np.repeat(lengths > 1, lengths)
    return Copies(order[several], kept[several])


def exact(survey: Survey) -> list[Finding]:
    """All findings about equal images."""
    copies = find_copies(survey)
    again = copies.members != copies.kept
    across = again & (survey.parts[copies.members] != survey.parts[copies.kept])
    within = again & ~across
    return [
        *of_cases(
            "copies_across_parts",
            "copies across the division",
            "fault",
            _cases(survey, copies, across),
            survey.names,
            advice="the network is tested on what it was shown: --exclude the copies, or give both one group",
        ),
        *of_cases(
            "copies_with_other_labels",
            "copies with different labels",
            "fault",
            _contradicting(survey, copies),
            survey.names,
            advice="find the right label and remove the others; exclude.txt leaves all of them out",
        ),
        *of_cases(
            "copies_within_part",
            "copies within a part",
            "look",
            _cases(survey, copies, within),
            survey.names,
            advice="they count several times; --exclude the later ones",
        ),
    ]


def shared_folders(survey: Survey) -> list[Finding]:
    """Parts that are the same files as another part: a link, or one folder given twice."""
    if survey.origins is None:
        return []
    files = [survey.origins.files[survey.parts == number] for number in range(len(PARTS))]
    pairs = [(one, other) for one in range(len(PARTS)) for other in range(one + 1, len(PARTS))]
    return [
        Finding(
            "same_folder",
            "two parts are one folder",
            "fault",
            len(files[other]),
            f"every file of {PARTS[other]} is a file of {PARTS[one]} too, by a link",
            f"give {PARTS[other]} images of its own: its figures say nothing",
        )
        for one, other in pairs
        if len(files[other]) and (files[other] != 0).all() and np.isin(files[other], files[one]).all()
    ]


def label_keys(survey: Survey) -> NDArray[np.int64] | None:
    """A number (N,) for each image, equal for equal labels; None where labels are not of whole images."""
    targets = survey.targets
    if isinstance(targets, Classes):
        return targets.numbers.astype(np.int64)
    if isinstance(targets, Tags | Boxes):
        spans = zip(targets.starts[:-1], targets.starts[1:], strict=True)
        kinds = [tuple(np.unique(targets.numbers[begin:end]).tolist()) for begin, end in spans]
        numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
        return np.array([numbers[kind] for kind in kinds], np.int64)
    return None


def label_text(survey: Survey, place: int) -> str:
    """The classes of an image, as a person reads them."""
    targets = survey.targets
    if isinstance(targets, Classes):
        return survey.classes[int(targets.numbers[place])]
    if isinstance(targets, Tags | Boxes):
        numbers = np.unique(targets.numbers[targets.starts[place] : targets.starts[place + 1]])
        return ", ".join(survey.classes[int(number)] for number in numbers) or "nothing"
    return ""


def _cases(survey: Survey, copies: Copies, chosen: NDArray[np.bool_]) -> Iterator[Case]:
    for member, kept in zip(copies.members[chosen].tolist(), copies.kept[chosen].tolist(), strict=True):
        detail = f"{_sameness(survey, member, kept)} as {survey.names[kept]} ({survey.part(kept)})"
        yield Case(member, detail, kept, leave_out=True)


def _contradicting(survey: Survey, copies: Copies) -> Iterator[Case]:
    """Every member of a group in which labels differ, with one whose label is another."""
    keys = label_keys(survey)
    if keys is None:
        return
    other = np.full(len(survey), -1)
    differs = keys[copies.members] != keys[copies.kept]
    other[copies.members[differs]] = copies.kept[differs]
    other[copies.kept[differs]] = copies.members[differs]
    labelled = other[copies.kept] >= 0  # every member of a group whose first one is contradicted
    for member, kept in zip(copies.members[labelled].tolist(), copies.kept[labelled].tolist(), strict=True):
        partner = int(other[member] if other[member] >= 0 else other[kept])
        detail = (
            f"{label_text(survey, member)!r}, but {survey.names[partner]}, {_sameness(survey, member, partner)}, "
            f"is {label_text(survey, partner)!r}"
        )
        yield Case(member, detail, partner, leave_out=True)


def _sameness(survey: Survey, one: int, other: int) -> str:
    """In what two images are the same."""
    if survey.origins is not None:
        if survey.origins.files[one] and survey.origins.files[one] == survey.origins.files[other]:
            return "the same file"
        if survey.origins.contents[one] and survey.origins.contents[one] == survey.origins.contents[other]:
            return "the same bytes"
    return "the same pixels"
