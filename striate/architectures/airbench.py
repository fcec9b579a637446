"""airbench94: the small network that learns CIFAR-10 to 94 % in seconds, whose first filters come from the images.

Source: Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, arXiv:2404.00498, sections 3.1 to 3.3, and
airbench94.py of github.com/KellerJordan/cifar10-airbench. 1.97 million parameters. Sides from 32: 31, 15, 7, 3, 1.
    whitening 2x2, GELU; three blocks of (3x3, 2x2 max pooling, BN, GELU, 3x3, BN, GELU); maximum, matrix, 1/9

Convolutions have no bias but the first; normalisations a shift and no scale. The first filters that a 3x3 convolution
has, as many as it has inputs, start as the identity (section 3.3), so that the untrained network passes images on.
Its training is the recipe `fast`, which whitens with the first convolution (`striate.training.whitening`).

Where we differ, and why: the scales of the normalisations, all 1, are not counted as parameters, since they never
learn. The maximum is taken over all that is left, 3x3 for the paper's size, so that other sizes work too.
`airbench94_w32` and `_w16` have a half and a quarter of its `base_width`, for processors without a GPU.
"""

from functools import partial

import torch
from torch import Tensor, nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, Paper
from striate.architectures.blocks import layers
from striate.architectures.network import Network
from striate.layers.whitening import Whitening

_MEAN, _STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of CIFAR-10


class Shifted(nn.BatchNorm2d):
    """Batch normalisation that learns a shift alone: its scale stays 1."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-12, momentum=0.4)  # 0.6 of the statistics is kept at each step
        del self.weight
        self.register_buffer("weight", torch.ones(width))


class Scaled(nn.Module):
    """Values times a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, values: Tensor) -> Tensor:
        return values * self.factor


def airbench(asked: Declaration, base_width: int = 64) -> Network:
    """The whitening convolution, blocks of 1, 4 and 4 times `base_width`, and one matrix of the maxima."""
    whiten = Whitening(asked.in_channels, 2)
    stages, channels = layers(whiten=layers(conv=whiten, gelu=nn.GELU())), whiten.out_channels
    for number, times in enumerate((1, 4, 4), start=1):
        width = times * base_width
        stages.add_module(f"block{number}", _block(channels, width))
        channels = width
    head = layers(
        maxpool=nn.AdaptiveMaxPool2d(1),
        flatten=nn.Flatten(),
        fc=nn.Linear(channels, asked.num_classes, bias=False),
        scale=Scaled(1 / 9),
    )
    return Network(stages, head)


def _block(channels: int, width: int) -> nn.Sequential:
    """3x3, halved, normalised, GELU; 3x3, normalised, GELU: (N, channels, H, W) to (N, width, H/2, W/2)."""
    return layers(
        conv1=_passing(channels, width),
        pool=nn.MaxPool2d(2),
        norm1=Shifted(width),
        gelu1=nn.GELU(),
        conv2=_passing(width, width),
        norm2=Shifted(width),
        gelu2=nn.GELU(),
    )


def _passing(channels: int, width: int) -> nn.Conv2d:
    """A 3x3 convolution that starts by passing its inputs on, beside torch's own draw for the filters beyond."""
    convolution = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
    if not convolution.weight.is_meta:
        with torch.no_grad():
            nn.init.dirac_(convolution.weight[:channels])
    return convolution


_PAPER = Paper("Jordan", 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", "arXiv:2404.00498")
_entry = partial(Architecture, paper=_PAPER, num_classes=10, size=(32, 32), mean=_MEAN, std=_STD)

NETWORKS = {
    "airbench94": _entry(
        airbench,
        note="for CIFAR",
        accuracy=Accuracy(94.01, "airbench94.py, mean of 1000 runs, six views of each image", data="CIFAR-10"),
    ),
    "airbench94_w32": _entry(partial(airbench, base_width=32), note="half as wide, for CIFAR"),
    "airbench94_w16": _entry(partial(airbench, base_width=16), note="a quarter as wide, for CIFAR"),
}
