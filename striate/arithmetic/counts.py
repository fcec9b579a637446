"""Multiplications of the layers that hold them. One multiply-accumulate is one multiply; the additions come free."""

from collections.abc import Sequence
from math import prod


def convolution_multiplies(kernel: Sequence[int], positions: Sequence[int], batch: int = 1) -> int:
    """Multiplies of a convolution whose kernel has shape (K, C / groups, *F), evaluated at `positions`.

    The positions are the output's height and width; for a transposed convolution they are the input's.

    >>> convolution_multiplies((6, 1, 5, 5), (28, 28))  # C1 of LeNet-5
    117600
    """
    return batch * prod(kernel) * prod(positions)


def matrix_multiplies(rows: int, inner: int, columns: int, batch: int = 1) -> int:
    """Multiplies of `batch` matrix products (rows, inner) x (inner, columns).

    >>> matrix_multiplies(1, 84, 10)  # the output layer of LeNet-5 on one image
    840
    """
    return batch * rows * inner * columns
