"""`striate evaluate` of a model that tells tags, on images with tags that it was not trained on."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from striate.datasets.dataset import Dataset
from striate.datasets.keep import Keep
from striate.datasets.keeping import keep_images
from striate.datasets.loading import Loading, Skipped
from striate.datasets.targets import Classes, Tags
from striate.errors import DataError
from striate.recipes.data import settle_keep
from striate.recipes.progress import Display
from striate.tasks.tagger import TagEvaluation, Tagger


@dataclass(frozen=True)
class TagResult:
    """An evaluation, and which images it is of: those `seen` by the model, known by their pixels, are left out."""

    evaluation: TagEvaluation
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


def evaluate_tags(
    tagger: Tagger, dataset: Dataset, *, shown: str, part: str, strict: bool, display: Display
) -> TagResult:
    """How it does on the images of a data set that people know as `shown`; a class is a tag, alone on its image.

    Raises DataError if they have no tags, or one that the model does not know, or if no image is left.
    """
    _expect_known(dataset, tagger, shown)
    if isinstance(dataset.targets, Classes):
        dataset = replace(dataset, targets=Tags(np.arange(len(dataset) + 1), dataset.targets.numbers))
    geometry = tagger.preparation.geometry
    keep: Keep = "memory" if settle_keep("auto", len(dataset), geometry) == "memory" else "none"
    with display.reading(len(dataset)) as watch:
        kept = keep_images(dataset, geometry, tagger.classes, keep, Loading(strict, watch=watch))
    if not len(kept.images):
        raise DataError(
            f"no image of {shown} can be read; for example {kept.skipped[0].name}: {kept.skipped[0].reason}"
        )
    seen = np.isin(kept.images.marks, tagger.checkpoint.seen.numpy())
    if seen.all():
        raise DataError(
            f"of the {len(seen):,} readable images of {shown} every one was used to train this model; expected images "
            "that it has not seen"
        )
    return TagResult(tagger.evaluate(kept.images.subset(~seen)), part, int(seen.sum()), kept.skipped)


def _expect_known(dataset: Dataset, tagger: Tagger, shown: str) -> None:
    if dataset.task not in ("tags", "classes"):
        raise DataError(
            f"{shown} has {dataset.task} for its images, and the model tells tags; expected images with tags"
        )
    unknown = sorted(set(dataset.classes) - set(tagger.classes))
    if unknown:
        raise DataError(
            f"{shown} has {'the tag' if len(unknown) == 1 else 'the tags'} {', '.join(map(repr, unknown))}, which the "
            f"model does not know; it knows {', '.join(map(repr, tagger.classes))}: rename or remove"
        )
