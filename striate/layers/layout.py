"""How maps (N, C, H, W) lie in memory: what comes channels_last shall go channels_last.

A layer that turned the layout would make each convolution behind it turn it back.
"""

import torch
from torch import Tensor


def lies_channels_last(maps: Tensor) -> bool:
    """Whether the maps lie as (N, H, W, C), and not as (N, C, H, W) too, as those of one channel do.

    >>> maps = torch.zeros(2, 3, 4, 4)
    >>> lies_channels_last(maps), lies_channels_last(maps.to(memory_format=torch.channels_last))
    (False, True)
    """
    return maps.dim() == 4 and not maps.is_contiguous() and maps.is_contiguous(memory_format=torch.channels_last)


def laid_as(made: Tensor, maps: Tensor) -> Tensor:
    """What was made of the maps, in their layout."""
    return made.contiguous(memory_format=torch.channels_last) if lies_channels_last(maps) else made.contiguous()
