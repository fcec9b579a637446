"""What every training run says of its data: findings from what its loader knows anyway."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking import balance, copies, files, fitting, mixing
from striate.datasets.checking.finding import LEVELS, Finding
from striate.datasets.checking.survey import Survey
from striate.datasets.targets import targets_of
from striate.images.facts import Facts
from striate.images.preparation import Geometry


def cheap_findings(
    facts: Sequence[Facts | None],
    digests: NDArray[np.int64],
    parts: NDArray[np.uint8],
    labels: NDArray[np.integer],
    *,
    names: Sequence[str],
    classes: tuple[str, ...],
    geometry: Geometry,
) -> list[Finding]:
    """What a loader's own knowledge of N images tells, in a second for a million: facts and digests of their pixels.

    Facts are None for what cannot be read. Labels are class numbers (N,), places in `classes`, or tags (N, K).
    """
    survey = Survey(names, classes, targets_of(np.asarray(labels)), parts, facts, digests)
    found = [
        *copies.exact(survey),
        *files.turned(survey),
        *files.animated(survey),
        *(own for own in mixing.mixed(survey) if own.kind not in _kept(geometry)),
        *balance.unequal(survey),
        *balance.few(survey),
        *fitting.fit(survey, geometry),
        *balance.counts(survey),
    ]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def _kept(geometry: Geometry) -> set[str]:
    """The kinds of images of which nothing is lost: with a range their depth, and bands that are asked for."""
    ranged, banded = geometry.range is not None, geometry.channels not in (None, 1, 3)
    return ({"deep", "float"} if ranged else set()) | ({"bands"} if banded else set())
