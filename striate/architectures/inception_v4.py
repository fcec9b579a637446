"""Inception-v4 and Inception-ResNet: more Inception modules of fewer kinds, without and with shortcuts around them.

Source: Szegedy et al., "Inception-v4, Inception-ResNet and the impact of residual connections on learning", 2016,
arXiv:1602.07261, figures 3 to 19 and Table 1. Inception-v4 has 42,679,816 parameters, Inception-ResNet-v2 as released
55,843,464. Sides from 299: 149, 147, 147, 73, 71, 35, 17, 8, 1. Published weights expect values from -1 to 1.

Where we differ, and why: both are the networks that the authors released. In the stem of v4 and in the longest branches
of its modules, 1x7 stands before 7x1, 7x1 before 1x7 and 3x1 before 1x3, where figures 3, 5 and 6 have them the other
way round. Inception-ResNet-v2 has the stem of Inception-v3, where figure 15 has that of v4, 10, 20 and 10 blocks in
place of 5, 10 and 5, the last neither scaled nor followed by ReLU, and a 1x1 convolution behind it. Residuals are
scaled by the release's 0.17, 0.1 and 0.2; the paper says between 0.1 and 0.3. Dropout is the paper's 0.2. Of epsilon of
the batch normalisation, 0.001 as released, and of the start, He et al. 2015 (arXiv:1502.01852), the paper says nothing.
Names of parts are the release's. Inception-ResNet-v1 is left out.
"""

from functools import partial

from torch import Tensor, nn

from striate.architectures.architecture import HALF, Architecture, Paper, timm
from striate.architectures.inception import STEM, Branching, Conv, Table, chain, halved, inception
from striate.architectures.names import renamed


class ScaledResidual(nn.Module):
    """Branches, 1x1 to the channels of the input; a share of it is added to the input; ReLU."""

    def __init__(self, channels: int, branches: Branching, scale: float, *, relu: bool = True) -> None:
        super().__init__()
        self.branches, width = chain(channels, [branches])
        self.expansion = nn.Conv2d(width, channels, kernel_size=1)
        self.scale = scale
        self.relu = nn.ReLU() if relu else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        return self.relu(maps + self.scale * self.expansion(self.branches(maps)))  # type: ignore[no-any-return]


def _averaged(_: int) -> nn.Module:
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


def _reduction_a(first: int, second: int, third: int, alone: int) -> Branching:
    """Figure 7: to half the side, with Table 1's k, l, m and n."""
    return {
        "branch0": [Conv(3, alone, 2, 0)],
        "branch1": [Conv(1, first), Conv(3, second), Conv(3, third, 2, 0)],
        "branch2": [halved],
    }


_MIXED_3A: Branching = {"maxpool": [halved], "conv": [Conv(3, 96, 2, 0)]}  # figure 3: (N, 160, 73, 73) from 299x299
_MIXED_4A: Branching = {
    "branch0": [Conv(1, 64), Conv(3, 96, 1, 0)],
    "branch1": [Conv(1, 64), Conv((1, 7), 64), Conv((7, 1), 64), Conv(3, 96, 1, 0)],
}
_MIXED_5A: Branching = {"conv": [Conv(3, 192, 2, 0)], "maxpool": [halved]}  # (N, 384, 35, 35)
_INCEPTION_A: Branching = {  # figure 4
    "branch0": [Conv(1, 96)],
    "branch1": [Conv(1, 64), Conv(3, 96)],
    "branch2": [Conv(1, 64), Conv(3, 96), Conv(3, 96)],
    "branch3": [_averaged, Conv(1, 96)],
}
_INCEPTION_B: Branching = {  # figure 5
    "branch0": [Conv(1, 384)],
    "branch1": [Conv(1, 192), Conv((1, 7), 224), Conv((7, 1), 256)],
    "branch2": [Conv(1, 192), Conv((7, 1), 192), Conv((1, 7), 224), Conv((7, 1), 224), Conv((1, 7), 256)],
    "branch3": [_averaged, Conv(1, 128)],
}
_FORK: Branching = {"a": [Conv((1, 3), 256)], "b": [Conv((3, 1), 256)]}
_INCEPTION_C: Branching = {  # figure 6
    "branch0": [Conv(1, 256)],
    "branch1": [Conv(1, 384), _FORK],
    "branch2": [Conv(1, 384), Conv((3, 1), 448), Conv((1, 3), 512), _FORK],
    "branch3": [_averaged, Conv(1, 256)],
}
_REDUCTION_B: Branching = {  # figure 8
    "branch0": [Conv(1, 192), Conv(3, 192, 2, 0)],
    "branch1": [Conv(1, 256), Conv((1, 7), 256), Conv((7, 1), 320), Conv(3, 320, 2, 0)],
    "branch2": [halved],
}
_V4: Table = {
    "stage1": STEM["stage1"],
    "stage2": {"mixed_3a": [_MIXED_3A], "mixed_4a": [_MIXED_4A]},  # (N, 192, 71, 71)
    "stage3": {"mixed_5a": [_MIXED_5A], **{f"mixed_5{letter}": [_INCEPTION_A] for letter in "bcde"}},
    "stage4": {  # (N, 1024, 17, 17)
        "mixed_6a": [_reduction_a(192, 224, 256, 384)],
        **{f"mixed_6{letter}": [_INCEPTION_B] for letter in "bcdefgh"},
    },
    "stage5": {"mixed_7a": [_REDUCTION_B], **{f"mixed_7{letter}": [_INCEPTION_C] for letter in "bcd"}},
}


