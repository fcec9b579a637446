"""How all points of a map push each other away in t-SNE: many by a grid and Fourier transforms, few pair by pair.

Source: Linderman et al. 2019, "Fast interpolation-based t-SNE", Nature Methods 16, arXiv:1712.09005. Where we differ:
the force is convolved with its own kernel, so that one charge a point is enough; points are laid on the 16 nodes around
them by cubic Lagrange weights; and the nodes keep their distance, so that the kernels' transforms can be kept.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

_SPACINGS = (0.125, 0.25, 0.5)  # of the nodes, where the kernel is 1 wide: the finest of which 200 span the map
_FINE = 200  # nodes of a side, up to which a finer spacing is taken
_MARGIN = 3  # nodes around the points
_WIDEST = 1_000  # nodes of a side; on a wider map they lie further apart
_FEW = 500  # points whose pairs are taken one by one: their map may be wide and empty
_STEP = 1.1  # grids grow by a tenth, so that few kernels are made


@dataclass
class Repulsion:
    """Forces on points (N, 2); what it holds is four times the grid, which is as large as the map is wide."""

    _kernels: dict[tuple[int, float], Tensor] = field(default_factory=dict)

    def __call__(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Σ_j (y_i − y_j) / (1 + |y_i − y_j|²)² (N, 2), and Z = Σ_{i≠j} 1 / (1 + |y_i − y_j|²)."""
        if len(points) <= _FEW:
            return by_pairs(points)
        low, high = points.amin(0), points.amax(0)
        span = float((high - low).max())
        spacing = _spacing(span)
        nodes = _grid(span / spacing)
        place = (points - low) / spacing + _MARGIN
        cell = place.floor()
        weights = _lagrange(place - cell)  # (N, 2, 4)
        both = (weights[:, 0, :, None] * weights[:, 1, None, :]).flatten(1)  # (N, 16)
        steps = torch.arange(-1, 3, device=points.device)
        own = cell.long()[:, :, None] + steps  # (N, 2, 4)
        where = (own[:, 0, :, None] * nodes + own[:, 1, None, :]).flatten()  # (16 N,)
        charges = points.new_zeros(nodes * nodes).index_add_(0, where, both.flatten())
        answer = self._convolved(charges.view(nodes, nodes), spacing).flatten(1)  # (3, G)
        felt = (answer.index_select(1, where).view(3, -1, 16) * both).sum(dim=2)  # (3, N)
        return felt[1:].T, (felt[0].sum() - len(points)).clamp_min(1e-12)

    def _convolved(self, charges: Tensor, spacing: float) -> Tensor:
        """With each of the kernels: (3, nodes, nodes)."""
        nodes = len(charges)
        if (nodes, spacing) not in self._kernels:
            self._kernels = {(nodes, spacing): _kernels(nodes, spacing, charges.device)}
        spread = torch.fft.rfft2(charges, s=(2 * nodes, 2 * nodes))
        answer: Tensor = torch.fft.irfft2(spread * self._kernels[nodes, spacing], s=(2 * nodes, 2 * nodes))
        return answer[:, :nodes, :nodes]


def by_pairs(points: Tensor) -> tuple[Tensor, Tensor]:
    """The same, exactly, of N² pairs."""
    apart = points[:, None, :] - points[None, :, :]  # (N, N, 2)
    near = 1 / (1 + apart.square().sum(dim=2))
    return (apart * near.square()[:, :, None]).sum(dim=1), near.sum() - len(points)


def _kernels(nodes: int, spacing: float, device: torch.device) -> Tensor:
    """The transforms of 1 / (1 + r²), and of x and y over (1 + r²)², of twice the nodes."""
    steps = torch.fft.fftfreq(2 * nodes, 1 / (2 * nodes), device=device) * spacing
    down, across = steps[:, None], steps[None, :]
    near = 1 / (1 + down**2 + across**2)
    transforms: Tensor = torch.fft.rfft2(torch.stack([near, down * near**2, across * near**2]))
    return transforms


def _lagrange(share: Tensor) -> Tensor:
    """Weights (…, 4) of the nodes at −1, 0, 1 and 2 for places between 0 and 1."""
    before, after, last = share + 1, share - 1, share - 2
    return torch.stack(
        [
            -share * after * last / 6,
            before * after * last / 2,
            -before * share * last / 2,
            before * share * after / 6,
        ],
        dim=-1,
    )


def _spacing(span: float) -> float:
    """Of the nodes: forces of a small map are within a hundredth, of a wide one within a tenth, in all."""
    return next((own for own in _SPACINGS if span <= own * _FINE), max(_SPACINGS[-1], span / _WIDEST))


def _grid(span: float) -> int:
    """Nodes of a side: at least the span with its margins, a product of 2, 3 and 5, out of few."""
    nodes = 16
    while nodes < span + 2 * _MARGIN:
        nodes = _smooth(max(nodes + 1, round(nodes * _STEP)))
    return nodes


def _smooth(number: int) -> int:
    """The next product of 2, 3 and 5, which transforms are quick for."""
    while True:
        rest = number
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return number
        number += 1
