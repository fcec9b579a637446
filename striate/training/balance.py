"""Classes of unequal size: dearer mistakes for the rare ones, or the rare ones shown more often.

`loss` weighs an image of class k by N / (K N_k), so that each class weighs the same in all and the mean weight is 1.
`sampler` shows each class equally often in an epoch of N images: those of a rare class several times, those of a
common one in part, other ones in each epoch. An image of several tags counts there as one of its rarest, an image of
none as one of a class of its own.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.datasets.targets import rarest
from striate.images.keyed import Draws


def class_weights(counts: NDArray[np.int64]) -> tuple[float, ...]:
    """N / (K N_k) for the images N_k (K,) of each class, none of which is empty.

    >>> class_weights(np.array([1, 3]))
    (2.0, 0.6666666666666666)
    """
    return tuple((counts.sum() / (len(counts) * counts)).tolist())


def balanced_order(targets: Tensor, seed: int, epoch: int) -> Tensor:
    """Places (N,) of an epoch that shows each class equally often, to within one image; each image evenly too.

    Targets are class numbers (N,), or tags (N, K).
    """
    numbers = targets.numpy() if targets.ndim == 1 else rarest(targets.numpy())
    draws = Draws(seed, epoch, np.arange(len(numbers)))
    classes = np.unique(numbers)
    quotas = np.full(len(classes), len(numbers) // len(classes))
    lucky = Draws(seed, epoch, classes).uniform("more", 1)[:, 0].argsort().numpy()
    quotas[lucky[: len(numbers) % len(classes)]] += 1
    shuffled = draws.uniform("which", 1)[:, 0].argsort().numpy()
    chosen = [np.resize(shuffled[numbers[shuffled] == own], quota) for own, quota in zip(classes, quotas, strict=True)]
    slots = draws.uniform("order", 1)[:, 0].argsort()
    return torch.from_numpy(np.concatenate(chosen))[slots]


def occurrences(order: Tensor) -> Tensor:
    """How often a place has been met before (N,): 0 for the first time.

    >>> occurrences(torch.tensor([5, 2, 5, 5, 2])).tolist()
    [0, 0, 1, 2, 1]
    """
    by_place = order.argsort(stable=True)
    _, lengths = torch.unique(order, return_counts=True)
    begin = lengths.cumsum(0) - lengths
    counted = torch.arange(len(order)) - begin.repeat_interleave(lengths)
    return torch.empty_like(order).scatter_(0, by_place, counted)
