"""ShuffleNet: 1x1 convolutions within groups of maps, which are cheap, and a shuffle, so that all groups hear of all.

Sources: Zhang, Zhou, Lin, Sun, "ShuffleNet: an extremely efficient convolutional neural network for mobile devices",
2017, arXiv:1707.01083, figure 2 and Table 1: with any number of groups the convolutions multiply 133 to 143 million
times, since more groups pay for more maps. Ma, Zhang, Zheng, Sun, "ShuffleNet V2: practical guidelines for efficient
CNN architecture design", 2018, arXiv:1807.11164, figure 3 and Table 5: half of the maps pass as they are, in place of a
sum; 2,278,604 parameters at 1x. Sides from 224: 112, 56, 28, 14, 7, 1.

Where we differ, and why: version 1 scales all maps, and does not say how where they would no longer divide into groups;
here are those of three groups, with stems as wide as in the authors' code, and at 0.25x, which that lacks, as wide as
the published 13 million multiplies ask for. Names of version 2 are torchvision's. The papers give no start:
convolutions start as in He et al. 2015 (arXiv:1502.01852), by their fan-in; the last layer starts as torch has it.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, Paper, torchvision
from striate.architectures.blocks import convolution, layers, pooled_head
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.starting import start
from striate.layers.layout import laid_as

Unit = Callable[[int, int, int], nn.Module]  # takes channels, width, stride

_DEPTHS = {"stage2": 4, "stage3": 8, "stage4": 4}  # units, the first of which halves the picture
_WIDTHS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # maps of version 1's stage 2 by its groups; then twice, four times


class ChannelShuffle(nn.Module):
    """The first map of each group, the second of each, and so on: (N, C, H, W) to the same, in the same layout.

    >>> ChannelShuffle(2)(torch.arange(6.0).view(1, 6, 1, 1)).flatten().tolist()
    [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, maps: Tensor) -> Tensor:
        grouped = torch.unflatten(maps, 1, (self.groups, -1))  # (N, groups, C/groups, H, W)
        return laid_as(grouped.transpose(1, 2).flatten(1, 2), maps)


class SumUnit(nn.Module):
    """1x1, BN, ReLU, shuffle, 3x3 depthwise, BN, 1x1, BN; the input is added; ReLU. The 1x1 look within groups.

    With stride 2 the input, averaged by 3x3, is stacked on the change and not added to it.
    """

    def __init__(self, channels: int, width: int, stride: int, *, groups: int, first_groups: int) -> None:
        super().__init__()
        between, self.stride = width // 4, stride
        self.change = layers(
            reduce=convolution(channels, between, groups=first_groups),
            shuffle=ChannelShuffle(groups),
            depthwise=convolution(between, between, 3, stride, groups=between, activation=None),
            expand=convolution(between, width - channels if stride == 2 else width, groups=groups, activation=None),
        )
        self.shortcut = nn.AvgPool2d(3, stride=2, padding=1) if stride == 2 else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        kept, change = self.shortcut(maps), self.change(maps)
        joined = kept + change if self.stride == 1 else torch.cat([kept, change], dim=1)
        return self.relu(joined)  # type: ignore[no-any-return]  # (N, width, H/stride, W/stride)


