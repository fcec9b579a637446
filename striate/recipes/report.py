"""report.html: what a run came to, as one self-contained page that can be shown to somebody."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from striate.datasets.checking.finding import Finding
from striate.datasets.loading import Skipped
from striate.description.describing import describe_network
from striate.recipes.augmented import Augmented
from striate.recipes.outcome import Model, Outcome
from striate.recipes.report_calibration import draw_calibration, verdict
from striate.recipes.report_confusion import confused_pairs, confusion_cells, draw_confusion
from striate.recipes.report_curves import Against, draw_curves, resumed_epochs
from striate.recipes.report_pictures import augmented_rows, filter_pictures, saliency_examples, worst_errors
from striate.recipes.report_repeat import conditions, same_bits
from striate.recipes.report_tags import tag_answers
from striate.recipes.report_time import duration, time_spent, waited
from striate.tasks.calibration import calibrate
from striate.tasks.classification import Classifier, Evaluation
from striate.tasks.tagger import TagEvaluation, Tagger

_TABLE_CLASSES = 20  # a larger confusion matrix is drawn instead of written


@dataclass(frozen=True)
class Results:
    """What the page is made of."""

    title: str
    model: Model
    part: str
    evaluation: Outcome
    epochs: Sequence[dict[str, float]]
    run_file: str  # the text of run.toml
    skipped: Sequence[Skipped]
    leaked: Sequence[str]
    findings: Sequence[Finding]
    augmented: Sequence[Augmented] = ()  # nothing if images are shown as they are
    folder: Path | None = None  # that the images' names are relative to, if they are files
    processes: int = 1  # that trained together
    parts: int = 1  # that a batch was taken in, for want of memory


def make_report(results: Results) -> str:
    """The page's text; every name in it is escaped, every picture is inside it."""
    evaluation, model = results.evaluation, results.model
    if isinstance(model, Tagger) and isinstance(evaluation, TagEvaluation):
        page, own = "report_tags.html.jinja", tag_answers(model, evaluation, results.folder)
    else:
        assert isinstance(model, Classifier) and isinstance(evaluation, Evaluation)
        page, own = "report.html.jinja", _answers(model, evaluation, results.folder)
    return _template(page).render(
        results=results,
        evaluation=evaluation,
        card=describe_network(model.checkpoint.declaration),
        **_learning(results),
        augmented=augmented_rows(results.augmented),
        mixed=any(own.label != told for own in results.augmented for told in own.told),
        filters=filter_pictures(model),
        **own,
        skipped=[asdict(file) for file in results.skipped],
        conditions=conditions(results.run_file, processes=results.processes, parts=results.parts),
        same_bits=same_bits(results.run_file, processes=results.processes),
    )


def _template(page: str) -> Template:
    environment = Environment(
        loader=FunctionLoader(lambda name: files(__package__).joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: "–" if share is None else f"{100 * share:.1f} %"
    environment.filters["whole"] = lambda count: f"{count:,}"
    environment.filters["duration"] = duration
    return environment.get_template(page)


def _learning(results: Results) -> dict[str, Any]:
    """The curves, and what the time was spent on."""
    epochs, best = results.epochs, results.model.checkpoint.measured["epoch"]
    resumed, spent = resumed_epochs(epochs), time_spent(epochs)
    return {
        "best": best,
        "curves": [(name, draw_curves(epochs, best, name, resumed=resumed)) for name in get_args(Against) if epochs],
        "resumed": resumed,
        "spent": spent,
        "waited": waited(spent),
    }


def _answers(model: Classifier, evaluation: Evaluation, folder: Path | None) -> dict[str, Any]:
    """What the page has for classes."""
    return {
        **_confusion(evaluation),
        **_calibration(evaluation),
        "errors": worst_errors(evaluation, folder),
        "examples": saliency_examples(model, evaluation),
    }


def _confusion(evaluation: Evaluation) -> dict[str, Any]:
    small = len(evaluation.classes) <= _TABLE_CLASSES
    return {
        "confusion": confusion_cells(evaluation) if small else None,
        "confusion_picture": None if small else draw_confusion(evaluation),
        "pairs": confused_pairs(evaluation),
    }


def _calibration(evaluation: Evaluation) -> dict[str, Any]:
    found = calibrate(evaluation.probabilities, evaluation.images.targets)
    return {"calibration": found, "reliability": draw_calibration(found), "verdict": verdict(found)}
