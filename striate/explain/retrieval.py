"""How well the nearest images are of the same class, each image of an index asking for all others.

Source: Manning, Raghavan, Schütze 2008, "Introduction to information retrieval", chapter 8. The query itself is left
out of the answer (leave-one-out). Relevant are the R other images of its class; with r_i 1 if the image at rank i is
relevant and 0 if not, and h(i) = r_1 + … + r_i:

    average precision = (1 / R) Σ_i r_i h(i) / i        precision@k = h(k) / k
    recall@k = h(k) / R                                 hit@k = 1 if h(k) > 0, else 0

Each is averaged over the queries; images that are alone in their class have nothing to find, and do not ask.

When not to trust it: the network may have been trained on these very images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.errors import SettingsError
from striate.explain.neighbours import Index

_TOGETHER = 64  # queries


@dataclass(frozen=True)
class Retrieval:
    """The measures, from 0 to 1, by k where they have one; and of how many images."""

    queries: int
    alone: int  # images that are the only one of their class
    mean_average_precision: float
    precision: dict[int, float]
    recall: dict[int, float]
    hit: dict[int, float]


def measure_retrieval(
    index: Index,
    labels: Tensor,
    *,
    ranks: tuple[int, ...] = (1, 5, 10),
    watch: Callable[[int], object] = lambda _: None,
) -> Retrieval:
    """The measures for labels (N,), class numbers of the index's rows, at the `ranks` k.

    Equal cosines are in the order of the rows. It holds 64 × N cosines and ranks. Raises SettingsError if no class has
    two images, or a rank is none.
    """
    if min(ranks) < 1 or len(labels) != len(index):
        raise SettingsError(f"{len(labels)} labels for {len(index)} images at ranks {ranks}; expected a label for each")
    sizes = torch.bincount(labels)[labels] - 1  # (N,) R of each
    asking = torch.nonzero(sizes > 0)[:, 0]
    if not len(asking):
        raise SettingsError("no class has two images, so that there is nothing to find; expected labelled images")
    sums = torch.zeros(1 + 3 * len(ranks), dtype=torch.float64)
    for rows in torch.split(asking, _TOGETHER):
        relevant = _relevant(index, labels, rows)  # (Q, N − 1)
        sums += torch.cat([average_precision(relevant)[:, None], _at(relevant, ranks)], dim=1).sum(0)
        watch(len(rows))
    mean = (sums / len(asking)).tolist()
    precision, recall, hit = (dict(zip(ranks, mean[1 + part :: 3], strict=True)) for part in range(3))
    return Retrieval(len(asking), len(index) - len(asking), mean[0], precision, recall, hit)


def average_precision(relevant: Tensor) -> Tensor:
    """(1 / R) Σ_i r_i h(i) / i (Q,) in float64, of whether what stands at each rank is relevant (Q, N)."""
    found = relevant.double()
    precisions = found.cumsum(dim=1) / torch.arange(1, found.shape[1] + 1)
    return (found * precisions).sum(dim=1) / found.sum(dim=1)


def _relevant(index: Index, labels: Tensor, rows: Tensor) -> Tensor:
    """Whether the others, from the nearest on, are of the class of each query (Q, N − 1)."""
    order = (index.vectors[rows] @ index.vectors.T).argsort(dim=1, descending=True, stable=True)  # (Q, N)
    others = order[order != rows[:, None]].view(len(rows), -1)
    return labels[others] == labels[rows][:, None]


def _at(relevant: Tensor, ranks: tuple[int, ...]) -> Tensor:
    """Precision, recall and hit at each of the ranks (Q, 3 × ranks)."""
    whole = relevant.sum(dim=1).double()
    columns = []
    for rank in ranks:
        found = relevant[:, :rank].sum(dim=1).double()
        columns += [found / rank, found / whole, (found > 0).double()]
    return torch.stack(columns, dim=1)
