"""Whether two thumbnails show the same picture: one is laid on the other, then their slopes are compared.

A copy that was cut a little lies elsewhere in its frame. So the first thumbnail is sampled at y' = (1 + a) y + b and
x' = (1 + c) x + d, whose a, b, c, d, with a gain and an offset of the brightness, are fitted to the second one by least
squares on the linearised difference, four times over (Lucas and Kanade 1981). Then the slopes of both (their
differences from pixel to pixel, down and across) are correlated where they overlap. Slopes and not greys alone: two
skies that grow darker upwards correlate in their greys to 0.97, and hardly in their slopes.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.datasets.checking.survey import SIDE

_ROUNDS = 4
_MARGIN = 2  # pixels at the edge that are not fitted
_STEP = torch.tensor([0.1, 1.5, 0.1, 1.5])  # the most that a round changes a, b, c, d
_REACH = torch.tensor([0.2, 4.0, 0.2, 4.0])  # the most that they become
_CHUNK = 2048  # pairs


def likeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Correlation of greys and of slopes (P, 2) of thumbnails (P, 32, 32), laid on each other."""
    parts = [
        _likeness(*(torch.from_numpy(own[start : start + _CHUNK].astype(np.float32)) for own in (first, second)))
        for start in range(0, len(first), _CHUNK)
    ]
    return torch.cat(parts).numpy() if parts else np.zeros((0, 2), np.float32)


def _likeness(first: Tensor, second: Tensor) -> Tensor:
    rows, columns = _placed(_fit(first, second))
    inside = [((own >= 0) & (own <= SIDE - 1)).float() for own in (rows, columns)]
    overlap = inside[0][:, :, None] * inside[1][:, None, :]  # (P, 32, 32)
    laid = _sample(first, rows, columns)
    greys = _correlation(laid, second, overlap)
    ours, theirs = (torch.cat(_slopes(_smoothed(own, 0.8)), 1) for own in (laid, second))  # (P, 64, 32)
    return torch.stack([greys, _correlation(ours, theirs, torch.cat([overlap, overlap], 1))], 1)


def _fit(first: Tensor, second: Tensor) -> Tensor:
    """a, b, c, d (P, 4) that lay the first on the second."""
    soft, goal = _smoothed(first, 1.0), _smoothed(second, 1.0)
    inner = slice(_MARGIN, SIDE - _MARGIN)
    wanted = goal[:, inner, inner].flatten(1)[:, :, None]  # (P, M, 1)
    offsets = _offsets()
    found = torch.zeros(len(first), 4)
    for _ in range(_ROUNDS):
        laid = _sample(soft, *_placed(found))
        down, across = _slopes(laid)
        terms = [down * offsets[:, None], down, across * offsets, across, laid, torch.ones_like(laid)]
        columns = torch.stack([term[:, inner, inner].flatten(1) for term in terms], 2)  # (P, M, 6)
        solved = _least_squares(columns, wanted)
        change = solved[:, :4] / solved[:, 4:5].abs().clamp(min=0.2)
        found = torch.clamp(found + torch.clamp(change, -_STEP, _STEP), -_REACH, _REACH)
    return found


def _least_squares(columns: Tensor, wanted: Tensor) -> Tensor:
    """Weights (P, 6) of columns (P, M, 6) whose sum comes nearest to (P, M, 1); empty columns get next to none."""
    scale = columns.norm(dim=1, keepdim=True).clamp(min=1e-3)  # (P, 1, 6)
    scaled = columns / scale
    square = scaled.mT @ scaled + 1e-4 * torch.eye(columns.shape[2])
    weights: Tensor = torch.linalg.solve(square, scaled.mT @ wanted) / scale.mT  # (P, 6, 1)
    return weights[:, :, 0]


def _placed(found: Tensor) -> tuple[Tensor, Tensor]:
    """The rows and the columns (P, 32) at which the first thumbnail is sampled."""
    offsets, middle = _offsets(), (SIDE - 1) / 2
    return (1 + found[:, :1]) * offsets + found[:, 1:2] + middle, (1 + found[:, 2:3]) * offsets + found[:, 3:] + middle


def _offsets() -> Tensor:
    return torch.arange(SIDE) - (SIDE - 1) / 2


def _sample(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pictures (P, 32, 32) at these rows and columns (P, 32), linear between pixels."""
    down, across = (_hats(own.clamp(0, SIDE - 1)) for own in (rows, columns))
    return down @ pictures @ across.mT


def _hats(places: Tensor) -> Tensor:
    """(P, 32, 32): how much each pixel weighs at each place: 1 - |distance|, at least 0."""
    return (1 - (places[:, :, None] - torch.arange(SIDE)).abs()).clamp(min=0)


def _slopes(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Half the difference of the neighbours, down and across; at the edges that to the only one."""
    down, across = torch.gradient(pictures, dim=(1, 2))
    return down, across


def _smoothed(pictures: Tensor, spread: float) -> Tensor:
    """Weighted with a bell of this standard deviation in pixels; at the edges with what there is of it."""
    distances = torch.arange(SIDE)[:, None] - torch.arange(SIDE)
    bell = torch.exp(-(distances**2) / (2 * spread**2))
    bell = bell / bell.sum(dim=1, keepdim=True)
    return bell @ pictures @ bell.T


def _correlation(first: Tensor, second: Tensor, weights: Tensor) -> Tensor:
    """Weighted correlation (P,) of pictures (P, H, W); 0 if one is flat."""
    first, second, weights = (own.flatten(1) for own in (first, second, weights))
    total = weights.sum(1, keepdim=True).clamp(min=1)
    first = first - (weights * first).sum(1, keepdim=True) / total
    second = second - (weights * second).sum(1, keepdim=True) / total
    product = (weights * first * second).sum(1)
    return product / ((weights * first**2).sum(1) * (weights * second**2).sum(1)).clamp(min=1e-6).sqrt()
