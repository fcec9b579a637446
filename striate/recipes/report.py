"""report.html: what a run came to, as one self-contained page that can be shown to somebody."""

import base64
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import torch
from jinja2 import Environment, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from striate.datasets.checking.finding import Finding
from striate.datasets.loading import Skipped
from striate.description.describing import describe_network
from striate.explain.drawing import Picture, draw_filter, draw_heat, draw_image
from striate.explain.filters import first_layer_filters
from striate.explain.saliency import saliency
from striate.tasks.classification import Classifier, Evaluation

_MISTAKES, _EXAMPLES, _FILTERS, _PAIRS = 24, 10, 64, 8  # shown at the most
_TABLE_CLASSES = 20  # a larger confusion matrix is drawn instead of written
_TRAIN, _VALIDATION = "#9c4221", "#2b6cb0"  # the colours of the two curves
_STYLE: dict[Any, Any] = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}


@dataclass(frozen=True)
class Results:
    """What the page is made of."""

    title: str
    model: Classifier
    part: str
    evaluation: Evaluation
    epochs: Sequence[dict[str, float]]
    run_file: str  # the text of run.toml
    skipped: Sequence[Skipped]
    leaked: Sequence[str]
    findings: Sequence[Finding]


def make_report(results: Results) -> str:
    """The page's text; every name in it is escaped, every picture is inside it."""
    evaluation, model = results.evaluation, results.model
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = lambda share: "–" if share is None else f"{100 * share:.1f} %"
    template = environment.from_string(files(__package__).joinpath("report.html.jinja").read_text(encoding="utf-8"))
    small = len(model.classes) <= _TABLE_CLASSES
    return template.render(
        results=results,
        evaluation=evaluation,
        card=describe_network(model.checkpoint.declaration),
        best=model.checkpoint.measured["epoch"],
        curves=_draw_curves(results.epochs, model.checkpoint.measured["epoch"]) if results.epochs else None,
        confusion=_confusion_cells(evaluation) if small else None,
        confusion_picture=None if small else _draw_confusion(evaluation),
        pairs=_confused_pairs(evaluation),
        mistakes=_mistakes(evaluation),
        filters=_filters(model),
        examples=_examples(model, evaluation),
        skipped=[asdict(file) for file in results.skipped],
    )


def _png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def _inline(picture: Picture) -> str:
    return "data:image/png;base64," + base64.b64encode(_png(picture)).decode()


def _svg(figure: Figure) -> str:
    """The figure as a data URI, the same bytes each time."""
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "striate"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def _draw_curves(epochs: Sequence[dict[str, float]], best: int) -> str:
    """Loss on the left, validation accuracy on the right, against epochs."""
    numbers = [row["epoch"] for row in epochs]
    with rc_context(_STYLE):
        figure = Figure(figsize=(9.2, 3.2), layout="constrained")
        losses, accuracies = figure.subplots(1, 2)
        marker = "o" if len(epochs) < 3 else None
        losses.plot(numbers, [row["train_loss"] for row in epochs], color=_TRAIN, label="training", marker=marker)
        losses.plot(
            numbers, [row["validation_loss"] for row in epochs], color=_VALIDATION, label="validation", marker=marker
        )
        losses.set(xlabel="epoch", title="loss (nats)")
        losses.legend(frameon=False)
        share = [100 * row["validation_accuracy"] for row in epochs]
        accuracies.plot(numbers, share, color=_VALIDATION, marker=marker, label="of all images")
        balanced = [100 * row["validation_balanced_accuracy"] for row in epochs]
        accuracies.plot(numbers, balanced, color=_VALIDATION, linestyle="--", linewidth=1, label="mean over classes")
        accuracies.legend(frameon=False, loc="lower right")
        accuracies.axvline(best, color="#718096", linewidth=1, linestyle=":")
        low, high = min(share + balanced), max(share + balanced)
        bottom = max(low, 6 * high - 504)  # the first epochs may leave below: the last ones matter
        top = min(100.5, high + (high - bottom) / 10 + 0.5)
        accuracies.set(xlabel="epoch", title="validation accuracy (%)", ylim=(bottom - 0.5, top))
        accuracies.annotate(
            f"kept: epoch {best}",
            (best, top),
            xytext=(-4, -10),
            textcoords="offset points",
            ha="right",
            color="#4a5568",
        )
        for axes in (losses, accuracies):
            axes.grid(axis="y", color="#e2e8f0")
            axes.xaxis.get_major_locator().set_params(integer=True)
        return _svg(figure)