class SplitUnit(nn.Module):
    """Half of the maps as they are, half by 1x1, BN, ReLU, 3x3 depthwise, BN, 1x1, BN, ReLU; stacked; shuffled.

    With stride 2 all maps go both ways, the first of which is 3x3 depthwise, BN, 1x1, BN, ReLU.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        half, self.stride = width // 2, stride
        seen = half if stride == 1 else channels
        straight = (*_depthwise(channels, stride), *convolution(channels, half)) if stride == 2 else ()
        self.branch1 = nn.Sequential(*straight)
        self.branch2 = nn.Sequential(*convolution(seen, half), *_depthwise(half, stride), *convolution(half, half))
        self.shuffle = ChannelShuffle(2)

    def forward(self, maps: Tensor) -> Tensor:
        kept, changed = maps.chunk(2, dim=1) if self.stride == 1 else (maps, maps)
        both = torch.cat([self.branch1(kept), self.branch2(changed)], dim=1)
        return self.shuffle(both)  # type: ignore[no-any-return]  # (N, width, H/stride, W/stride)


def _depthwise(channels: int, stride: int) -> nn.Sequential:
    return convolution(channels, channels, 3, stride, groups=channels, activation=None)


def shufflenet_v1(asked: Declaration, groups: int, scale: float = 1, stem: int = 24) -> Network:
    """A column of Table 1, its maps times `scale`; the few maps of the stem are not grouped."""
    width, unit = int(_WIDTHS[groups] * scale), partial(SumUnit, groups=groups)
    widths, first = (stem, width, 2 * width, 4 * width), partial(unit, first_groups=1)
    return _network(asked, widths, partial(unit, first_groups=groups), first=first)


def shufflenet_v2(asked: Declaration, widths: tuple[int, int, int], last: int = 1024) -> Network:
    """A column of Table 5."""
    return _network(asked, (24, *widths), SplitUnit, first=SplitUnit, last=last)


def _network(
    asked: Declaration, widths: tuple[int, int, int, int], unit: Unit, *, first: Unit, last: int = 0
) -> Network:
    """A stem of widths[0] maps, three stages of units, `first` the very first of them, 1x1 to `last` maps if any."""
    stages = layers(
        conv1=nn.Sequential(*convolution(asked.in_channels, widths[0], 3, stride=2)),  # (N, widths[0], 112, 112)
        maxpool=nn.MaxPool2d(3, stride=2, padding=1),  # (N, widths[0], 56, 56)
    )
    for (name, depth), channels, width in zip(_DEPTHS.items(), widths[:-1], widths[1:], strict=True):
        same = (unit(width, width, 1) for _ in range(depth - 1))
        stages.add_module(name, nn.Sequential(first(channels, width, 2), *same))
        first = unit
    if last:
        stages.add_module("conv5", nn.Sequential(*convolution(widths[-1], last)))  # (N, last, 7, 7)
    network = Network(stages, pooled_head(last or widths[-1], asked.num_classes))
    start(network, linear=False)
    return network


_V1 = Paper(
    "Zhang et al.",
    2017,
    "ShuffleNet: an extremely efficient convolutional neural network for mobile devices",
    "arXiv:1707.01083",
)
_V2 = Paper(
    "Ma et al.", 2018, "ShuffleNet V2: practical guidelines for efficient CNN architecture design", "arXiv:1807.11164"
)
_v2 = partial(Architecture, paper=_V2, names={"torchvision": renamed((r"^head\.", ""))})


def _v1(groups: int, scale: float = 1, stem: int = 24, *, error: float | None, table: int = 2) -> Architecture:
    """Of version 1, given its error in percent where that is of this very network."""
    source = f"Zhang et al. 2017, Table {table}, one crop of 224"
    return Architecture(
        partial(shufflenet_v1, groups=groups, scale=scale, stem=stem),
        _V1,
        note=f"{scale}x, g = {groups}",
        accuracy=None if error is None else Accuracy(100 - error, source),
    )


NETWORKS = {
    "shufflenet_v1_g1": _v1(1, error=33.6),
    "shufflenet_v1_g2": _v1(2, error=32.7),
    "shufflenet_v1_g3": _v1(3, error=32.6),
    "shufflenet_v1_g4": _v1(4, error=32.8),
    "shufflenet_v1_g8": _v1(8, error=32.4),
    "shufflenet_v1_g3_x0_25": _v1(3, 0.25, 12, error=None),
    "shufflenet_v1_g3_x0_5": _v1(3, 0.5, 12, error=43.2),
    "shufflenet_v1_g3_x1_5": _v1(3, 1.5, 24, error=28.5, table=5),
    "shufflenet_v1_g3_x2_0": _v1(3, 2, 48, error=26.3, table=5),
    "shufflenet_v2_x0_5": _v2(partial(shufflenet_v2, widths=(48, 96, 192)), accuracy=torchvision(60.552)),
    "shufflenet_v2_x1_0": _v2(partial(shufflenet_v2, widths=(116, 232, 464)), accuracy=torchvision(69.362)),
    "shufflenet_v2_x1_5": _v2(partial(shufflenet_v2, widths=(176, 352, 704)), accuracy=torchvision(72.996)),
    "shufflenet_v2_x2_0": _v2(partial(shufflenet_v2, widths=(244, 488, 976), last=2048), accuracy=torchvision(76.230)),
}
