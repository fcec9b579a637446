"""`striate check`: look at images before training, and write what was found as a page and as lists.

check.html    what was found, with pictures
check.csv     one row for each image and finding: path, finding, detail, suggestion (yes: better left out)
exclude.txt   the names of the images that are better left out, for `striate train --exclude`

The images themselves are only read.
"""

import csv
import io
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from striate.datasets.checking.finding import LEVELS, Finding, left_out
from striate.datasets.checking.findings import all_findings
from striate.datasets.checking.neighbours import Features
from striate.datasets.checking.shown import View
from striate.datasets.checking.strays import strays
from striate.datasets.checking.summary import summarise
from striate.datasets.checking.survey import Survey
from striate.datasets.checking.taking import take_survey
from striate.datasets.dataset import Dataset
from striate.datasets.excluding import read_excluded
from striate.datasets.opening import open_dataset
from striate.datasets.published import NAMED
from striate.errors import SettingsError, expect_whole
from striate.images.fits import Fit
from striate.images.preparation import Geometry
from striate.images.ranges import parse_range
from striate.recipes.check_features import take_features
from striate.recipes.check_page import make_page
from striate.recipes.progress import Display
from striate.recipes.run_folder import check_free
from striate.tasks.classification import Classifier
from striate.tasks.loading import load
from striate.tasks.tagger import Tagger
from striate.writing import write_whole

PAGE_FILE, TABLE_FILE, EXCLUDE_FILE = "check.html", "check.csv", "exclude.txt"
RULE = (
    "files that cannot be decoded; of equal images all but one (of training before validation before the test); all "
    "equal images whose labels differ; images whose mask cannot be used"
)
_LARGEST = 16_384  # pixels of a side
_USUAL = 224  # of most networks
_MOST_CHANNELS = 1024
_MANY = 30_000  # images that are not compared in a moment


@dataclass(frozen=True)
class CheckResult:
    """What was found, faults first; the facts of the data; and where the page and the lists are."""

    name: str
    folder: Path
    findings: tuple[Finding, ...]
    facts: dict[str, Any] = field(repr=False)
    left_out: tuple[str, ...]  # names of images that are better left out
    names: Sequence[str] = field(repr=False)  # (N,) of all images

    @property
    def clean(self) -> bool:
        """Whether there is nothing but notes."""
        return all(finding.level == "note" for finding in self.findings)

    @property
    def page(self) -> Path:
        return self.folder / PAGE_FILE

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "data": self.name,
            "folder": str(self.folder),
            "clean": self.clean,
            "findings": [finding.to_dict(self.names) for finding in self.findings],
            "left_out": list(self.left_out),
            "facts": self.facts,
        }


