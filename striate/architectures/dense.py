"""The ancestors: the linear classifier f = Wx + b and the two-layer network f = W2 max(0, W1 x + b1) + b2.

Source: the lectures' "Neural networks" (3072 -> 100 -> 10 on 32x32 colour images).
"""

from collections import OrderedDict

from torch import nn


def linear(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Linear, f = Wx + b: one template as large as the image for every class."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),  # (N, C*H*W)
            score=nn.Linear(in_channels * size[0] * size[1], num_classes),  # (N, K)
        )
    )


def mlp(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Two layers, f = W2 max(0, W1 x + b1) + b2 with 100 hidden units; without the maximum, one matrix."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),  # (N, C*H*W)
            hidden=nn.Linear(in_channels * size[0] * size[1], 100),  # (N, 100)
            relu=nn.ReLU(),
            score=nn.Linear(100, num_classes),  # (N, K)
        )
    )
