"""`striate evaluate`: a trained model on labelled images that it was not trained on."""

import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from striate.datasets.dataset import TEST, Dataset
from striate.datasets.keep import Keep
from striate.datasets.keeping import keep_images
from striate.datasets.loading import Loading, Skipped
from striate.datasets.opening import open_dataset
from striate.errors import DataError
from striate.recipes.data import settle_keep
from striate.recipes.progress import Display
from striate.tasks.classification import Evaluation
from striate.tasks.loading import load


@dataclass(frozen=True)
class Result:
    """An evaluation, and which images it is of: `seen` ones, known by their pixels, are left out of it."""

    evaluation: Evaluation
    part: str
    seen: int
    skipped: tuple[Skipped, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **self.evaluation.to_dict(),
            "part": self.part,
            "left_out_as_seen": self.seen,
            "skipped": [asdict(file) for file in self.skipped],
        }


def evaluate(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str] | Dataset,
    *,
    device: str = "auto",
    strict: bool = False,
    quiet: bool = False,
) -> Result:
    """How a model file does on `digits` or a folder: on its test part, else on all images.

    Images whose pixels the model was trained or chosen on are left out and counted. Classes meet by name. Raises
    DataError if the data have a class that the model does not know, or no image is left.
    """
    classifier = load(model, device=device)
    dataset = open_dataset(data)
    shown = dataset.name if isinstance(data, Dataset) else os.fspath(data)
    unknown = sorted(set(dataset.labels) - set(classifier.classes))
    if unknown:
        raise DataError(
            f"{shown} has {'the class' if len(unknown) == 1 else 'the classes'} {', '.join(map(repr, unknown))}, which "
            f"the model does not know; it knows {', '.join(map(repr, classifier.classes))}: rename or remove"
        )
    part = TEST if dataset.divided and len(dataset.members(TEST)) else "all"
    members = dataset.members(TEST) if part == TEST else np.arange(len(dataset))
    geometry = classifier.preparation.geometry
    keep: Keep = "memory" if settle_keep("auto", len(members), geometry) == "memory" else "none"
    with Display(quiet=quiet).reading(len(members)) as watch:
        kept = keep_images(dataset.at(members), geometry, classifier.classes, keep, Loading(strict, watch=watch))
    images, skipped = kept.images, kept.skipped
    if not len(images):
        raise DataError(f"no image of {shown} can be read; for example {skipped[0].name}: {skipped[0].reason}")
    fresh = ~np.isin(images.marks, classifier.checkpoint.seen.numpy())
    if not fresh.any():
        raise DataError(
            f"of the {len(images):,} readable images of {shown} every one was used to train this model; "
            "expected images that it has not seen"
        )
    return Result(classifier.evaluate(images.subset(fresh)), part, int((~fresh).sum()), skipped)