def check(  # noqa: PLR0913 - each is an option of the command
    data: str | os.PathLike[str] | Dataset,
    *,
    model: str | os.PathLike[str] | None = None,
    fit: Fit = "crop",
    size: int | None = None,
    channels: int | None = None,
    range: str | None = None,
    out: str | os.PathLike[str] | None = None,
    exclude: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> CheckResult:
    """Look at every image of a data set before training, and write a page and lists of what was found.

    Args:
        data: what `open_dataset` opens: a folder, a file, a name, or a data set made in Python.
        model: a model file whose features find labels that look wrong; for data with one class an image.
        fit: how images will be brought to `size`: crop, pad or stretch.
        size: pixels of a side that they will be brought to; the model's if not given. Without both, nothing is said of
            images that are smaller, and what a fit does is reckoned for 224.
        channels: 1 for grey, 3 for colour, N for N bands; the model's, or as the images are, if not given.
        range: black and white of images of more than 8 bits: auto, 16bit, or LOW:HIGH; the model's if not given.
        out: the folder to make; check-DATA, numbered if it is taken, if not given.
        exclude: a list of images to leave out first, as `train` takes it.
        quiet: show no progress.

    Raises:
        StriateError: with one sentence, if the data cannot be opened or a setting makes no sense.
    """
    for name, value, most in (("size", size, _LARGEST), ("channels", channels, _MOST_CHANNELS)):
        if value is not None:
            expect_whole(name, value, most)
    geometry = Geometry((size or _USUAL, size or _USUAL), channels, fit, range=parse_range(range))
    dataset = open_dataset(data)
    beside = [] if isinstance(data, Dataset) or data in NAMED else strays(Path(data), dataset)
    if exclude is not None:
        dataset = dataset.without(read_excluded(Path(exclude)))
    folder = _free_folder(dataset.name, out)
    check_free(folder, "digits" if isinstance(data, Dataset) else os.fspath(data))
    classifier = None if model is None else _suited(load(model), dataset)
    if size is None and classifier is not None:
        geometry = replace(geometry, size=classifier.preparation.geometry.size)
    view = _view(geometry, classifier, auto=range == "auto")
    display = Display(quiet=quiet)
    with display.reading(len(dataset)) as watch:
        survey = take_survey(dataset, view, watch=watch)
    features = None if classifier is None else _features(classifier, dataset, survey, display)
    if len(dataset) > _MANY:
        display.say(f"comparing {len(dataset):,} images with each other: that takes minutes")
    sized = size is not None or classifier is not None
    found = [*all_findings(survey, geometry, features, sized=sized), *beside]
    findings = sorted(found, key=lambda own: LEVELS.index(own.level))
    return _write(view.of(dataset), survey, geometry, tuple(findings), folder)


def _features(classifier: Classifier, dataset: Dataset, survey: Survey, display: Display) -> Features:
    with display.reading(len(dataset)) as watch:
        return take_features(classifier, dataset, survey, watch)


def _view(asked: Geometry, classifier: Classifier | None, *, auto: bool) -> View:
    """The channels and the range that were asked for, or else those of the model."""
    if classifier is None:
        return View(asked.channels, asked.range)
    own = classifier.preparation.geometry
    return View(asked.channels or own.channels, asked.range or (None if auto else own.range))


def _suited(model: Classifier | Tagger, dataset: Dataset) -> Classifier:
    if dataset.task != "classes" or isinstance(model, Tagger):
        who = "the model tells" if dataset.task == "classes" else f"{dataset.name} has"
        what = "tags" if dataset.task == "classes" else dataset.task
        raise SettingsError(
            f"a model's features find wrong labels where an image has one class, but {who} {what}; leave out --model"
        )
    return model


def _free_folder(name: str, out: str | os.PathLike[str] | None) -> Path:
    """The folder that was asked for, or the first of check-NAME, check-NAME-2, … that is free."""
    if out is not None:
        return Path(out)
    first = f"check-{name.replace(os.sep, '-') or 'data'}"
    candidates = (Path(first if number == 1 else f"{first}-{number}") for number in itertools.count(1))
    return next(folder for folder in candidates if not folder.exists())


def _write(
    dataset: Dataset, survey: Survey, geometry: Geometry, findings: tuple[Finding, ...], folder: Path
) -> CheckResult:
    names = tuple(survey.names[place] for place in left_out(findings))
    result = CheckResult(dataset.name, folder, findings, summarise(survey, geometry), names, survey.names)
    write_whole(folder / TABLE_FILE, _table(findings, survey))
    write_whole(folder / EXCLUDE_FILE, _list(names))
    page = make_page(dataset, survey, geometry, findings, facts=result.facts, rule=RULE)
    write_whole(result.page, page.encode())
    return result


def _table(findings: tuple[Finding, ...], survey: Survey) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "finding", "detail", "suggestion"])
    for finding in findings:
        for case in finding.cases:
            suggestion = "yes" if case.leave_out else "no"
            writer.writerow([survey.names[case.place], finding.kind, case.detail, suggestion])
    return text.getvalue().encode()


def _list(names: tuple[str, ...]) -> bytes:
    """One name a line; those that a line cannot hold are counted, and stand in check.csv."""
    plain = [name for name in names if name.isprintable() and name == name.strip() and not name.startswith("#")]
    lines = [f"# better left out: {RULE}", *plain]
    if odd := len(names) - len(plain):
        lines.append(f"# and {odd:,} whose names a line cannot hold: use --exclude {TABLE_FILE}")
    return "".join(f"{line}\n" for line in lines).encode()
