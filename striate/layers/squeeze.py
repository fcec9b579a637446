"""Squeeze and excitation: each map is reweighted by what all maps show on average.

Source: Hu, Shen, Albanie, Sun, Wu, "Squeeze-and-excitation networks", 2017, arXiv:1709.01507, section 3.

The two fully connected layers are nn.Linear, as the paper has them, and not the 1x1 convolutions of torchvision and
timm: on one value for each map both compute the same, but these have no memory layout to lose, and less to set up in
each call. A published 1x1 kernel becomes their weight by `flatten(1)`.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from striate.layers.sizes import expect_maps, expect_numbers, whole


class SqueezeExcitation(nn.Module):
    """x · sigmoid(expand(ReLU(reduce(mean of x)))): (N, C, H, W) to the same.

    `reduce` goes from C values to C / reduction, at least 1, and `expand` back to C: about 2·C·C / reduction weights.
    Another activation may stand in the place of ReLU, as EfficientNet's SiLU.

    Raises SettingsError for channels or a reduction under 1 and an input of whole numbers, and SizeError for an input
    of other channels.

    >>> layer = SqueezeExcitation(64)
    >>> layer.reduce.out_features, layer(torch.zeros(2, 64, 7, 7)).shape
    (4, torch.Size([2, 64, 7, 7]))
    """

    def __init__(self, channels: int, reduction: int = 16, *, activation: Callable[[], nn.Module] = nn.ReLU) -> None:
        super().__init__()
        channels, reduction = whole("channels", channels), whole("reduction", reduction)
        self.reduce = nn.Linear(channels, max(1, channels // reduction))
        self.activation = activation()
        self.expand = nn.Linear(self.reduce.out_features, channels)

    def forward(self, maps: Tensor) -> Tensor:
        expect_maps(maps, self.expand.out_features)
        expect_numbers(maps)
        squeezed = maps.mean((-2, -1))  # (N, C)
        weights = torch.sigmoid(self.expand(self.activation(self.reduce(squeezed))))  # (N, C)
        return maps * weights[..., None, None]
