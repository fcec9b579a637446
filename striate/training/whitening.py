"""Filters that whiten: the principal directions of small patches, each scaled to a variance of about 1.

Source: Page 2018, myrtle.ai/learn/how-to-train-your-resnet-8-bag-of-tricks; Jordan 2024, arXiv:2404.00498, section 3.2.
With the patches p (P, D) of k·k pixels of all images, D = C·k², and their second moments pᵀp/P = E Λ Eᵀ, the filters
are the rows of
    W = (Λ + ε)^(−1/2) Eᵀ  and  −W,   ε = 5e-4,
largest λ first. Then they are fixed; the bias goes on learning. Both signs are there because what follows is nearly 0
below 0. An eigenvector's own sign means nothing: here its largest component is positive, so that every machine's agree.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.errors import SettingsError
from striate.layers.whitening import Whitening

_PIXELS = 5000 * 32 * 32  # the paper's first 5,000 images of CIFAR-10
_EPS = 5e-4
_TOGETHER = 256  # images whose patches are held at once


def whitening_layer(network: nn.Module) -> Whitening | None:
    """The layer that is to be whitened, if the network has one."""
    return next((layer for layer in network.modules() if isinstance(layer, Whitening)), None)


def enough(height: int, width: int) -> int:
    """How many images of a size have as many pixels as the paper takes.

    >>> enough(32, 32), enough(224, 224)
    (5000, 102)
    """
    return max(1, round(_PIXELS / (height * width)))


def whiten(layer: nn.Conv2d, images: Tensor) -> None:
    """Give a convolution the whitening filters of images (N, C, H, W), prepared as the network sees them, and fix them.

    Raises SettingsError unless it has 2·C·k·k filters for C channels.
    """
    directions = layer.weight[0].numel()  # D
    if layer.groups != 1 or len(layer.weight) != 2 * directions:
        raise SettingsError(
            f"a convolution with {len(layer.weight)} filters of {directions} numbers cannot be whitened; "
            f"expected {2 * directions} in one group"
        )
    height, width = layer.kernel_size
    filters = whitening_filters(images, (height, width))
    with torch.no_grad():
        layer.weight.copy_(filters.view_as(layer.weight))
    layer.weight.requires_grad_(False)


def whitening_filters(images: Tensor, kernel: tuple[int, int]) -> Tensor:
    """W and −W (2D, D) of images (N, C, H, W), in float64.

    >>> black_or_white = torch.tensor([-2.0, 2.0]).view(2, 1, 1, 1)
    >>> [round(number, 2) for number in whitening_filters(black_or_white, (1, 1)).flatten().tolist()]
    [0.5, -0.5]
    """
    spread, turned = torch.linalg.eigh(_second_moments(images, kernel))  # (D,) rising, (D, D) in columns
    directions = turned.T.flip(0)  # (D, D)
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))  # (D, 1)
    scaled = directions * largest.sign() / (spread.flip(0).clamp_min(0) + _EPS).sqrt().unsqueeze(1)
    return torch.cat([scaled, -scaled])


def _second_moments(images: Tensor, kernel: tuple[int, int]) -> Tensor:
    """The mean of p pᵀ (D, D) over all patches."""
    total, count = torch.zeros((), dtype=torch.float64), 0
    for some in torch.split(images, _TOGETHER):
        patches = functional.unfold(some.double().cpu(), kernel)  # (M, D, P)
        total = total + torch.einsum("mdp,mep->de", patches, patches)
        count += patches.shape[0] * patches.shape[2]
    return total / count
