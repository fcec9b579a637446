"""3×3 convolutions by Winograd's minimal filtering: 36 products for 16 outputs that have 144 taken one by one.

Source: Lavin, Gray 2015, "Fast algorithms for convolutional neural networks", arXiv:1509.09308, section 4.3.
Letters as there: B, G, A transform tiles d of 6×6, windows g, and products to outputs: Y = Aᵀ[(GgGᵀ) ⊙ (BᵀdB)]A. On
tiles written as columns of 36 numbers each transform is one matrix, the Kronecker product of its two sides.

When not to use it: rounding is some ten times that of the plain sum; here it falls on what a mask changes, not on the
map.
"""

from functools import cache

import torch
from torch import Tensor

from striate.explain.incremental.patches import Reading

TILE, OUTPUTS = 6, 4
_ENOUGH = 96  # channels on both sides; with fewer the transforms cost what the products save
Matrix = tuple[tuple[float, ...], ...]
_B = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)  # Bᵀ
_G = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_A = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))  # Aᵀ


def suits(weight: Tensor, stride: tuple[int, int], dilation: tuple[int, int], groups: int) -> bool:
    """Whether a convolution can be computed so, and is worth it."""
    moves = tuple(weight.shape[2:]) == (3, 3) and stride == dilation == (1, 1) and groups == 1
    return moves and min(weight.shape[:2]) >= _ENOUGH and weight.dtype in (torch.float32, torch.float64)


def transformed(weight: Tensor) -> Tensor:
    """GgGᵀ of weights (K, C, 3, 3): (36, C, K)."""
    windows = weight.permute(2, 3, 1, 0).reshape(9, -1)  # (9, C·K)
    return _both_sides(_G, windows).view(TILE * TILE, weight.shape[1], weight.shape[0])


def convolved(maps: Tensor, weights: Tensor) -> Tensor:
    """Maps (B, C, 4m+2, 4n+2), channels last, by transformed weights (36, C, K): (B, K, 4m, 4n), channels last."""
    tiles = maps.permute(0, 2, 3, 1).unfold(1, TILE, OUTPUTS).unfold(2, TILE, OUTPUTS)  # (B, m, n, C, 6, 6)
    batch, down, across, channels = tiles.shape[:4]
    columns = tiles.permute(4, 5, 0, 1, 2, 3).reshape(TILE * TILE, -1)  # (36, B·m·n·C)
    products = torch.bmm(_both_sides(_B, columns).view(TILE * TILE, -1, channels), weights)  # (36, B·m·n, K)
    outputs = _both_sides(_A, products.view(TILE * TILE, -1))  # (16, B·m·n·K)
    placed = outputs.view(OUTPUTS, OUTPUTS, batch, down, across, -1).permute(2, 3, 0, 4, 1, 5)
    return placed.reshape(batch, down * OUTPUTS, across * OUTPUTS, -1).permute(0, 3, 1, 2)


def enlarged(reading: Reading) -> Reading:
    """What whole tiles read: the outputs that are too many are cut off."""
    tiles = -((2 - reading.size) // OUTPUTS)  # rounded up
    return reading._replace(size=tiles * OUTPUTS + TILE - OUTPUTS)


def _both_sides(matrix: Matrix, columns: Tensor) -> Tensor:
    """MxMᵀ of each square x, written as a column."""
    return _kronecker(matrix, columns.dtype, columns.device) @ columns


@cache
def _kronecker(matrix: Matrix, number_format: torch.dtype, device: torch.device) -> Tensor:
    one = torch.tensor(matrix, dtype=number_format, device=device)
    return torch.kron(one, one)
