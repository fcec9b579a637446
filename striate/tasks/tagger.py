"""A trained network that tells the tags of images, and how it did on images whose tags are known."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.checkpoints.model_file import Checkpoint
from striate.datasets.loading import ImageSet, Skipped
from striate.errors import ModelFileError
from striate.images.preparation import Preparation
from striate.images.reading import ImageSource
from striate.machine.choice import Machine, choose
from striate.tasks.answering import Guess, expect_top, likeliest, predict_all
from striate.tasks.gains import wilson
from striate.tasks.tag_measures import MIDDLE, Counts, average_precisions, best_thresholds, mean_of
from striate.tasks.tagging import Tagging

THRESHOLDS = "thresholds"  # where a model file has them, among what is measured
_TOGETHER = 256  # images that are evaluated at once


@dataclass(frozen=True)
class TagPrediction:
    """The tags of one image, those whose probability reaches their threshold, and the `top` likeliest of all."""

    path: str
    tags: tuple[Guess, ...]
    top: tuple[Guess, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(guess.label for guess in self.tags)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "path": self.path,
            "labels": list(self.labels),
            "tags": [asdict(guess) for guess in self.tags],
            "top": [asdict(guess) for guess in self.top],
        }


@dataclass(frozen=True)
class TagEvaluation:
    """How a tagger did on N images of K tags: told is what has a probability of at least the tag's threshold."""

    classes: tuple[str, ...]
    thresholds: tuple[float, ...]  # (K,)
    loss: float  # mean over images, in nats
    images: ImageSet = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)  # (N, K)

    @property
    def n(self) -> int:
        return len(self.images)

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Which tags (N, K) the images bear."""
        return self.images.targets.astype(bool)

    @property
    def told(self) -> NDArray[np.bool_]:
        """Which tags (N, K) it tells."""
        return np.asarray(self.probabilities >= np.array(self.thresholds))

    @cached_property
    def counts(self) -> Counts:
        return Counts.of(self.told, self.truth)

    @cached_property
    def average_precisions(self) -> NDArray[np.float64]:
        """Of each tag (K,); NaN for one that no image bears."""
        return average_precisions(self.probabilities, self.truth)

    @property
    def mean_average_precision(self) -> float:
        """The mean over the tags that an image bears."""
        return mean_of(self.average_precisions)

    @property
    def guessing(self) -> float:
        """The mean average precision to be expected of numbers drawn by chance: the mean share of images with a tag."""
        shares = self.truth.mean(axis=0)
        return mean_of(np.where(shares > 0, shares, np.nan))

    @property
    def f1_micro(self) -> float:
        """Of the counts of all tags together."""
        return mean_of(np.array([self.counts.f1_micro]))

    @property
    def f1_macro(self) -> float:
        """The mean over the tags that are there, or told."""
        return mean_of(self.counts.f1)

    @property
    def right(self) -> int:
        """Images all of whose tags are told, and no other."""
        return int((self.told == self.truth).all(axis=1).sum())

    @property
    def exact_match(self) -> float:
        return self.right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Where the exact match on all such images lies, with 95 % confidence (Wilson 1927)."""
        return wilson(self.right, self.n)

    @property
    def per_class(self) -> list[dict[str, Any]]:
        """For each tag its images, counts and measures; None where there is nothing to divide by."""
        counts, columns = self.counts, {}
        for name in ("precision", "recall", "f1"):
            columns[name] = getattr(counts, name)
        columns["average_precision"] = self.average_precisions
        return [
            {
                "class": label,
                "n": int(counts.right[number] + counts.missed[number]),
                "told_rightly": int(counts.right[number]),
                "told_wrongly": int(counts.wrong[number]),
                "missed": int(counts.missed[number]),
                **{name: _number(own[number]) for name, own in columns.items()},
                "threshold": self.thresholds[number],
            }
            for number, label in enumerate(self.classes)
        ]

    @property
    def mistakes(self) -> list[int]:
        """Places of the images of which a tag is told wrongly or missed, the surest mistake first."""
        distance = np.abs(self.probabilities - np.array(self.thresholds)) * (self.told != self.truth)  # (N, K)
        order = np.argsort(-distance.max(axis=1), kind="stable")
        return [int(place) for place in order if (self.told[place] != self.truth[place]).any()]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "mean_average_precision": self.mean_average_precision,
            "f1_micro": self.f1_micro,
            "f1_macro": self.f1_macro,
            "exact_match": self.exact_match,
            "interval_95": self.interval,
            "n": self.n,
            "right": self.right,
            "loss": self.loss,
            "per_class": self.per_class,
        }


