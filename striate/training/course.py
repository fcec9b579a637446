"""What is learnt from and how: the same course from the same weights always ends in the same weights."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from striate.augmentation.views import Views
from striate.datasets.supply import Supply
from striate.images.keyed import Draws
from striate.images.preparation import Preparation
from striate.training.balance import balanced_order, occurrences
from striate.training.recipe import Recipe

_MEASURED = 256  # images that are measured at once


class Task(Protocol):
    """What the network is for."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch, one number to go down from."""

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """The metrics of all outputs together; "loss" is among them, and the epoch where it is lowest is the best."""


class Augmentation(Protocol):
    """What training images undergo."""

    def apply(self, views: Views, draws: Draws) -> Views:
        """The views as the network is to learn from them."""


@dataclass(frozen=True)
class Course:
    """Images, their preparation and augmentation, the task, the recipe and the seed."""

    train: Supply
    validation: Supply
    preparation: Preparation
    augmentation: Augmentation | None
    task: Task
    recipe: Recipe
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """A last image alone joins the batch before it: batch normalisation cannot be trained on one value."""
        images, size = len(self.train), self.recipe.batch_size
        return math.ceil(images / size) - (images > size > 1 == images % size)

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.recipe.epochs

    def order(self, epoch: int) -> Tensor:
        """In which order the epoch (from 0) meets the images (N,)."""
        if self.recipe.balance == "sampler":
            return balanced_order(self.train.targets, self.seed, epoch)
        return self.train.order(self.seed, epoch)

    def views(self, step: int) -> Generator[Views, None, None]:
        """What each step sees, from `step` to the end of its epoch: augmented, and in the units of the images."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = self.order(epoch)
        keys = order + len(order) * occurrences(order)  # an image that is met twice is not augmented twice alike
        parts = list(zip(self._parts(order)[place:], self._parts(keys)[place:], strict=True))
        batches = self.train.batches(places for places, _ in parts)
        for (places, own_keys), (read, batch) in zip(parts, batches, strict=True):
            views = Views(batch.images, self.preparation.white, batch.targets)
            if self.augmentation is not None:
                own = own_keys if len(read) == len(places) else own_keys[torch.isin(places, read)]
                views = self.augmentation.apply(views, Draws(self.seed, epoch, own.numpy()))
            yield views

    def batches(self, step: int) -> Generator[tuple[Tensor, Tensor], None, None]:
        """The same, ready for the network: images (M, C, H, W), and targets (M,) or shares (M, K)."""
        for views in self.views(step):
            assert views.targets is not None
            yield self.preparation.normalise(views.images), views.targets

    def validation_batches(self) -> Generator[tuple[Tensor, Tensor], None, None]:
        """All validation images in order, ready for the network, and their class numbers."""
        for _, batch in self.validation.batches(torch.split(torch.arange(len(self.validation)), _MEASURED)):
            yield self.preparation.normalise(batch.images), batch.targets

    def _parts(self, order: Tensor) -> list[Tensor]:
        """The steps of an epoch; the last one takes what is left."""
        size, last = self.recipe.batch_size, self.steps_per_epoch - 1
        return [*torch.split(order[: last * size], size), order[last * size :]] if last else [order]
