"""Xception: an Inception taken to its end, in which every map is looked at alone, and then all maps at each place.

Source: Chollet, "Xception: deep learning with depthwise separable convolutions", 2016, arXiv:1610.02357, figure 5;
22,855,952 parameters (Table 3). Sides from 299: 149, 147, 74, 37, 19, 10, 1.

Where we differ, and why: figure 5 does not say how sides are padded; here poolings are, by one pixel all around, and
the first two convolutions are not, as in timm, whose published weights expect it, and values from -1 to 1. The paper
gives no start: convolutions start as in He et al. 2015 (arXiv:1502.01852), by their fan-in; the last layer starts as
torch has it.
"""

from itertools import pairwise

from torch import Tensor, nn

from striate.architectures.architecture import HALF, Architecture, Declaration, Paper, timm
from striate.architectures.blocks import layers, pooled_head
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.starting import start
from striate.layers.separable import DepthwiseSeparableConv2d


class SeparableBlock(nn.Module):
    """ReLU, separable 3x3, BN, from each of the widths to the next; the input is added.

    With stride 2 the maximum of 3x3 comes last, and the input by 1x1, BN. Maps that have passed a ReLU need no first.
    """

    def __init__(self, *widths: int, stride: int = 1, passed_relu: bool = False) -> None:
        super().__init__()
        change: list[nn.Module] = []
        for channels, width in pairwise(widths):
            change += [nn.ReLU(), _separable(channels, width), nn.BatchNorm2d(width)]
        self.change = nn.Sequential(*change[1:] if passed_relu else change)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.change.append(nn.MaxPool2d(3, stride, padding=1))
            self.shortcut.append(nn.Conv2d(widths[0], widths[-1], 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(widths[-1]))

    def forward(self, maps: Tensor) -> Tensor:
        return self.change(maps) + self.shortcut(maps)  # type: ignore[no-any-return]  # (N, width, H/stride, W/stride)


def xception(asked: Declaration) -> Network:
    """The entry flow to block 3, the middle flow from 4 to 11, the exit flow from 12."""
    stages = layers(
        stem=layers(
            conv1=nn.Conv2d(asked.in_channels, 32, kernel_size=3, stride=2, bias=False),  # (N, 32, 149, 149) from 299
            bn1=nn.BatchNorm2d(32),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(32, 64, kernel_size=3, bias=False),  # (N, 64, 147, 147)
            bn2=nn.BatchNorm2d(64),
            relu2=nn.ReLU(),
        ),
        stage1=layers(block1=SeparableBlock(64, 128, 128, stride=2, passed_relu=True)),  # (N, 128, 74, 74)
        stage2=layers(block2=SeparableBlock(128, 256, 256, stride=2)),  # (N, 256, 37, 37)
        stage3=layers(
            block3=SeparableBlock(256, 728, 728, stride=2),  # (N, 728, 19, 19)
            **{f"block{number}": SeparableBlock(728, 728, 728, 728) for number in range(4, 12)},
        ),
        stage4=layers(
            block12=SeparableBlock(728, 728, 1024, stride=2),  # (N, 1024, 10, 10)
            conv3=_separable(1024, 1536),
            bn3=nn.BatchNorm2d(1536),
            relu3=nn.ReLU(),
            conv4=_separable(1536, 2048),  # (N, 2048, 10, 10)
            bn4=nn.BatchNorm2d(2048),
            relu4=nn.ReLU(),
        ),
    )
    network = Network(stages, pooled_head(2048, asked.num_classes, dropout=0.5))
    start(network, linear=False)
    return network


def _separable(channels: int, width: int) -> DepthwiseSeparableConv2d:
    return DepthwiseSeparableConv2d(channels, width, 3, padding=1, bias=False)


_PAPER = Paper("Chollet", 2016, "Xception: deep learning with depthwise separable convolutions", "arXiv:1610.02357")
_TIMM = renamed(
    (r"^(stem|stage\d|head)\.", ""),
    (r"\.depthwise\.", ".conv1."),
    (r"\.change\.", ".rep."),
    (r"\.shortcut\.0", ".skip"),
    (r"\.shortcut\.1", ".skipbn"),
)

NETWORKS = {
    "xception": Architecture(
        xception,
        _PAPER,
        size=(299, 299),
        note="figure 5",
        accuracy=timm(79.058, "legacy_xception.tf_in1k", size=299),
        names={"timm": _TIMM},
        mean=HALF,
        std=HALF,
    )
}
