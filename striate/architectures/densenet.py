"""DenseNet: a layer sees the maps of all layers before it in its block, and adds a few of its own: the growth.

Source: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", 2016, arXiv:1608.06993,
section 3 and Table 1; 7,978,856 parameters for DenseNet-121, 0.8 to 27.2 million for those of Table 2, made for CIFAR.
Sides from 224: 112, 56, 28, 14, 7, 1; from 32: 32, 16, 8, 1.

Where we differ, and why: nothing drops out, as in the paper's C10+, which varies its images (elsewhere it drops 0.2).
DenseNet-161, of growth 48, is from the authors' code; DenseNet-264 has the 265 layers of Table 1. Stems for 32 pixels
are a convolution alone, as the paper's, since every layer normalises for itself. Names of parameters are torchvision's.
Convolutions start as in He et al. 2015 (arXiv:1502.01852), by their fan-out as in the authors' code; the last layer
starts as torch has it.
"""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, Paper, torchvision
from striate.architectures.blocks import layers, pooled_head
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.starting import by_fan_out, start


class DenseLayer(nn.Sequential):
    """BN, ReLU, 1x1 to `bottleneck` times the growth, BN, ReLU, 3x3 to the growth; stacked on the input.

    With a bottleneck of 0: BN, ReLU, 3x3. In both (N, C, H, W) to (N, C + growth, H, W).
    """

    def __init__(self, channels: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        convolutions = ((1, bottleneck * growth), (3, growth)) if bottleneck else ((3, growth),)
        for number, (kernel, width) in enumerate(convolutions, start=1):
            self.add_module(f"norm{number}", nn.BatchNorm2d(channels))
            self.add_module(f"relu{number}", nn.ReLU())
            self.add_module(f"conv{number}", nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False))
            channels = width

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([maps, super().forward(maps)], dim=1)  # type: ignore[no-untyped-call]


def densenet(
    asked: Declaration, depths: tuple[int, ...], growth: int = 32, *, compression: float = 0.5, bottleneck: int = 4
) -> Network:
    """A stem and blocks of `depths` layers; transitions between them leave `compression` of the maps."""
    channels = 2 * growth if bottleneck else 16
    stages = layers(stem=_stem(asked.in_channels, channels, small=asked.stem == "small"))
    for number, depth in enumerate(depths, start=1):
        stage = nn.Sequential()
        if number > 1:
            before, channels = channels, int(compression * channels)
            stage.add_module(f"transition{number - 1}", _transition(before, channels))
        widths = range(channels, channels + depth * growth, growth)
        block = {f"denselayer{place}": DenseLayer(width, growth, bottleneck) for place, width in enumerate(widths, 1)}
        stage.add_module(f"denseblock{number}", layers(**block))
        stages.add_module(f"stage{number}", stage)
        channels += depth * growth
    stage.add_module(f"norm{len(depths) + 1}", nn.BatchNorm2d(channels))
    stage.add_module(f"relu{len(depths) + 1}", nn.ReLU())
    network = Network(stages, pooled_head(channels, asked.num_classes))
    start(network, by_fan_out, linear=False)
    return network


def for_cifar(asked: Declaration, depth: int, growth: int, *, bottlenecks: bool = False) -> Network:
    """Table 2: three blocks in `depth` layers, with bottlenecks and compression as DenseNet-BC, or with neither."""
    depths = 3 * ((depth - 4) // (6 if bottlenecks else 3),)
    compression, bottleneck = (0.5, 4) if bottlenecks else (1, 0)
    return densenet(replace(asked, stem="small"), depths, growth, compression=compression, bottleneck=bottleneck)


def _transition(channels: int, width: int) -> nn.Sequential:
    """BN, ReLU, 1x1, and the average of 2x2: (N, C, H, W) to (N, width, H/2, W/2)."""
    return layers(
        norm=nn.BatchNorm2d(channels),
        relu=nn.ReLU(),
        conv=nn.Conv2d(channels, width, 1, bias=False),
        pool=nn.AvgPool2d(2),
    )


def _stem(in_channels: int, width: int, *, small: bool) -> nn.Sequential:
    if small:
        return layers(conv0=nn.Conv2d(in_channels, width, kernel_size=3, padding=1, bias=False))
    return layers(
        conv0=nn.Conv2d(in_channels, width, kernel_size=7, stride=2, padding=3, bias=False),  # (N, width, 112, 112)
        norm0=nn.BatchNorm2d(width),
        relu0=nn.ReLU(),
        pool0=nn.MaxPool2d(3, stride=2, padding=1),  # (N, width, 56, 56)
    )


_PAPER = Paper("Huang et al.", 2016, "Densely connected convolutional networks", "arXiv:1608.06993")
_TORCHVISION = ((r"^(stem|stage\d)\.", "features."), (r"^head\.fc", "classifier"))
_NAMES = {
    "torchvision": renamed(*_TORCHVISION),
    "torchvision_2017": renamed(*_TORCHVISION, (r"(denselayer.*(norm|conv))(\d)", r"\1.\3")),  # of its first files
}
_TABLE_3 = Accuracy(77.85, "Huang et al. 2016, Table 3, one crop of 224")


def _dense(depths: tuple[int, ...], accuracy: Accuracy, growth: int = 32) -> Architecture:
    build = partial(densenet, depths=depths, growth=growth)
    return Architecture(build, _PAPER, accuracy=accuracy, names=_NAMES, small_stem=True)


def _cifar(depth: int, growth: int, error: float, *, bottlenecks: bool = False) -> Architecture:
    """Of Table 2, given its error in percent."""
    build = partial(for_cifar, depth=depth, growth=growth, bottlenecks=bottlenecks)
    accuracy = Accuracy(100 - error, "Huang et al. 2016, Table 2, C10+", data="CIFAR-10")
    return Architecture(build, _PAPER, num_classes=10, size=(32, 32), accuracy=accuracy)


NETWORKS = {
    "densenet_40_12": _cifar(40, 12, 5.24),
    "densenet_100_12": _cifar(100, 12, 4.10),
    "densenet_100_24": _cifar(100, 24, 3.74),
    "densenet_bc_100_12": _cifar(100, 12, 4.51, bottlenecks=True),
    "densenet_bc_250_24": _cifar(250, 24, 3.62, bottlenecks=True),
    "densenet_bc_190_40": _cifar(190, 40, 3.46, bottlenecks=True),
    "densenet121": _dense((6, 12, 24, 16), torchvision(74.434)),
    "densenet161": _dense((6, 12, 36, 24), torchvision(77.138), growth=48),
    "densenet169": _dense((6, 12, 32, 32), torchvision(75.600)),
    "densenet201": _dense((6, 12, 48, 32), torchvision(76.896)),
    "densenet264": _dense((6, 12, 64, 48), _TABLE_3),
}
