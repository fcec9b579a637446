"""The same pixels under several names: within a part, across the division, and under different labels.

The rule for what is better left out: of equal images the first is kept, those of training before those of validation
before those of the test; of equal images with different labels none is, since one of the labels must be wrong.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking.finding import Case, Finding, Kind, of_cases
from striate.datasets.checking.survey import Survey
from striate.datasets.dataset import PARTS
from striate.datasets.targets import Boxes, Classes, Tags

_ACROSS = Kind(
    "copies_across_parts",
    "copies across the division",
    "fault",
    "the network is tested on what it was shown: --exclude the copies, or give both one group",
)
_OTHER_LABELS = Kind(
    "copies_with_other_labels",
    "copies with different labels",
    "fault",
    "find the right label and remove the others; exclude.txt leaves all of them out",
)
_WITHIN = Kind(
    "copies_within_part",
    "copies within a part",
    "look",
    "they count several times; --exclude the later ones",
)


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
    copies, keys = find_copies(survey), label_keys(survey)
    again = copies.members != copies.kept
    across = again & (survey.parts[copies.members] != survey.parts[copies.kept])
    agreeing = np.ones(len(again), bool) if keys is None else keys[copies.members] == keys[copies.kept]
    return [
        *of_cases(_ACROSS, _cases(survey, copies, across), survey.names),
        *of_cases(_OTHER_LABELS, _contradicting(survey, copies), survey.names),
        *of_cases(_WITHIN, _cases(survey, copies, again & ~across & agreeing), survey.names),
    ]


def shared_folders(survey: Survey) -> list[Finding]:
    """Parts all of whose files are files of an earlier part too: a link, or one folder given twice."""
    if survey.origins is None:
        return []
    found = []
    for number in range(1, len(PARTS)):
        own, earlier = (survey.origins.files[chosen] for chosen in (survey.parts == number, survey.parts < number))
        if len(own) and (own != 0).all() and np.isin(own, earlier).all():
            example = f"every file of {PARTS[number]} is a file of {' or '.join(PARTS[:number])} too, by a link"
            advice = f"give {PARTS[number]} images of its own: its figures say nothing"
            found.append(Finding("same_folder", "two parts are one folder", "fault", len(own), example, advice))
    return found


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
