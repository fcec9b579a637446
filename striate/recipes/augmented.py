"""What augmentation shows the network: a few training images as they are, and as the first epochs vary them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.augmentation.views import Views
from striate.datasets.targets import rarest
from striate.images.keyed import Draws
from striate.recipes.first_batch import caption, eight_bits
from striate.training.balance import occurrences
from striate.training.course import Course

IMAGES, DRAWS = 6, 5


@dataclass(frozen=True)
class Augmented:
    """A training image (C, H, W), its class, the draws of its augmentation, and what is told to be in each."""

    label: str
    image: NDArray[np.uint8]
    draws: tuple[NDArray[np.uint8], ...]
    told: tuple[str, ...]


def augmented_images(course: Course, classes: Sequence[str], *, images: int = IMAGES) -> tuple[Augmented, ...]:
    """One image of each class, then a second of each, as epochs 1 to 5 vary it; none if nothing is varied.

    An image is varied here as it is in training; only what mixing takes from other images comes from the few here.
    """
    if course.augmentation is None:
        return ()
    targets = course.train.targets
    numbers = targets if targets.ndim == 1 else torch.from_numpy(rarest(targets.numpy()))
    places = torch.argsort(occurrences(numbers), stable=True)[:images]
    [(read, batch)] = course.train.batches([places])
    plain = Views(batch.images, course.preparation.white, batch.targets)
    draws = [_drawn(course, plain, read.numpy(), epoch) for epoch in range(DRAWS)]
    shown = eight_bits(plain)
    if all(np.array_equal(eight_bits(views), shown) for views in draws):
        return ()
    pixels = [eight_bits(views) for views in draws]
    return tuple(
        Augmented(
            caption(plain, place, classes),
            shown[place],
            tuple(own[place] for own in pixels),
            tuple(caption(views, place, classes) for views in draws),
        )
        for place in range(len(read))
    )


def _spread(targets: Tensor) -> Tensor:
    """Places (N,): the first of each class, then the second; of tags (N, K), where any may stand first, as they are."""
    return torch.arange(len(targets)) if targets.ndim > 1 else torch.argsort(occurrences(targets), stable=True)


def _drawn(course: Course, plain: Views, keys: NDArray[np.int64], epoch: int) -> Views:
    """The views of one epoch; an augmentation may write into the images that it is given."""
    assert course.augmentation is not None
    return course.augmentation.apply(replace(plain, images=plain.images.clone()), Draws(course.seed, epoch, keys))
