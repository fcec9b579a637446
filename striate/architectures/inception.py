"""Inception-v3: modules whose large windows are taken apart, 5x5 into two 3x3, 7x7 into 1x7 and 7x1.

Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2015, arXiv:1512.00567, Table 1 and
figures 5 to 8 and 10. 23,834,568 parameters, and 3,326,696 more in the auxiliary classifier. Sides from 299: 149, 147,
147, 73, 71, 35, 17, 8, 1. Its published weights expect values from -1 to 1.

Where we differ, and why: it is the network that its authors released, since the paper leaves the widths inside its
modules open. In its stem stand a 1x1 convolution and a second pooling where Table 1 has 3x3 and a stride, and in its
auxiliary classifier a 5x5 convolution where figure 8 has a matrix; its windows have a border where less than 5x5 is
left to them, as of 128x128. Poolings that keep the size count the border as zeros, as torchvision's do. Dropout is the
release's 0.2 (torchvision has 0.5), and so is epsilon of the batch normalisation, 0.001; weights start as in He et al.
2015 (arXiv:1502.01852): the paper says nothing of these three. Names of branches are torchvision's.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from torch import nn

from striate.architectures.architecture import HALF, Architecture, Declaration, Paper, torchvision
from striate.architectures.auxiliary import WithAuxiliary
from striate.architectures.blocks import Branches, convolution, layers, pooled_head, set_batch_norms
from striate.architectures.names import renamed
from striate.architectures.network import Network, expect_to_fit, left
from striate.architectures.starting import start


class Conv(NamedTuple):
    """Convolution, batch normalisation if `norm`, ReLU; padded to keep the size if `padding` is not given."""

    kernel: int | tuple[int, int]
    width: int
    stride: int = 1
    padding: int | None = None
    norm: bool = True


Branching: TypeAlias = Mapping[str, "Chain"]  # chains beside each other, by name; their maps in one stack
Chain: TypeAlias = Sequence[Conv | Branching | Callable[[int], nn.Module]]  # the last: what keeps the channels
Table: TypeAlias = Mapping[str, Branching]  # of the stages, the chains that follow each other
Heads: TypeAlias = Callable[[Declaration, nn.Sequential], dict[str, nn.Module]]  # made for stages, by their names


def halved(_: int) -> nn.Module:
    """A pooling to half the side, not padded."""
    return nn.MaxPool2d(3, stride=2)


def _averaged(_: int) -> nn.Module:
    return nn.AvgPool2d(3, stride=1, padding=1)


def chain(channels: int, steps: Chain) -> tuple[nn.Module, int]:
    """Steps one after another, and the channels they give; one alone stands for itself."""
    modules = []
    for step in steps:
        match step:
            case Conv():
                kernel, width, stride, padding, norm = step
                module: nn.Module = convolution(channels, width, kernel, stride, padding=padding, norm=norm)
                channels = width
            case Mapping():
                branches = {name: chain(channels, branch) for name, branch in step.items()}
                module = Branches(OrderedDict((name, branch) for name, (branch, _) in branches.items()))
                channels = sum(width for _, width in branches.values())
            case _:
                module = step(channels)
        modules.append(module)
    return modules[0] if len(modules) == 1 else nn.Sequential(*modules), channels


def inception(asked: Declaration, table: Table, *, dropout: float = 0.2, auxiliary: Heads | None = None) -> Network:
    """The stages of a table, and the heads on the way that `auxiliary` makes for some of them."""
    stages, channels = nn.Sequential(), asked.in_channels
    for name, parts in table.items():
        stage = nn.Sequential()
        for part, steps in parts.items():
            module, channels = chain(channels, steps)
            stage.add_module(part, module)
        stages.add_module(name, stage)
    head = pooled_head(channels, asked.num_classes, dropout=dropout)
    network = WithAuxiliary(stages, head, auxiliary(asked, stages)) if auxiliary else Network(stages, head)
    set_batch_norms(network, eps=1e-3)
    start(network)
    return network


def _auxiliary(asked: Declaration, stages: nn.Sequential) -> dict[str, nn.Module]:
    """5x5 average pooling, 1x1, BN, ReLU, 5x5, BN, ReLU, the average of each map, one matrix: to (N, K)."""
    expect_to_fit(asked, stages)
    channels, *sides = left(asked, stages[:4])  # (N, 768, 17, 17) from 299x299
    pooled = [max(side - 2, 3) // 3 for side in sides]  # (N, 768, 5, 5)
    head = layers(
        pool=nn.AvgPool2d(5, stride=3, padding=_border(sides)),
        conv0=convolution(channels, 128),
        conv1=convolution(128, 768, 5, padding=_border(pooled)),  # (N, 768, 1, 1)
        **dict(pooled_head(768, asked.num_classes).named_children()),
    )
    return {"stage4": head}


def _border(sides: Sequence[int]) -> tuple[int, int]:
    """So wide that a window of 5 fits."""
    height, width = (max(0, (6 - side) // 2) for side in sides)
    return height, width


def _figure5(pooled: int) -> Branching:
    """35x35: the 5x5 of GoogLeNet, and beside it two 3x3 that see as far."""
    return {
        "branch1x1": [Conv(1, 64)],
        "branch5x5": [Conv(1, 48), Conv(5, 64)],
        "branch3x3dbl": [Conv(1, 64), Conv(3, 96), Conv(3, 96)],
        "branch_pool": [_averaged, Conv(1, pooled)],
    }


def _figure6(width: int) -> Branching:
    """17x17: 7x7 as 1x7 and 7x1, once and twice."""
    wide, high = Conv((1, 7), width), Conv((7, 1), width)
    return {
        "branch1x1": [Conv(1, 192)],
        "branch7x7": [Conv(1, width), wide, Conv((7, 1), 192)],
        "branch7x7dbl": [Conv(1, width), high, wide, high, Conv((1, 7), 192)],
        "branch_pool": [_averaged, Conv(1, 192)],
    }


_FORK: Branching = {"a": [Conv((1, 3), 384)], "b": [Conv((3, 1), 384)]}
_FIGURE_7: Branching = {  # 8x8: 1x3 and 3x1 beside each other
    "branch1x1": [Conv(1, 320)],
    "branch3x3": [Conv(1, 384), _FORK],
    "branch3x3dbl": [Conv(1, 448), Conv(3, 384), _FORK],
    "branch_pool": [_averaged, Conv(1, 192)],
}
_TO_17: Branching = {  # figure 10: convolutions and a pooling that halve the side
    "branch3x3": [Conv(3, 384, 2, 0)],
    "branch3x3dbl": [Conv(1, 64), Conv(3, 96), Conv(3, 96, 2, 0)],
    "branch_pool": [halved],
}
_TO_8: Branching = {
    "branch3x3": [Conv(1, 192), Conv(3, 320, 2, 0)],
    "branch7x7x3": [Conv(1, 192), Conv((1, 7), 192), Conv((7, 1), 192), Conv(3, 192, 2, 0)],
    "branch_pool": [halved],
}
STEM: Table = {
    "stage1": {"conv_1a": [Conv(3, 32, 2, 0)], "conv_2a": [Conv(3, 32, 1, 0)], "conv_2b": [Conv(3, 64)]},
    "stage2": {"pool_3a": [halved], "conv_3b": [Conv(1, 80)], "conv_4a": [Conv(3, 192, 1, 0)]},
}
_V3: Table = {
    **STEM,  # (N, 64, 147, 147) from 299x299, (N, 192, 71, 71)
    "stage3": {  # (N, 288, 35, 35)
        "pool_5a": [halved],
        "mixed_5b": [_figure5(32)],
        "mixed_5c": [_figure5(64)],
        "mixed_5d": [_figure5(64)],
    },
    "stage4": {  # (N, 768, 17, 17)
        "mixed_6a": [_TO_17],
        "mixed_6b": [_figure6(128)],
        "mixed_6c": [_figure6(160)],
        "mixed_6d": [_figure6(160)],
        "mixed_6e": [_figure6(192)],
    },
    "stage5": {"mixed_7a": [_TO_8], "mixed_7b": [_FIGURE_7], "mixed_7c": [_FIGURE_7]},  # (N, 2048, 8, 8)
}
_TORCHVISION = renamed(
    (r"^(stage\d|head)\.", ""),
    (r"^auxiliary\.stage4", "AuxLogits"),
    (r"^conv_(1a|2a|2b|4a)", r"Conv2d_\1_3x3"),
    (r"^conv_3b", "Conv2d_3b_1x1"),
    (r"^mixed", "Mixed"),
    (r"branch_pool\.1", "branch_pool"),
    *((rf"(branch\dx\w+)\.{place}\.", rf"\1_{place + 1}.") for place in range(5)),
    (r"_(\d)\.([ab])\.", r"_\1\2."),
)
_PAPER = Paper("Szegedy et al.", 2015, "Rethinking the Inception architecture for computer vision", "arXiv:1512.00567")
_released = partial(
    Architecture,
    paper=_PAPER,
    size=(299, 299),
    accuracy=torchvision(77.294, size=299),
    names={"torchvision": _TORCHVISION},
    mean=HALF,
    std=HALF,
)

NETWORKS = {
    "inception_v3": _released(partial(inception, table=_V3), note="as released"),
    "inception_v3_aux": _released(
        partial(inception, table=_V3, auxiliary=_auxiliary), note="as released, with its auxiliary classifier"
    ),
}
