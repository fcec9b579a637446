"""Progressive size: small images first, which cost less and teach the coarse things; the network's own at the end.

Howard 2018 (fast.ai in DAWNBench); Tan and Le 2021, arXiv:2104.00298, section 4. The side grows in a straight line over
the first `_GROWING` of the epochs, in steps of an eighth of the side, and stays.
"""

from torch import Tensor
from torch.nn import functional

_GROWING = 2 / 3
_STEPS = 8


def size_at(size: tuple[int, int], first: float, epoch: int, epochs: int) -> tuple[int, int]:
    """Height and width in an epoch (from 0) that begins with `first` of the sides.

    >>> [size_at((32, 32), 0.5, epoch, 6)[0] for epoch in range(6)]
    [16, 20, 24, 28, 32, 32]
    """
    share = first + (1 - first) * min(1.0, epoch / max(1.0, _GROWING * epochs))
    height, width = (max(1, round(share * _STEPS) * side // _STEPS) for side in size)
    return height, width


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Images (N, C, H, W) of floats at another size, bilinear and antialiased as every resizing here."""
    if images.shape[2:] == size:
        return images
    return functional.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
