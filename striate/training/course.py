"""What is learnt from and how: the same course from the same weights always ends in the same weights."""

import math
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from striate.augmentation.views import Views
from striate.datasets.supply import Supply
from striate.images.keyed import Draws
from striate.training.balance import balanced_order, occurrences
from striate.training.progressive import resize, size_at
from striate.training.recipe import Recipe
from striate.training.together import ALONE, Together

_MEASURED = 256  # images that are measured at once


class Task(Protocol):
    """What the network is for."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch, one number to go down from."""

    def chance(self, outputs: Tensor) -> float:
        """The loss of a guess that knows nothing."""

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """The metrics of all outputs together; "loss" is among them, and the epoch where it is lowest is the best."""


class Augmentation(Protocol):
    """What training images undergo."""

    def apply(self, views: Views, draws: Draws) -> Views:
        """The views as the network is to learn from them."""


class Normaliser(Protocol):
    """How stored images become what the network takes."""

    @property
    def white(self) -> int:
        """The number that is white in stored images."""

    def normalise(self, images: Tensor) -> Tensor:
        """Floats (N, C, H, W) of stored images."""


class AsTheyAre:
    """What is stored is what the network takes: features of a frozen one."""

    white = 1

    def normalise(self, images: Tensor) -> Tensor:
        """Themselves."""
        return images


class Share(NamedTuple):
    """What one process learns from in a step: all of the batch, if it is alone."""

    images: Tensor  # (M, C, H, W) floats
    targets: Tensor  # (M,), or shares (M, K)
    weight: float  # of its mean loss in the mean over all processes, which is that of the whole batch


def steps_per_epoch(images: int, batch_size: int, processes: int = 1) -> int:
    """A last image alone joins the batch before it: batch normalisation cannot be trained on one value.

    So do fewer than there are processes.

    >>> steps_per_epoch(9, 4), steps_per_epoch(10, 4)
    (2, 3)
    """
    few = images > batch_size > 1 and 0 < images % batch_size < max(2, processes)
    return math.ceil(images / batch_size) - few


@dataclass(frozen=True)
class Course:
    """Images, their preparation and augmentation, the task, the recipe, the seed, and who else learns from them."""

    train: Supply
    validation: Supply
    preparation: Normaliser
    augmentation: Augmentation | None
    task: Task
    recipe: Recipe
    seed: int
    together: Together = ALONE
    parts: int = 1  # that the machine's memory asks a batch to be taken in

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(len(self.train), self.recipe.batch_size, self.together.size)

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
        shares = [
            tuple(map(self.together.share, part)) for part in zip(self._parts(order), self._parts(keys), strict=True)
        ]
        batches = self.train.batches(places for places, _ in shares[place:])
        for (places, own_keys), (read, batch) in zip(shares[place:], batches, strict=True):
            views = Views(batch.images, self.preparation.white, batch.targets)
            if self.augmentation is not None:
                own = own_keys if len(read) == len(places) else own_keys[torch.isin(places, read)]
                views = self.augmentation.apply(views, Draws(self.seed, epoch, own.numpy()))
            yield views

    def batches(self, step: int) -> Generator[Share, None, None]:
        """The same, ready for the network."""
        epoch, place = divmod(step, self.steps_per_epoch)
        planned = self._parts(torch.arange(len(self.train)))[place:]
        first = self.recipe.progressive
        with closing(self.views(step)) as views_of_steps:
            for views, whole in zip(views_of_steps, planned, strict=True):
                assert views.targets is not None
                images = self.preparation.normalise(views.images)
                if first is not None:
                    images = resize(images, size_at(views.size, first, epoch, self.recipe.epochs))
                yield Share(images, views.targets, len(self.together.share(whole)) * self.together.size / len(whole))

    def validation_batches(self, most: int = _MEASURED) -> Generator[tuple[Tensor, Tensor], None, None]:
        """This process's validation images in order, `most` at once, ready for the network, and their targets."""
        own = self.together.share(torch.arange(len(self.validation)))
        for _, batch in self.validation.batches(torch.split(own, min(most, _MEASURED)) if len(own) else ()):
            yield self.preparation.normalise(batch.images), batch.targets

    def _parts(self, order: Tensor) -> list[Tensor]:
        """The steps of an epoch; the last one takes what is left."""
        size, last = self.recipe.batch_size, self.steps_per_epoch - 1
        return [*torch.split(order[: last * size], size), order[last * size :]] if last else [order]
