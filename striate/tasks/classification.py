"""Classification: one of K classes for each image.

Loss: cross-entropy of the softmax, -log p_y, with the target smoothed over the classes if the recipe says so. In
training, those of auxiliary heads are added with a weight of 0.3: Szegedy et al. 2014, arXiv:1409.4842, section 5.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from striate.architectures.auxiliary import Scores
from striate.checkpoints.model_file import Checkpoint
from striate.datasets.loading import ImageSet, Skipped
from striate.errors import ImageError, SettingsError
from striate.images.preparation import Preparation
from striate.images.reading import ImageSource
from striate.images.walking import files_below
from striate.machine.choice import Machine, choose

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
        weights = None if self.class_weights is None else outputs.new_tensor(self.class_weights)
        total = functional.cross_entropy(
            outputs, targets, weights, reduction="sum", label_smoothing=self.label_smoothing
        )
        return total / len(targets)

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
class Guess:
    """A class and the probability that the network gives it."""

    label: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The likeliest class of one image, and the `top` ones in order of probability."""

    path: str
    top: tuple[Guess, ...]

    @property
    def label(self) -> str:
        return self.top[0].label

    @property
    def probability(self) -> float:
        return self.top[0].probability

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "path": self.path,
            "label": self.label,
            "probability": self.probability,
            "top": [asdict(g) for g in self.top],
        }


@dataclass(frozen=True)
class Evaluation:
    """How a classifier did on labelled images: `confusion[i, j]` images of class i were called j."""

    classes: tuple[str, ...]
    confusion: NDArray[np.int64] = field(repr=False)  # (K, K)
    loss: float  # mean cross-entropy in nats
    images: ImageSet = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)  # (N, K)

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
        z, n, share = 1.96, self.n, self.accuracy
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

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
    def mistakes(self) -> list[int]:
        """Places of the wrongly classified images, the most confident first."""
        said = self.probabilities.argmax(axis=1)
        wrong = np.flatnonzero(said != self.images.targets)
        return [int(place) for place in wrong[np.argsort(-self.probabilities[wrong, said[wrong]], kind="stable")]]

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
        if top < 1:
            raise SettingsError(f"top is {top}; expected a whole number of at least 1")
        prepared = torch.from_numpy(self.preparation.geometry.prepare(image)[0])
        path = str(image) if isinstance(image, str | os.PathLike) else ""
        return self._say(path, self.probabilities(prepared[None])[0], top)

    def predict_files(
        self, paths: Sequence[str | os.PathLike[str]], *, top: int = 5
    ) -> tuple[list[Prediction], list[Skipped]]:
        """Predictions for files and for all files in folders, in order, and what could not be read."""
        predictions, skipped = [], []
        for path in (file for given in paths for file in _files(Path(given))):
            try:
                predictions.append(self.predict(path, top=top))
            except ImageError as error:
                skipped.append(Skipped(str(path), "no image in this folder" if path.is_dir() else error.reason))
        return predictions, skipped

    def _say(self, path: str, probabilities: Tensor, top: int) -> Prediction:
        likeliest = probabilities.topk(min(top, len(self.classes)))
        guesses = zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
        return Prediction(path, tuple(Guess(self.classes[number], value) for number, value in guesses))

    def evaluate(self, images: ImageSet) -> Evaluation:
        """How it does on prepared images whose targets are numbered as its classes."""
        parts = range(0, len(images), _TOGETHER)
        scores = torch.cat([self.scores(torch.from_numpy(images.images[start : start + _TOGETHER])) for start in parts])
        probabilities = scores.softmax(dim=1)
        targets = torch.from_numpy(images.targets)
        count = len(self.classes)
        pairs = images.targets * count + probabilities.argmax(dim=1).numpy()
        confusion = np.bincount(pairs, minlength=count * count).reshape(count, count)
        loss = functional.cross_entropy(scores, targets).item()
        return Evaluation(self.classes, confusion, loss, images, probabilities.numpy())


def _files(path: Path) -> list[Path]:
    """The file itself, or all files of a folder and below; an empty folder stands for itself and is refused."""
    return files_below(path) or [path] if path.is_dir() else [path]