def _draw_confusion(evaluation: Evaluation) -> str:
    """Recall-normalised matrix of many classes, with the diagonal where it belongs."""
    shares = evaluation.confusion / np.maximum(evaluation.confusion.sum(axis=1, keepdims=True), 1)
    with rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 5.6), layout="constrained")
        axes = figure.subplots()
        picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set(xlabel="class that was said (number)", ylabel="true class (number)")
        figure.colorbar(picture, label="share of the true class's images")
        return _svg(figure)


def _confusion_cells(evaluation: Evaluation) -> list[list[dict[str, Any]]]:
    """For each cell its count, its share of the row (0 to 1), and whether it is on the diagonal."""
    totals = np.maximum(evaluation.confusion.sum(axis=1), 1)
    return [
        [
            {"count": int(count), "share": float(count / totals[row]), "right": row == column}
            for column, count in enumerate(counts)
        ]
        for row, counts in enumerate(evaluation.confusion)
    ]


def _confused_pairs(evaluation: Evaluation) -> list[tuple[str, str, int]]:
    """(true class, class that was said, images), the most frequent mistakes first."""
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    places = [divmod(int(place), len(evaluation.classes)) for place in order]
    names = evaluation.classes
    return [(names[true], names[said], int(wrong[true, said])) for true, said in places if wrong[true, said]]


def _mistakes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The most confidently wrong images, with what was said and what is true."""
    shown = []
    for place in evaluation.mistakes[:_MISTAKES]:
        said = int(evaluation.probabilities[place].argmax())
        shown.append(
            {
                "picture": _inline(draw_image(evaluation.images.images[place])),
                "name": evaluation.images.names[place],
                "said": evaluation.classes[said],
                "probability": float(evaluation.probabilities[place, said]),
                "true": evaluation.classes[evaluation.images.targets[place]],
            }
        )
    return shown


def _filters(model: Classifier) -> list[str]:
    declaration = model.checkpoint.declaration
    weights = first_layer_filters(model.network, (declaration.in_channels, *declaration.size))
    channels = weights.shape[1]
    shown = weights.cpu().numpy()[:_FILTERS]
    return [_inline(draw_filter(kernel if channels in (1, 3) else kernel[:1])) for kernel in shown]


def _examples(model: Classifier, evaluation: Evaluation) -> list[dict[str, Any]]:
    """Images of different classes and what moved the score of the class that was said."""
    places = _one_of_each(evaluation.images.targets)[:_EXAMPLES]
    images = torch.from_numpy(evaluation.images.images[places]).to(model.machine.device)
    said = torch.from_numpy(evaluation.probabilities[places].argmax(axis=1)).to(model.machine.device)
    heat = saliency(model.network, model.preparation.normalise(images), said).cpu().numpy()
    return [
        {
            "picture": _inline(draw_image(evaluation.images.images[place])),
            "heat": _inline(draw_heat(evaluation.images.images[place], heat[row])),
            "said": evaluation.classes[int(said[row])],
            "true": evaluation.classes[evaluation.images.targets[place]],
            "name": evaluation.images.names[place],
        }
        for row, place in enumerate(places)
    ]


def _one_of_each(targets: NDArray[np.int64]) -> list[int]:
    """The first place of each class."""
    return [int(np.flatnonzero(targets == number)[0]) for number in np.unique(targets)]
