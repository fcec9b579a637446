"""GoogLeNet: nine Inception modules, each of which looks at its input through 1x1, 3x3 and 5x5 windows at once.

Source: Szegedy et al., "Going deeper with convolutions", 2014, arXiv:1409.4842, Table 1 and figures 2b and 3.
6,998,552 parameters. Sides from 224: 112, 56, 28, 14, 7, 1.

Where we differ, and why: the two auxiliary classifiers are not here yet, since they serve training alone; the last
pooling averages whatever is left, 7x7 of 224x224, so that other sizes work; of normalisation and start the paper gives
no constants: we take AlexNet's for the one, and He et al. 2015 (arXiv:1502.01852) for the other, without which the
signal fades in 22 layers. torchvision's network of this name has batch normalisation, 3x3 in place of 5x5, and none
of the paper's local response normalisation. Poolings count a window that reaches over the border (ceil), as the
paper's sizes ask for.
"""

from collections import OrderedDict
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from striate.architectures.normalisation import local_response_normalisation
from striate.architectures.remaining import remaining
from striate.architectures.starting import start


class _Widths(NamedTuple):
    """Channels inside an Inception module, in the order of Table 1."""

    one: int
    three_reduced: int
    three: int
    five_reduced: int
    five: int
    pool: int


_INCEPTION = {  # 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection
    "3a": _Widths(64, 96, 128, 16, 32, 32),
    "3b": _Widths(128, 128, 192, 32, 96, 64),
    "4a": _Widths(192, 96, 208, 16, 48, 64),
    "4b": _Widths(160, 112, 224, 24, 64, 64),
    "4c": _Widths(128, 128, 256, 24, 64, 64),
    "4d": _Widths(112, 144, 288, 32, 64, 64),
    "4e": _Widths(256, 160, 320, 32, 128, 128),
    "5a": _Widths(256, 160, 320, 32, 128, 128),
    "5b": _Widths(384, 192, 384, 48, 128, 128),
}
_POOLED = {"3b": "pool3", "4e": "pool4"}  # the pooling after a module


def googlenet(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """GoogLeNet without its auxiliary classifiers."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3),  # (N, 64, 112, 112) from 224x224
        relu1=nn.ReLU(),
        pool1=_halved(),  # (N, 64, 56, 56)
        norm1=local_response_normalisation(),
        conv2_reduce=nn.Conv2d(64, 64, kernel_size=1),  # (N, 64, 56, 56)
        relu2_reduce=nn.ReLU(),
        conv2=nn.Conv2d(64, 192, kernel_size=3, padding=1),  # (N, 192, 56, 56)
        relu2=nn.ReLU(),
        norm2=local_response_normalisation(),
        pool2=_halved(),  # (N, 192, 28, 28)
    )
    channels = 192
    for name, widths in _INCEPTION.items():
        layers[f"inception_{name}"] = _Inception(channels, widths)
        channels = widths.one + widths.three + widths.five + widths.pool
        if name in _POOLED:
            layers[_POOLED[name]] = _halved()  # (N, 480, 14, 14) after 3b, (N, 832, 7, 7) after 4e
    remaining("googlenet", layers.items(), size)
    layers["average"] = nn.AdaptiveAvgPool2d(1)  # (N, 1024, 1, 1)
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(0.4)
    layers["linear"] = nn.Linear(channels, num_classes)  # (N, K)
    network = nn.Sequential(layers)
    start(network, partial(nn.init.kaiming_normal_, nonlinearity="relu"))
    return network


class _Inception(nn.Module):
    """1x1, 1x1-3x3, 1x1-5x5 and pool-1x1 beside each other, ReLU after each convolution; their maps in one stack."""

    def __init__(self, channels: int, widths: _Widths) -> None:
        super().__init__()
        self.branch_1x1 = _convolutions(channels, (widths.one, 1))
        self.branch_3x3 = _convolutions(channels, (widths.three_reduced, 1), (widths.three, 3))
        self.branch_5x5 = _convolutions(channels, (widths.five_reduced, 1), (widths.five, 5))
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.branch_pool = _convolutions(channels, (widths.pool, 1))

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat(
            (
                self.branch_1x1(maps),
                self.branch_3x3(maps),
                self.branch_5x5(maps),
                self.branch_pool(self.pool(maps)),
            ),
            dim=1,
        )  # (N, one + three + five + pool, H, W)


def _convolutions(channels: int, *convolutions: tuple[int, int]) -> nn.Sequential:
    """Convolutions of (width, kernel), each padded to keep the size and followed by ReLU."""
    layers = nn.Sequential()
    for width, kernel in convolutions:
        layers.extend((nn.Conv2d(channels, width, kernel, padding=kernel // 2), nn.ReLU()))
        channels = width
    return layers


def _halved() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)
