"""check.html: what was found in a data set, as one self-contained page that can be shown to somebody."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from striate.datasets.checking.copies import label_text
from striate.datasets.checking.finding import Case, Finding, left_out
from striate.datasets.checking.fitting import median_image
from striate.datasets.checking.survey import Survey, upright_sizes
from striate.datasets.dataset import PARTS, Dataset
from striate.errors import ImageError
from striate.images.preparation import Geometry
from striate.recipes.check_pictures import class_rows, cropped, fitted, sizes_picture, small_copy

_SHOWN = 24  # images of a finding
_BESIDE = 2  # pictures of a finding that leave room for another finding beside it
_CLASSES = 60  # rows of the table
_WORDS = {"fault": "wrong", "look": "look", "note": "note"}


def make_page(
    dataset: Dataset,
    survey: Survey,
    geometry: Geometry,
    findings: Sequence[Finding],
    *,
    facts: dict[str, Any],
    rule: str,
) -> str:
    """The page's text; every name in it is escaped, every picture is inside it."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = lambda share: f"{100 * share:.0f} %"
    environment.filters["whole"] = lambda count: f"{count:,}"
    template = environment.from_string(files(__package__).joinpath("check.html.jinja").read_text(encoding="utf-8"))
    return template.render(
        dataset=dataset,
        facts=facts,
        parts=[part for part in PARTS if facts["parts"][part]],
        findings=[_shown(dataset, survey, finding) for finding in findings],
        levels={level: sum(finding.level == level for finding in findings) for level in _WORDS},
        left_out=len(left_out(findings)),
        rule=rule,
        classes=class_rows(facts["classes"], _CLASSES),
        geometry=geometry,
        size=f"{geometry.size[1]}×{geometry.size[0]}",
        example=_example(dataset, survey, geometry),
        sizes=_sizes(survey, geometry),
    )


def _sizes(survey: Survey, geometry: Geometry) -> str | None:
    """The picture of all sizes; None if no image can be decoded."""
    sizes = upright_sizes(survey.facts)
    sizes = sizes[sizes[:, 0] > 0]
    return sizes_picture(sizes, max(geometry.size)) if len(sizes) else None


def _shown(dataset: Dataset, survey: Survey, finding: Finding) -> dict[str, Any]:
    """A finding with its contact sheet; of two images that are compared with each other, one case is shown."""
    pairs = {frozenset([case.place, case.partner, -1 - case.box]): case for case in reversed(finding.cases)}
    figures = [_figure(dataset, survey, case) for case in [*reversed(pairs.values())][:_SHOWN]]
    return {
        "kind": finding.kind,
        "title": finding.title,
        "level": finding.level,
        "word": _WORDS[finding.level],
        "many": finding.many,
        "example": finding.example,
        "advice": finding.advice,
        "total": len(pairs),
        "cases": figures,
        "pictured": any(picture["source"] for figure in figures for picture in figure["pictures"]),
        "wide": sum(len(figure["pictures"]) for figure in figures) > _BESIDE,
    }


def _figure(dataset: Dataset, survey: Survey, case: Case) -> dict[str, Any]:
    """The image of a case and the one that it is compared with."""
    places = [case.place, case.partner] if case.partner >= 0 else [case.place]
    return {
        "pictures": [
            {
                "source": small_copy(dataset, place, box=case.box if place == case.place else -1),
                "name": survey.names[place],
                "where": ", ".join(word for word in (survey.part(place), label_text(survey, place)) if word),
            }
            for place in places
        ],
        "detail": case.detail,
        "leave_out": case.leave_out,
    }


def _example(dataset: Dataset, survey: Survey, geometry: Geometry) -> dict[str, Any] | None:
    """What each fit makes of the image to which the chosen one does what it does to the median."""
    place = median_image(survey.facts, geometry)
    if place < 0:
        return None
    try:
        pixels = dataset.read(place)
    except ImageError:  # it has gone since it was looked at
        return None
    return {
        "name": survey.names[place],
        "size": f"{pixels.shape[1]}×{pixels.shape[0]}",
        "crop": cropped(pixels, geometry),
        "fits": [{"fit": fit, "source": fitted(pixels, geometry, fit)} for fit in ("crop", "pad", "stretch")],
    }
