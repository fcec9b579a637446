"""Where branches of a graph meet: residual addition, concatenation, reweighting; and maps laid flat.

Source: D1, H(x) = F(x) + x; D0's inception module ("filter concatenation"); D2, "reshape H[B, X, Y, C] into H[B, C]".
"""

from itertools import accumulate
from math import prod

import numpy as np

from striate.byhand.operation import Array, Gradients, Operation
from striate.errors import SizeError


class Add(Operation):
    """y = x₁ + x₂ + …: the residual connection, and the sum of a loss and its penalties.

    dx₁ = dx₂ = … = dy: the gradient passes unchanged to every branch.
    """

    def forward(self, *branches: Array) -> Array:
        """Any number of arrays of one shape to their sum."""
        shapes = [np.shape(x) for x in branches]
        if len(set(shapes)) != 1:
            came = " and ".join(map(str, shapes)) or "no branches"
            raise SizeError(f"{came} cannot be added; branches that meet need one shape")
        self.keep(len(branches))
        return np.asarray(sum(branches))

    def backward(self, dy: Array) -> Gradients:
        """dy for each branch."""
        return (dy,) * int(self.kept)


class Concatenate(Operation):
    """y[b, C_k + c, x] = x_k[b, c, x]: the maps of one branch behind those of the others, C_k channels before it.

    dx_k[b, c, x] = dy[b, C_k + c, x].
    """

    def forward(self, *branches: Array) -> Array:
        """(B, C₁, …), (B, C₂, …), … to (B, C₁ + C₂ + …, …). Raises SizeError unless all else is equal."""
        shapes = [x.shape for x in branches]
        if min(map(len, shapes), default=0) < 2 or len({(shape[0], *shape[2:]) for shape in shapes}) != 1:
            came = " and ".join(map(str, shapes)) or "no branches"
            raise SizeError(f"{came} cannot be laid behind one another: only channels may differ, of (B, C, …)")
        self.keep(tuple(accumulate(shape[1] for shape in shapes[:-1])))
        return np.concatenate(branches, axis=1)

    def backward(self, dy: Array) -> Gradients:
        """Each branch's part."""
        return tuple(np.split(dy, self.kept, axis=1))


class Reweight(Operation):
    """y[b, c, x] = w[b, c] H[b, c, x]: each map by its weight.

    dH[b, c, x] = w[b, c] dy[b, c, x],  dw[b, c] = dy[b, c, X] H[b, c, X].
    """

    def forward(self, H: Array, w: Array) -> Array:
        """H (B, C, …), w (B, C) to H's shape. Raises SizeError for other weights."""
        if H.ndim < 2 or w.shape != H.shape[:2]:
            raise SizeError(f"w is {w.shape}; H {H.shape} needs {H.shape[:2]}, one number for each map")
        w = w.reshape(*w.shape, *(1,) * (H.ndim - 2))
        self.keep(H, w)
        return w * H

    def backward(self, dy: Array) -> Gradients:
        """dH, dw."""
        H, w = self.kept
        return w * dy, (dy * H).sum(axis=tuple(range(2, H.ndim)))


class Flatten(Operation):
    """y[b, (c, x)] = H[b, c, x]: places become channels.

    dH[b, c, x] = dy[b, (c, x)].
    """

    def forward(self, H: Array) -> Array:
        """(B, C, …) to (B, C · places)."""
        if H.ndim < 2:
            raise SizeError(f"H is {H.shape}; expected (B, C, …)")
        self.keep(H.shape)
        return H.reshape(len(H), prod(H.shape[1:]))

    def backward(self, dy: Array) -> Gradients:
        """dH, of H's shape."""
        return (dy.reshape(self.kept),)
