"""Activations that look at several values at once: the largest of a unit's pieces, and softmax in any base.

Sources: Maxout is Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout networks", 2013, arXiv:1302.4389,
equation 1. The softmax in base 2 is the one that the lectures' example [4, -1] was computed in (docs/errata.md, E4).
"""

import math
import sys
from functools import reduce

import torch
from torch import Tensor, nn

from striate.errors import SettingsError, SizeError
from striate.layers.layout import laid_as
from striate.layers.sizes import expect_numbers, whole

_AXES = 64  # what torch allows


class Maxout(nn.Module):
    """The largest of each unit's pieces, max(w1ᵀx + b1, w2ᵀx + b2, …): (N, pieces·C, …) to (N, C, …).

    It stands behind an nn.Linear or nn.Conv2d that gives `pieces` values for each unit. First come the first pieces of
    all C units, then their second ones: piece p of unit c is value p·C + c along `dim`. (The paper's own code has the
    pieces of a unit beside each other, p + pieces·c; blocks are faster to compare.)

    Raises SettingsError for pieces under 1 and a `dim` that is no whole number, and SizeError for an input whose `dim`
    does not divide into them.

    >>> Maxout()(torch.tensor([[1.0, -2.0, 0.0, 5.0]]))  # units (1, 0) and (-2, 5)
    tensor([[1., 5.]])
    """

    def __init__(self, pieces: int = 2, dim: int = 1) -> None:
        super().__init__()
        self.pieces, self.dim = whole("pieces", pieces), _axis(dim)

    def forward(self, scores: Tensor) -> Tensor:
        values = _length(scores, self.dim)
        if values % self.pieces:
            raise SizeError(
                f"{values} values along dimension {self.dim} do not divide into {self.pieces} pieces for each unit: "
                f"let the layer before this one give {self.pieces} times as many values as there shall be units"
            )
        return reduce(torch.maximum, scores.chunk(self.pieces, self.dim))  # (N, C, …)

    def extra_repr(self) -> str:
        return f"pieces={self.pieces}, dim={self.dim}"


class Softmax(nn.Module):
    """Scores as shares of 1 along `dim`: base^z_i / Σ_j base^z_j; (N, C, …) to the same.

    In base e it is torch.nn.Softmax. A base b is the base e of z·ln b: a larger one prefers the largest score more.

    Raises SettingsError for a base that is not above 0, a `dim` that is no whole number and an input of whole numbers,
    and SizeError for an input without dimension `dim`.

    >>> scores = torch.tensor([[4.0, -1.0]])
    >>> Softmax()(scores), Softmax(base=2)(scores)
    (tensor([[0.9933, 0.0067]]), tensor([[0.9697, 0.0303]]))
    """

    def __init__(self, base: float = math.e, dim: int = 1) -> None:
        super().__init__()
        if not isinstance(base, int | float) or isinstance(base, bool) or not 0 < base <= sys.float_info.max:
            raise SettingsError(f"base is {base!r}; expected a number above 0 that fits a float, as 2 or math.e")
        self.base, self.dim = base, _axis(dim)

    def forward(self, scores: Tensor) -> Tensor:
        _length(scores, self.dim)
        expect_numbers(scores)
        if self.base != math.e:
            below = scores - scores.detach().amax(self.dim, keepdim=True)  # large scores times ln b would be rounded
            scores = below * math.log(self.base)
        return laid_as(torch.softmax(scores, self.dim), scores)  # (N, C, …); torch alone loses channels_last

    def extra_repr(self) -> str:
        return f"base={self.base:g}, dim={self.dim}"


def _axis(dim: int) -> int:
    return whole("dim", dim, least=-_AXES, most=_AXES - 1)


def _length(scores: Tensor, dim: int) -> int:
    """How many values lie along the dimension. Raises SizeError if there is no such one."""
    if not -scores.dim() <= dim < scores.dim():
        raise SizeError(f"scores of shape {tuple(scores.shape)} have no dimension {dim}: pass another `dim`")
    return scores.shape[dim]