def _crossed(length: int, widths: tuple[int, int, int], scale: float) -> partial[ScaledResidual]:
    """Figures 17 and 19: 1x1 beside 1x1, 1xL and Lx1."""
    first, second, third = widths
    branches: Branching = {
        "branch0": [Conv(1, 192)],
        "branch1": [Conv(1, first), Conv((1, length), second), Conv((length, 1), third)],
    }
    return partial(ScaledResidual, branches=branches, scale=scale)


_MIXED_5B: Branching = {
    "branch0": [Conv(1, 96)],
    "branch1": [Conv(1, 48), Conv(5, 64)],
    "branch2": [Conv(1, 64), Conv(3, 96), Conv(3, 96)],
    "branch3": [_averaged, Conv(1, 64)],
}
_FIGURE_16: Branching = {
    "branch0": [Conv(1, 32)],
    "branch1": [Conv(1, 32), Conv(3, 32)],
    "branch2": [Conv(1, 32), Conv(3, 48), Conv(3, 64)],
}
_FIGURE_18: Branching = {  # to half the side
    "branch0": [Conv(1, 256), Conv(3, 384, 2, 0)],
    "branch1": [Conv(1, 256), Conv(3, 288, 2, 0)],
    "branch2": [Conv(1, 256), Conv(3, 288), Conv(3, 320, 2, 0)],
    "branch3": [halved],
}
_BLOCK_35 = partial(ScaledResidual, branches=_FIGURE_16, scale=0.17)
_BLOCK_17 = _crossed(7, (128, 160, 192), 0.1)
_BLOCK_8 = _crossed(3, (192, 224, 256), 0.2)
_RESNET_V2: Table = {
    **STEM,
    "stage3": {"pool_5a": [halved], "mixed_5b": [_MIXED_5B], "block35": 10 * [_BLOCK_35]},  # (N, 320, 35, 35)
    "stage4": {"mixed_6a": [_reduction_a(256, 256, 384, 384)], "block17": 20 * [_BLOCK_17]},  # (N, 1088, 17, 17)
    "stage5": {
        "mixed_7a": [_FIGURE_18],
        "block8": [*9 * [_BLOCK_8], partial(_BLOCK_8, scale=1.0, relu=False)],  # (N, 2080, 8, 8)
        "conv_7b": [Conv(1, 1536)],
    },
}

_PARTS = [part for stage in _V4.values() for part in stage]
_V4_TIMM = renamed(
    *((rf"^stage\d\.{part}\.", f"features.{place}.") for place, part in enumerate(_PARTS)),
    (r"(branch\d)\.(\d)\.([ab])\.", r"\1_\2\3."),
    (r"^(features\.(?:19|20|21)\.branch[12])\.(\d)\.", r"\1_\2."),
    (r"^head\.fc", "last_linear"),
)
_RESNET_TIMM = renamed(
    (r"^stage\d\.", ""),
    (r"^conv_", "conv2d_"),
    (r"^block35", "repeat"),
    (r"^block17", "repeat_1"),
    (r"^block8\.(\d)\.", r"repeat_2.\1."),
    (r"^repeat_2\.9", "block8"),
    (r"\.branches", ""),
    (r"\.expansion", ".conv2d"),
    (r"^head\.fc", "classif"),
)
_PAPER = Paper(
    "Szegedy et al.",
    2016,
    "Inception-v4, Inception-ResNet and the impact of residual connections on learning",
    "arXiv:1602.07261",
)
_released = partial(Architecture, paper=_PAPER, size=(299, 299), mean=HALF, std=HALF)

NETWORKS = {
    "inception_v4": _released(
        partial(inception, table=_V4), accuracy=timm(80.144, "tf_in1k", size=299), names={"timm": _V4_TIMM}
    ),
    "inception_resnet_v2": _released(
        partial(inception, table=_RESNET_V2),
        note="as released",
        accuracy=timm(80.434, "tf_in1k", size=299),
        names={"timm": _RESNET_TIMM},
    ),
}
