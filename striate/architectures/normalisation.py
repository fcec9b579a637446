"""Local response normalisation: a value is divided by a power of the energy of its neighbours in other maps.

Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012,
section 3.3: b_i = a_i / (k + alpha * sum of a_j^2 for j from i - 2 to i + 2)^beta, k = 2, alpha = 1e-4, beta = 0.75.
"""

import torch
from torch import Tensor, nn

_MAPS = 5


class _Normalised(nn.LocalResponseNorm):
    """At least in float32: torch cannot average across maps in half the bits on a CPU."""

    def forward(self, maps: Tensor) -> Tensor:
        return super().forward(maps.to(torch.promote_types(maps.dtype, torch.float32))).to(maps.dtype)


def local_response_normalisation() -> nn.LocalResponseNorm:
    """(N, C, H, W) to the same, with the constants of the paper.

    >>> middle = local_response_normalisation()(torch.full((1, 5, 1, 1), 100.0))[0, 2].item()
    >>> round(middle, 3) == round(100 / (2 + 1e-4 * 5 * 100**2) ** 0.75, 3)
    True
    """
    return _Normalised(_MAPS, alpha=_MAPS * 1e-4, beta=0.75, k=2)  # torch divides its alpha by the maps
