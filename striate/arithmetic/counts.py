"""Parameters and multiplications of layers. One multiply-accumulate is one multiply; the additions come free.

Letters: C channels in, K channels out, F window, N values in.
"""

from collections.abc import Sequence
from math import prod

from striate.errors import SettingsError, SizeError

_THOUSANDS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


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


def read_count(text: str) -> int:
    """A count as people write it.

    >>> read_count("2G"), read_count("1.5 g"), read_count("500M"), read_count("385,814,752")
    (2000000000, 1500000000, 500000000, 385814752)
    """
    plain = text.strip().upper().replace(",", "")
    number = plain.rstrip("KMGT ")
    try:
        count = float(number) * _THOUSANDS[plain[len(number) :].strip()]
    except (ValueError, KeyError):
        raise SettingsError(f"{text!r} is no count; expected a number with K, M, G or T, as 2G or 500M") from None
    if not 1 <= count < 2**63:
        raise SettingsError(f"{text!r} is {count:g}; expected 1 or more, and less than 2^63")
    return int(count)
