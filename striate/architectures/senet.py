"""SENet: residual units that reweight each of the maps they add by what all of them show on average.

Source: Hu, Shen, Albanie, Sun, Wu, "Squeeze-and-excitation networks", 2017, arXiv:1709.01507, Table 1, figure 3, and
the appendix for SENet-154: ResNeXt-152 64x4d with a first 1x1 of half the width, three 3x3 for the first 7x7, halving
shortcuts of 3x3, and dropout. SE-ResNet-50 has 28,088,024 parameters, SENet-154 115,088,984. Sides are ResNet's.

Where we differ, and why: as the ResNets and ResNeXts that these are made of (the authors' SE-ResNets halve in the first
1x1, and round their pooling up instead of padding it). The depths 18 and 34 are not in the paper; they are timm's, with
no fewer than 8 values to excite from, where a sixteenth of 64 maps would be 4.
"""

from functools import partial

from torch import nn

from striate.architectures.architecture import Architecture, Paper, timm
from striate.architectures.blocks import convolution
from striate.architectures.names import renamed
from striate.architectures.resnet import RULES, Change, basic, bottleneck, deep, grouped, projection, residual
from striate.layers.squeeze import SqueezeExcitation


def excited(change: Change) -> Change:
    """The same change, and squeeze and excitation after it."""

    def build(channels: int, outputs: int, stride: int) -> nn.Sequential:
        unit = change(channels, outputs, stride)
        unit.add_module("se", SqueezeExcitation(outputs, reduction=min(16, outputs // 8)))
        return unit

    return build


def deep_stem(in_channels: int, width: int) -> nn.Module:
    """Three 3x3, the first with stride 2; the first two give half the width and have BN and ReLU."""
    half = width // 2
    last = nn.Conv2d(half, width, 3, padding=1, bias=False)
    return nn.Sequential(*convolution(in_channels, half, 3, stride=2), *convolution(half, half, 3), last)


_HALVED = excited(partial(bottleneck, groups=64, group_width=4, halved=True))
_senet154 = partial(
    deep(152, residual(_HALVED, partial(projection, kernel=3))), stem=deep_stem, stem_width=128, dropout=0.2
)
_PAPER = Paper("Hu et al.", 2017, "Squeeze-and-excitation networks", "arXiv:1709.01507")
_PEERS = renamed(*RULES, ("se.reduce", "se.fc1"), ("se.expand", "se.fc2"))
_entry = partial(Architecture, paper=_PAPER, names={"timm": _PEERS}, small_stem=True)

NETWORKS = {
    "seresnet18": _entry(deep(18, residual(excited(basic)))),
    "seresnet34": _entry(deep(34, residual(excited(basic)))),
    "seresnet50": _entry(deep(50, residual(excited(bottleneck))), accuracy=timm(80.260, "ra2_in1k")),
    "seresnet101": _entry(deep(101, residual(excited(bottleneck)))),
    "seresnet152": _entry(deep(152, residual(excited(bottleneck)))),
    "seresnext50_32x4d": _entry(deep(50, residual(excited(grouped(32, 4)))), accuracy=timm(79.916, "gluon_in1k")),
    "seresnext101_32x4d": _entry(deep(101, residual(excited(grouped(32, 4)))), accuracy=timm(80.886, "gluon_in1k")),
    "seresnext101_32x8d": _entry(deep(101, residual(excited(grouped(32, 8)))), accuracy=timm(83.618, "ah_in1k")),
    "seresnext101_64x4d": _entry(deep(101, residual(excited(grouped(64, 4)))), accuracy=timm(80.884, "gluon_in1k")),
    "senet154": _entry(_senet154, accuracy=timm(81.258, "gluon_in1k")),
}
