"""t-SNE: a map on which those are near that are near in many dimensions.

Source: van der Maaten and Hinton 2008, "Visualizing data using t-SNE", JMLR 9. Steps as Belkina et al. 2019, Nature
Communications 10 (rate N / exaggeration, 250 exaggerated by 12, then 500), begun at the two principal components
(Kobak and Berens 2019); affinities are those of the 3 × perplexity nearest (van der Maaten 2014, JMLR 15), all exact;
the repulsion is laid on a grid (repulsion.py).

When not to trust it: distances between groups, the size of a group and its density mean nothing; groups are seen in
noise too if the perplexity is small; another seed of the data gives another arrangement. What it keeps is who is near
whom.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor

from striate.errors import SettingsError
from striate.explain.components import components
from striate.explain.repulsion import Repulsion

STEPS = 750
_EXAGGERATED, _EXAGGERATION = 250, 12.0
_MOMENTUM = 0.8
_SHORT = 20_000  # points
_HALVINGS, _CHUNK = 40, 1024
_LEAST, _SMALL = 4, 1e-4  # points; the spread of the first map
_LONGEST = 5.0  # that a point moves in a step


def tsne(
    features: Tensor, *, perplexity: float = 30.0, steps: int = STEPS, watch: Callable[[int], object] = lambda _: None
) -> Tensor:
    """Points (N, 2) for features (N, D) that minimise Σ p_ij log(p_ij / q_ij), q_ij ∝ 1 / (1 + |y_i − y_j|²).

    The perplexity, how many neighbours count, is at most (N − 1) / 3. It holds N × 3 × perplexity affinities, and
    1,024 × N distances while they are made. `watch` is called with 1 after every step. Raises SettingsError for fewer
    than 4 points or a perplexity below 1.
    """
    if len(features) < _LEAST or not perplexity >= 1:
        raise SettingsError(
            f"{len(features)} points with a perplexity of {perplexity:g}; t-SNE needs {_LEAST} points and 1 at least"
        )
    attraction = _Attraction(features.float(), min(perplexity, (len(features) - 1) / 3))
    with _alone(len(features)), ThreadPoolExecutor(1) as beside:
        return _descended(_first(features.float()), attraction, beside, steps, watch)


def _descended(
    points: Tensor, attraction: "_Attraction", beside: Executor, steps: int, watch: Callable[[int], object]
) -> Tensor:
    """The points (N, 2) after so many steps down."""
    velocity, gains, repulsion = torch.zeros_like(points), torch.ones_like(points), Repulsion()
    for step in range(steps):
        exaggeration = _EXAGGERATION if step < _EXAGGERATED else 1.0
        pulled = beside.submit(attraction, points)  # while the other forces are found here
        pushed, total = repulsion(points)
        gradient = exaggeration * pulled.result() - pushed / total  # a quarter of it
        gains = torch.where(gradient * velocity < 0, gains + 0.2, gains * 0.8).clamp_min(0.01)
        rate = len(points) / exaggeration
        velocity = (_MOMENTUM * velocity - rate * gains * gradient).clamp(-_LONGEST, _LONGEST)
        points = points + velocity
        points = points - points.mean(0)
        watch(1)
    return points


@contextmanager
def _alone(count: int) -> Iterator[None]:
    """One thread where steps are so short that threads would mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if count <= _SHORT else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Attraction:
    """Σ_j p_ij (y_i − y_j) / (1 + |y_i − y_j|²), over the pairs that have an affinity, each of them held once."""

    def __init__(self, features: Tensor, perplexity: float) -> None:
        count = len(features)
        near, shares = _affinities(features, perplexity)  # (N, k) both
        own = torch.arange(count, device=features.device)[:, None].expand_as(near)
        low, high = torch.minimum(own, near).flatten(), torch.maximum(own, near).flatten()
        pairs, inverse = torch.unique(low * count + high, return_inverse=True)  # (E,)
        self._first, self._second = pairs // count, pairs % count
        self._affinity = shares.new_zeros(len(pairs)).index_add_(0, inverse, shares.flatten()) / (2 * count)

    def __call__(self, points: Tensor) -> Tensor:
        down, across = points.T.contiguous()
        first, second = self._first, self._second
        by_down = down.index_select(0, first) - down.index_select(0, second)
        by_across = across.index_select(0, first) - across.index_select(0, second)
        pull = self._affinity / (by_down.square() + by_across.square() + 1)
        sums = []
        for apart in (by_down.mul_(pull), by_across.mul_(pull)):
            forces = torch.zeros_like(down).index_add_(0, first, apart)
            sums.append(forces.index_add_(0, second, apart, alpha=-1))
        return torch.stack(sums, dim=1)


def _affinities(features: Tensor, perplexity: float) -> tuple[Tensor, Tensor]:
    """The nearest (N, k), and p_{j|i} (N, k), whose entropy is ln(perplexity)."""
    count = max(1, min(len(features) - 1, int(3 * perplexity)))
    nearest, shares = [], []
    for start in range(0, len(features), _CHUNK):
        distances = torch.cdist(features[start : start + _CHUNK], features).square_()
        distances[torch.arange(len(distances)), torch.arange(len(distances)) + start] = torch.inf  # not itself
        values, places = distances.topk(count, dim=1, largest=False)
        nearest.append(places)
        shares.append(_of_entropy(values - values[:, :1], math.log(perplexity)))
    return torch.cat(nearest), torch.cat(shares)


def _of_entropy(distances: Tensor, entropy: float) -> Tensor:
    """Shares (N, k) ∝ exp(−b d) of that entropy, b found by halving; squared distances (N, k) begin with 0."""
    scale = distances.mean(dim=1, keepdim=True).clamp_min(1e-30)
    relative = distances / scale
    low, high = torch.full_like(scale, -20), torch.full_like(scale, 20)  # of ln b
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        weights = torch.exp(-middle.exp() * relative)
        total = weights.sum(dim=1, keepdim=True)
        found = total.log() + middle.exp() * (relative * weights).sum(dim=1, keepdim=True) / total
        low, high = torch.where(found > entropy, middle, low), torch.where(found > entropy, high, middle)
    return weights / total


def _first(features: Tensor) -> Tensor:
    """The principal components, small."""
    points = components(features).points
    return points / points[:, 0].std().clamp_min(1e-30) * _SMALL
