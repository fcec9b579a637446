"""Parameters and multiplications of layers. One multiply-accumulate is one multiply; the additions come free.

Letters: C channels in, K channels out, F window, N values in.
"""

from collections.abc import Sequence
from math import prod

from striate.errors import SizeError


def convolution_parameters(
    in_channels: int, out_channels: int, window: Sequence[int], *, groups: int = 1, biases: bool = True
) -> int:
    """F·F·C/groups·K weights, and K biases.

    Raises SizeError if the groups do not divide the channels.

    >>> convolution_parameters(3, 10, (5, 5)), convolution_parameters(3, 96, (11, 11), biases=False)
    (760, 34848)
    """
    if in_channels % groups or out_channels % groups:
        raise SizeError(f"{in_channels} channels in and {out_channels} out do not divide into {groups} groups")
    return prod(window) * in_channels // groups * out_channels + biases * out_channels


def fully_connected_parameters(inputs: int, outputs: int, *, biases: bool = True) -> int:
    """N·K weights, and K biases.

    >>> fully_connected_parameters(7 * 7 * 512, 4096, biases=False)
    102760448
    """
    return (inputs + biases) * outputs


def locally_connected_parameters(
    in_channels: int, out_channels: int, window: Sequence[int], positions: Sequence[int], *, biases: bool = True
) -> int:
    """A convolution's weights at every position anew: nothing is shared.

    >>> locally_connected_parameters(1, 1, (10, 10), (200, 200), biases=False)  # 40,000 hidden units
    4000000
    """
    return prod(positions) * convolution_parameters(in_channels, out_channels, window, biases=biases)


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