@dataclass(frozen=True)
class Tagger:
    """A network that knows its tags, from which probability on each is told, and how its images are prepared."""

    network: nn.Module = field(repr=False)
    preparation: Preparation = field(repr=False)
    classes: tuple[str, ...]
    thresholds: tuple[float, ...]
    machine: Machine = field(repr=False)
    checkpoint: Checkpoint = field(repr=False)

    @classmethod
    def of(cls, checkpoint: Checkpoint, device: str = "auto") -> "Tagger":
        """The tagger of a model file, on a device; thresholds are one half where it has none. Raises ModelFileError."""
        machine = choose(device)
        classes = checkpoint.classes
        thresholds = checkpoint.measured.get(THRESHOLDS, [MIDDLE] * len(classes))
        if len(thresholds) != len(classes) or not all(isinstance(own, float) and 0 <= own <= 1 for own in thresholds):
            raise ModelFileError(f"the thresholds {thresholds} are not one for each of {len(classes)} tags; train anew")
        network = machine.place(checkpoint.network())
        return cls(network, checkpoint.preparation, classes, tuple(thresholds), machine, checkpoint)

    def scores(self, images: Tensor) -> Tensor:
        """Scores (N, K) of prepared images (N, C, H, W); their sigmoid is the probabilities."""
        batches = self.preparation.batches(images.to(self.machine.device))
        return self.machine.infer(self.network, batches).cpu()

    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities (N, K) of prepared images (N, C, H, W), each tag by itself: they do not add up to 1."""
        return self.scores(images).sigmoid()

    def predict(self, image: ImageSource, *, top: int = 5) -> TagPrediction:
        """The tags of a file, its bytes, a Pillow image or an array (H, W, C), and the `top` likeliest of all tags.

        Raises ImageError if the image cannot be read.
        """
        expect_top(top)
        prepared = torch.from_numpy(self.preparation.geometry.prepare(image)[0])
        ranked = likeliest(image, self.probabilities(prepared[None])[0], self.classes, len(self.classes))
        needed = dict(zip(self.classes, self.thresholds, strict=True))
        tags = tuple(guess for guess in ranked.top if guess.probability >= needed[guess.label])
        return TagPrediction(ranked.path, tags, ranked.top[:top])

    def predict_files(
        self, paths: Sequence[str | os.PathLike[str]], *, top: int = 5
    ) -> tuple[list[TagPrediction], list[Skipped]]:
        """Predictions for files and for all files in folders, in order, and what could not be read."""
        return predict_all(partial(self.predict, top=top), paths)

    def evaluate(self, images: ImageSet) -> TagEvaluation:
        """How it does on prepared images whose tags (N, K) are in the order of its classes."""
        parts = range(0, len(images), _TOGETHER)
        scores = torch.cat([self.scores(torch.from_numpy(images.images[start : start + _TOGETHER])) for start in parts])
        loss = Tagging().loss(scores, torch.from_numpy(images.targets)).item()
        return TagEvaluation(self.classes, self.thresholds, loss, images, scores.sigmoid().numpy())

    def with_thresholds(self, images: ImageSet) -> "Tagger":
        """The same with the thresholds that are best on these images, also in its checkpoint."""
        found = self.evaluate(images)
        thresholds = best_thresholds(found.probabilities, found.truth)
        return Tagger.of(self.checkpoint.with_measured(**{THRESHOLDS: list(thresholds)}), str(self.machine.device))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
