"""Neocognitron: S-cells look for a pattern, C-cells forgive where it lies, three times over; the ancestor of all.

Source: Fukushima, "Neocognitron: A self-organizing neural network model for a mechanism of pattern recognition
unaffected by shift in position", Biological Cybernetics 36 (1980): the equations of S- and C-cells, and the network of
its simulation. 24 planes in every layer; sides from 16: 16, 10, 8, 6, 2, 1; windows of 5x5, the last of 2x2.

What became of it: weights a that all cells of a plane share are a convolution; phi is ReLU; division by the energy v
around a cell is a normalisation, as AlexNet's; C-cells, thinned out to every second, are a pooling with a stride, of a
weighted sum where today's takes the mean or the largest; that they count from the mean of all planes normalises again.

Where we differ, and why: it learns from labels by gradient, as all networks here, and a matrix makes scores of C3 (the
paper's learns without a teacher: the strongest S-cells of their surroundings take on what they see). The roots of a and
b are trained, so that a and b stay positive. They start as the paper's rule leaves them after one random pattern, with
half its inhibition, since most cells would be silent and pass no gradient; q is 16 in all layers, where the paper's is
1 in the first. Weights c and d, of which the paper says
that they fall with the distance, fall by a tenth with each cell of it. Windows of C1 and C2 reach four cells beyond the
border, which makes 10 of 16 and 6 of 8. Larger images leave more cells in C3, and their average is taken.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.architectures.architecture import Architecture, Declaration, Paper
from striate.architectures.blocks import layers, pooled_head
from striate.architectures.network import Network

_PLANES = 24
_FALL = 0.9  # of the fixed weights, with each cell of distance
_SATURATION = 0.5  # alpha
_SPEED = 16.0  # q, the paper's of the second and third layer
_TINY = 1e-12  # a root has no slope at 0


class Positive(nn.Conv2d):
    """A convolution by the squares of its weights."""

    def forward(self, maps: Tensor) -> Tensor:
        return functional.conv2d(maps, self.weight.square(), padding=self.padding)


class SCells(nn.Module):
    """r phi[(1 + sum of a u) / (1 + 2r/(1+r) b v) - 1], v = root of the sum of c u^2, phi[x] = max(x, 0).

    (N, C, H, W) to (N, planes, H + 2*padding - 4, W + 2*padding - 4). Sums go over 5x5 cells of all planes below. Each
    plane has its own a and b; all c add up to 1; the higher the selectivity r, the more of its pattern a cell must see.
    """

    c: Tensor

    def __init__(self, channels: int, planes: int, selectivity: float, padding: int) -> None:
        super().__init__()
        self.selectivity, self.padding = selectivity, padding
        self.excitation = Positive(channels, planes, kernel_size=5, padding=padding, bias=False)  # by the roots of a
        self.root_b = nn.Parameter(torch.empty(planes, 1, 1))
        self.register_buffer("c", _falling(5) / (channels * _falling(5).sum()))

    def forward(self, maps: Tensor) -> Tensor:
        r = self.selectivity
        excitation = self.excitation(maps)  # (N, planes, H', W')
        energy = functional.conv2d(maps.square().sum(dim=1, keepdim=True), self.c, padding=self.padding)
        inhibition = 2 * r / (1 + r) * self.root_b.square() * energy.clamp_min(_TINY).sqrt()  # (N, planes, H', W')
        return r * functional.relu((excitation - inhibition) / (1 + inhibition))  # (1 + e) / (1 + h) - 1, less rounded


class CCells(nn.Module):
    """psi[(1 + s) / (1 + mean of s over all planes) - 1], s = sum of d u over a window, psi[x] = phi[x / (alpha + x)].

    (N, planes, H, W) to (N, planes, H', W'), from 0 to 1.
    """

    d: Tensor

    def __init__(self, window: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        self.register_buffer("d", _falling(window))

    def forward(self, maps: Tensor) -> Tensor:
        planes = maps.shape[1]
        d = self.d.expand(planes, -1, -1, -1)
        near = functional.conv2d(
            maps, d, stride=self.stride, padding=self.padding, groups=planes
        )  # (N, planes, H', W')
        lateral = near.mean(dim=1, keepdim=True)  # (N, 1, H', W')
        above = functional.relu((near - lateral) / (1 + lateral))
        return above / (_SATURATION + above)


def _falling(window: int) -> Tensor:
    """Weights of a window, the highest in the middle: (1, 1, window, window)."""
    places = torch.arange(window) - (window - 1) / 2
    return _FALL ** torch.hypot(places[:, None], places[None]).view(1, 1, window, window)


def neocognitron(asked: Declaration) -> Network:
    """Three times S-cells and C-cells, and a matrix on the last cells."""
    stages = layers(
        stage1=layers(
            s=SCells(asked.in_channels, _PLANES, 4.0, padding=2),  # (N, 24, 16, 16) from 16x16
            c=CCells(5, stride=2, padding=4),  # (N, 24, 10, 10)
        ),
        stage2=layers(
            s=SCells(_PLANES, _PLANES, 1.5, padding=1),  # (N, 24, 8, 8)
            c=CCells(5, stride=2, padding=4),  # (N, 24, 6, 6)
        ),
        stage3=layers(
            s=SCells(_PLANES, _PLANES, 1.5, padding=0),  # (N, 24, 2, 2)
            c=CCells(2),  # (N, 24, 1, 1)
        ),
    )
    for layer in stages.modules():
        if isinstance(layer, SCells) and not layer.root_b.is_meta:
            _reinforce(layer)
    return Network(stages, pooled_head(_PLANES, asked.num_classes))


def _reinforce(cells: SCells) -> None:
    """The paper's a = q c u and half its b = q/2 v, for a pattern u of random values from 0 to 1 in each plane."""
    pattern = torch.rand_like(cells.excitation.weight)
    energy = (cells.c * pattern.square()).sum(dim=(1, 2, 3)).view(-1, 1, 1)
    with torch.no_grad():
        cells.excitation.weight.copy_((_SPEED * cells.c * pattern).sqrt())
        cells.root_b.copy_((_SPEED / 4 * energy.sqrt()).sqrt())


_PAPER = Paper(
    "Fukushima",
    1980,
    "Neocognitron: A self-organizing neural network model for a mechanism of pattern recognition unaffected by shift "
    "in position",
    "Biol. Cybernetics 36",
)

NETWORKS = {"neocognitron": Architecture(neocognitron, _PAPER, 10, 1, (16, 16))}
