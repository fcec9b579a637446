"""ResNet: blocks that learn what to add to their input, y = ReLU(F(x) + x), so that depth can only help.

Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, arXiv:1512.03385, Table 1.
Sides from 224: 112, 56, 56, 28, 14, 7, 1. A map of one pixel passes all windows, so every size works.

Where we differ, and why: a bottleneck that halves the picture does so in its 3x3 convolution, as torchvision does and
its published weights expect (the paper's first 1x1 would throw three of four pixels away unseen); shortcuts change the
number of channels by a 1x1 convolution (option B of the paper). The last pooling averages whatever is left. Names of
parameters are torchvision's. Convolutions start as in He et al. 2015 (arXiv:1502.01852), by their fan-out; the last
layer starts as torch has it.
"""

from collections import OrderedDict
from functools import partial

from torch import Tensor, nn

from striate.architectures.starting import start

_WIDTHS = {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512}  # the paper's conv2_x to conv5_x


def resnet18(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Eighteen layers: 2, 2, 2, 2 basic blocks."""
    return _resnet(Basic, (2, 2, 2, 2), num_classes, in_channels, size)


def resnet34(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Thirty-four layers: 3, 4, 6, 3 basic blocks."""
    return _resnet(Basic, (3, 4, 6, 3), num_classes, in_channels, size)


def resnet50(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Fifty layers: 3, 4, 6, 3 bottlenecks."""
    return _resnet(Bottleneck, (3, 4, 6, 3), num_classes, in_channels, size)


def resnet101(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """A hundred and one layers: 3, 4, 23, 3 bottlenecks."""
    return _resnet(Bottleneck, (3, 4, 23, 3), num_classes, in_channels, size)


def resnet152(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """A hundred and fifty-two layers: 3, 8, 36, 3 bottlenecks."""
    return _resnet(Bottleneck, (3, 8, 36, 3), num_classes, in_channels, size)


class Basic(nn.Module):
    """3x3, BN, ReLU, 3x3, BN; the input is added; ReLU."""

    growth = 1  # channels it gives for each of its width

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels, width, stride)
        self.relu2 = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        change = self.relu1(self.bn1(self.conv1(maps)))  # (N, width, H/stride, W/stride)
        change = self.bn2(self.conv2(change))
        return self.relu2(change + self.downsample(maps))  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """1x1, BN, ReLU, 3x3, BN, ReLU, 1x1 to four times the width, BN; the input is added; ReLU."""

    growth = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(channels, 4 * width, stride)
        self.relu3 = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        change = self.relu1(self.bn1(self.conv1(maps)))  # (N, width, H, W)
        change = self.relu2(self.bn2(self.conv2(change)))  # (N, width, H/stride, W/stride)
        change = self.bn3(self.conv3(change))  # (N, 4*width, H/stride, W/stride)
        return self.relu3(change + self.downsample(maps))  # type: ignore[no-any-return]


def _shortcut(channels: int, outputs: int, stride: int) -> nn.Module:
    """The input itself, or brought to the shape of what is added to it."""
    if stride == 1 and channels == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(channels, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def _resnet(
    block: type[Basic | Bottleneck],
    blocks: tuple[int, int, int, int],
    num_classes: int,
    in_channels: int,
    _size: tuple[int, int],
) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False),  # (N, 64, 112, 112) from 224
        bn1=nn.BatchNorm2d(64),
        relu=nn.ReLU(),
        maxpool=nn.MaxPool2d(3, stride=2, padding=1),  # (N, 64, 56, 56)
    )
    channels = 64
    for (name, width), count in zip(_WIDTHS.items(), blocks, strict=True):
        first = block(channels, width, stride=1 if name == "layer1" else 2)
        channels = block.growth * width
        layers[name] = nn.Sequential(first, *(block(channels, width, stride=1) for _ in range(count - 1)))
    layers["avgpool"] = nn.AdaptiveAvgPool2d(1)  # (N, channels, 1, 1)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(channels, num_classes)  # (N, K)
    network = nn.Sequential(layers)
    start(network, partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"), linear=False)
    return network
