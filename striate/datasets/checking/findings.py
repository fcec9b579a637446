"""Every finding of a survey, faults first."""

from striate.datasets.checking import (
    balance,
    boxes,
    copies,
    dim,
    files,
    fitting,
    masks,
    mixing,
    near,
    neighbours,
    sizes,
)
from striate.datasets.checking.finding import LEVELS, Finding
from striate.datasets.checking.neighbours import Features
from striate.datasets.checking.survey import Survey
from striate.images.preparation import Geometry


def all_findings(
    survey: Survey, geometry: Geometry, features: Features | None = None, *, sized: bool = True
) -> list[Finding]:
    """What there is to say of a data set for images that are brought to `geometry`; not `sized`: of unknown size."""
    found = [
        *files.unreadable(survey),
        *copies.shared_folders(survey),
        *copies.exact(survey),
        *near.near(survey),
        *neighbours.doubted(survey, features),
        *boxes.boxes(survey),
        *masks.masks(survey),
        *files.turned(survey),
        *files.animated(survey),
        *mixing.mixed(survey),
        *files.flat(survey),
        *dim.dim(survey),
        *(sizes.small(survey, geometry) if sized else []),
        *sizes.long(survey),
        *balance.alone(survey),
        *balance.unequal(survey),
        *balance.few(survey),
        *fitting.fit(survey, geometry),
        *balance.counts(survey),
        *_remarks(survey),
    ]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def _remarks(survey: Survey) -> list[Finding]:
    """What the layout had to say: labels without images, images without labels, how values were understood."""
    return [
        Finding("remark", "how the data were understood", "note", 1, remark, "nothing, if that is meant", "remarks")
        for remark in survey.remarks
    ]
