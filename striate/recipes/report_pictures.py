"""The galleries of report.html: the worst errors, what augmentation shows, the first filters, what moved the answer."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.explain.drawing import draw_filter, draw_image
from striate.explain.filters import first_layer_filters
from striate.recipes.augmented import Augmented
from striate.recipes.report_drawing import inline
from striate.recipes.report_moved import moved
from striate.tasks.classification import Classifier, Evaluation
from striate.tasks.tagger import Tagger

_ERRORS, _EXAMPLES, _FILTERS = 24, 10, 64  # shown at the most
_LEAST = np.finfo(np.float32).smallest_subnormal  # what a probability that float32 cannot hold counts as


def worst_errors(evaluation: Evaluation, folder: Path | None) -> list[dict[str, Any]]:
    """The errors of the highest loss, -log p of the true class in nats, and the surest ones; the highest loss first.

    `link` leads to the image's file, where its name is that of a file in `folder`.
    """
    images, rows = evaluation.images, np.arange(len(evaluation.images))
    losses = -np.log(np.maximum(evaluation.probabilities[rows, images.targets], _LEAST))  # (N,)
    surest = evaluation.mistakes
    highest = sorted(surest, key=lambda place: -losses[place])
    turn_about = dict.fromkeys(itertools.chain.from_iterable(zip(highest, surest, strict=True)))
    shown = sorted(itertools.islice(turn_about, _ERRORS), key=lambda place: -losses[place])
    return [_error(evaluation, place, float(losses[place]), folder) for place in shown]


def _error(evaluation: Evaluation, place: int, loss: float, folder: Path | None) -> dict[str, Any]:
    probabilities, target = evaluation.probabilities[place], int(evaluation.images.targets[place])
    said, name = int(probabilities.argmax()), evaluation.images.names[place]
    file = None if folder is None else folder.resolve() / name
    return {
        "picture": inline(draw_image(evaluation.images.images[place])),
        "name": name,
        "link": file.as_uri() if file is not None and file.is_file() else None,
        "said": evaluation.classes[said],
        "said_probability": float(probabilities[said]),
        "true": evaluation.classes[target],
        "true_probability": float(probabilities[target]),
        "loss": loss,
    }


def augmented_rows(shown: Sequence[Augmented]) -> list[dict[str, Any]]:
    """Each image as it is, and its draws, with what the network is told that they show."""
    return [
        {
            "label": own.label,
            "picture": inline(draw_image(own.image)),
            "draws": [(inline(draw_image(image)), told) for image, told in zip(own.draws, own.told, strict=True)],
        }
        for own in shown
    ]


def filter_pictures(model: Classifier | Tagger) -> list[str]:
    """The weights of the first layer."""
    declaration = model.checkpoint.declaration
    weights = first_layer_filters(model.network, (declaration.in_channels, *declaration.size))
    channels = weights.shape[1]
    shown = weights.cpu().numpy()[:_FILTERS]
    return [inline(draw_filter(kernel if channels in (1, 3) else kernel[:1])) for kernel in shown]


def saliency_examples(model: Classifier, evaluation: Evaluation) -> list[dict[str, Any]]:
    """Images of different classes and what moved the score of the class that was said."""
    places = _one_of_each(evaluation.images.targets)[:_EXAMPLES]
    said = evaluation.probabilities[places].argmax(axis=1).tolist()
    maps = moved(model, evaluation.images.images[places], said)
    return [
        {
            "picture": inline(draw_image(evaluation.images.images[place])),
            "maps": maps[row],
            "said": evaluation.classes[said[row]],
            "true": evaluation.classes[evaluation.images.targets[place]],
            "name": evaluation.images.names[place],
        }
        for row, place in enumerate(places)
    ]


def _one_of_each(targets: NDArray[np.integer]) -> list[int]:
    """The first place of each class."""
    return [int(np.flatnonzero(targets == number)[0]) for number in np.unique(targets)]
