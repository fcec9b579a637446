"""Classification: one of K classes for each image.

Loss: cross-entropy of the softmax, -log p_y, with the target smoothed over the classes if the recipe says so. In
training, those of auxiliary heads are added with a weight of 0.3: Szegedy et al. 2014, arXiv:1409.4842, section 5.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from striate.architectures.auxiliary import Scores
from striate.checkpoints.model_file import Checkpoint
from striate.datasets.loading import ImageSet, Skipped
from striate.images.preparation import Preparation
from striate.images.reading import ImageSource
from striate.machine.choice import Machine, choose
from striate.tasks.answering import Guess, Prediction, expect_top, likeliest, predict_all
from striate.tasks.gains import wilson

__all__ = ["AUXILIARY_WEIGHT", "Classification", "Classifier", "Evaluation", "Guess", "Prediction"]

AUXILIARY_WEIGHT = 0.3
_TOGETHER = 256  # images that are evaluated at once


@dataclass(frozen=True)
class Classification:
    """What training is handed."""

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None  # (K,) what a mistake about each class costs in training
    measured_weights: tuple[float, ...] | None = None  # (K,) and where an epoch is judged

    def loss(self, outputs: Tensor | Scores, targets: Tensor) -> Tensor:
        """Mean cross-entropy of scores (N, K) for class numbers (N,) or shares (N, K).

        Weighted by class, it is the sum over the images by their number: weights whose mean is 1 then give each class
        its due in all, whatever a batch happens to hold. Auxiliary heads' losses are added, 0.3 of each.
        """
        if isinstance(outputs, Scores):
            return self.loss(outputs.scores, targets) + AUXILIARY_WEIGHT * sum(
                self.loss(scores, targets) for scores in outputs.auxiliary
            )
        outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))  # bfloat16 is too short for a loss
        weights = None if self.class_weights is None else outputs.new_tensor(self.class_weights)
        total = functional.cross_entropy(
            outputs, targets, weights, reduction="sum", label_smoothing=self.label_smoothing
        )
        return total / len(targets)

    def chance(self, outputs: Tensor | Scores) -> float:
        """That of equal scores, ln K, for images of the dearest class."""
        classes = (outputs.scores if isinstance(outputs, Scores) else outputs).shape[1]
        return math.log(classes) * max(self.class_weights or (1.0,))

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """The loss, in nats, the share whose highest score is the target's, and the mean of that share over classes."""
        right = (outputs.argmax(dim=1) == targets).double()
        shown = torch.bincount(targets, minlength=outputs.shape[1])
        recalls = torch.bincount(targets, right, minlength=outputs.shape[1])[shown > 0] / shown[shown > 0]
        return {
            "loss": replace(self, class_weights=self.measured_weights).loss(outputs, targets).item(),
            "accuracy": right.mean().item(),
            "balanced_accuracy": recalls.mean().item(),
        }


@dataclass(frozen=True)
class Evaluation:
    """How a classifier did on labelled images: `confusion[i, j]` images of class i were called j."""

    classes: tuple[str, ...]
    confusion: NDArray[np.int64] = field(repr=False)  # (K, K)
    loss: float  # mean cross-entropy in nats
    images: ImageSet = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)  # (N, K)

    @classmethod
    def of(cls, classes: tuple[str, ...], scores: Tensor, images: ImageSet) -> "Evaluation":
        """Of scores (N, K), whose softmax is the probabilities, or of the logarithms of probabilities."""
        probabilities, count = scores.softmax(dim=1), len(classes)
        pairs = images.targets * count + probabilities.argmax(dim=1).numpy()
        confusion = np.bincount(pairs, minlength=count * count).reshape(count, count)
        loss = functional.cross_entropy(scores, torch.from_numpy(images.targets)).item()
        return cls(classes, confusion, loss, images, probabilities.numpy())

    @property
    def n(self) -> int:
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        return self.right / self.n

    @property
    def balanced_accuracy(self) -> float:
        """The mean of the recalls of the classes that are there: what accuracy is when each class counts the same."""
        return float(np.mean([row["recall"] for row in self.per_class if row["recall"] is not None]))

    @property
    def guessing(self) -> float:
        """The accuracy of always saying the commonest class."""
        return float(self.confusion.sum(axis=1).max() / self.n)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the accuracy on all such images lies, with 95 % confidence (Wilson 1927)."""
        return wilson(self.right, self.n)

    @property
    def per_class(self) -> list[dict[str, Any]]:
        """For each class its number of images, precision and recall; None where there is nothing to divide by."""
        rows = []
        for number, label in enumerate(self.classes):
            right = int(self.confusion[number, number])
            shown, said = int(self.confusion[number].sum()), int(self.confusion[:, number].sum())
            precision, recall = right / said if said else None, right / shown if shown else None
            rows.append({"class": label, "n": shown, "precision": precision, "recall": recall})
        return rows

    @property
    def named_right(self) -> NDArray[np.bool_]:
        """Whether each image (N,) was given its own class."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.images.targets)

    @property
    def mistakes(self) -> list[int]:
        """Places of the wrongly classified images, the most confident first."""
        wrong = np.flatnonzero(~self.named_right)
        return [int(place) for place in wrong[np.argsort(-self.probabilities[wrong].max(axis=1), kind="stable")]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "interval_95": self.interval,
            "n": self.n,
            "right": self.right,
            "loss": self.loss,
            "per_class": self.per_class,
            "confusion": self.confusion.tolist(),
        }


@dataclass(frozen=True)
class Classifier:
    """A network that knows its classes and how its images are prepared."""

    network: nn.Module = field(repr=False)
    preparation: Preparation = field(repr=False)
    classes: tuple[str, ...]
    machine: Machine = field(repr=False)
    checkpoint: Checkpoint = field(repr=False)

    @classmethod
    def of(cls, checkpoint: Checkpoint, device: str = "auto") -> "Classifier":
        """The classifier of a model file, on a device."""
        machine = choose(device)
        network = machine.place(checkpoint.network())
        return cls(network, checkpoint.preparation, checkpoint.classes, machine, checkpoint)

    def scores(self, images: Tensor) -> Tensor:
        """Scores (N, K) of prepared uint8 images (N, C, H, W); their softmax is the probabilities."""
        batches = self.preparation.batches(images.to(self.machine.device))
        return self.machine.infer(self.network, batches).cpu()

    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities (N, K) of prepared uint8 images (N, C, H, W)."""
        return self.scores(images).softmax(dim=1)

    def predict(self, image: ImageSource, *, top: int = 5) -> Prediction:
        """The `top` likeliest classes of a file, its bytes, a Pillow image or an array (H, W, C).

        Raises ImageError if the image cannot be read.
        """
        expect_top(top)
        prepared = torch.from_numpy(self.preparation.geometry.prepare(image)[0])
        return likeliest(image, self.probabilities(prepared[None])[0], self.classes, top)

    def predict_files(
        self, paths: Sequence[str | os.PathLike[str]], *, top: int = 5
    ) -> tuple[list[Prediction], list[Skipped]]:
        """Predictions for files and for all files in folders, in order, and what could not be read."""
        return predict_all(partial(self.predict, top=top), paths)

    def evaluate(self, images: ImageSet) -> Evaluation:
        """How it does on prepared images whose targets are numbered as its classes."""
        parts = range(0, len(images), _TOGETHER)
        scores = torch.cat([self.scores(torch.from_numpy(images.images[start : start + _TOGETHER])) for start in parts])
        return Evaluation.of(self.classes, scores, images)
