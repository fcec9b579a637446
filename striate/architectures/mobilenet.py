"""MobileNet: each map filtered alone, then mixed by 1x1 convolutions; version 2 filters wide maps and adds narrow ones.

Sources: Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017,
arXiv:1704.04861, Table 1; by width 1, 0.75, 0.5, 0.25 Table 6 has 569, 325, 149, 41 million multiplies and 4.2, 2.6,
1.3, 0.5 million parameters. Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018,
arXiv:1801.04381, Table 2; by width 1 and 1.4 Table 4 has 300 and 585 million multiplies, 3.4 and 6.9 million
parameters. Sides from 224: 112, 56, 28, 14, 7, 1.

Where we differ, and why: the last depthwise convolution of version 1 keeps the 7x7 that its table goes on with, though
it says stride 2; `mobilenetv1_*` clip at 6 as its authors' code does (`mobilenet_v1` has the paper's ReLU). As in that
code, channels are multiples of 8, blocks that do not widen have no 1x1 for it, version 2 drops out 0.2 before its
matrix, and its 1.4 has 6.1 million parameters. `tf_*` are as TensorFlow runs them: an odd zero of the padding at the
bottom and the right, batch normalisation folded into biases, a class for the background. Their weights and those of
`mobilenetv1_100` were shown values from -1 to 1. The papers give no start: convolutions start as in He et al. 2015
(arXiv:1502.01852), by their fan-in, the last layer as torch has it.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import nn

from striate.architectures.architecture import HALF, Accuracy, Architecture, Declaration, Paper, timm, torchvision
from striate.architectures.blocks import SamePadding, convolution, layers
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.rows import Convolve, Row, inverted, names_in_timm, network_of_rows, numbered_in_torchvision
from striate.architectures.starting import start
from striate.arithmetic.scaling import rounded_channels

_V1 = (Row(64, 1, 1), Row(128, 2, 2), Row(256, 2, 2), Row(512, 6, 2), Row(1024, 2, 2))
_V2 = (
    Row(16, 1, 1, expansion=1),
    *(Row(24, 2, 2), Row(32, 3, 2), Row(64, 4, 2), Row(96, 3, 1), Row(160, 3, 2), Row(320, 1, 1)),
)
_WITH_RELU6 = partial(convolution, activation=nn.ReLU6)


def mobilenet_v1(asked: Declaration, width: float = 1.0, convolve: Convolve = _WITH_RELU6) -> Network:
    """Separable convolutions in five stages, all maps times `width`."""
    rows = [row.scaled(width) for row in _V1]
    network = network_of_rows(asked, convolve, rounded_channels(32 * width), rows, _separable, dropout=0)
    start(network, linear=False)
    return network


def mobilenet_v2(asked: Declaration, width: float = 1.0, convolve: Convolve = _WITH_RELU6) -> Network:
    """Inverted residuals in five stages, all maps times `width`, but the last 1280 never fewer."""
    rows, last = [row.scaled(width) for row in _V2], rounded_channels(1280 * max(1.0, width))
    stem = rounded_channels(32 * width)
    network = network_of_rows(asked, convolve, stem, rows, inverted, last=last, dropout=0.2)
    start(network, linear=False)
    return network


def _separable(convolve: Convolve, channels: int, row: Row, stride: int) -> nn.Sequential:
    """3x3 on each map alone, BN, ReLU, 1x1, BN, ReLU."""
    depthwise = convolve(channels, channels, row.kernel, stride, groups=channels)
    return layers(depthwise=depthwise, pointwise=convolve(channels, row.width))


def _folded(channels: int, width: int, kernel: int = 1, stride: int = 1, **others: Any) -> nn.Sequential:
    """Convolution with biases, padded as TensorFlow does, ReLU6."""
    around = {"pad": SamePadding(kernel, stride)} if stride > 1 else {}
    inside = _WITH_RELU6(channels, width, kernel, stride, padding=0 if around else None, norm=False, **others)
    return layers(**around, **dict(inside.named_children()))


_BLOCKS = [f"blocks{number}.{place}" for number, row in enumerate(_V2, start=1) for place in range(row.repeats)]
_IN_TORCHVISION = renamed(
    (r"\.conv\.", ".0."),
    (r"\.bn\.", ".1."),
    (r"^stage1\.stem", "features.0"),
    *((rf"^stage\d\.{block}\.", f"features.{number}.conv.") for number, block in enumerate(_BLOCKS, start=1)),
    (r"^stage5\.last", f"features.{len(_BLOCKS) + 1}"),
    (r"^head\.fc", "classifier.1"),
    *numbered_in_torchvision("expand", "depthwise", r"project\.0", r"project\.1"),
)


def _in_tensorflow(names: Sequence[str]) -> list[str]:
    """By place: 00_C_w and 00_C_b of a convolution, 01_D_w of a depthwise one."""
    kinds = ("D" if "depthwise" in name else "C" for name in names)
    return [f"{place // 2:02}_{kind}_{'wb'[place % 2]}" for place, kind in enumerate(kinds)]


_HOWARD = Paper(
    "Howard et al.",
    2017,
    "MobileNets: efficient convolutional neural networks for mobile vision applications",
    "arXiv:1704.04861",
)
_SANDLER = Paper("Sandler et al.", 2018, "MobileNetV2: inverted residuals and linear bottlenecks", "arXiv:1801.04381")
_second = partial(
    Architecture, paper=_SANDLER, names={"torchvision": _IN_TORCHVISION, "timm": names_in_timm(plain="0")}
)
_tensorflows = partial(
    Architecture, num_classes=1001, note="TensorFlow's", names={"tensorflow": _in_tensorflow}, mean=HALF, std=HALF
)


def _v1(width: float, top1: float, convolve: Convolve = _WITH_RELU6) -> Architecture:
    build = partial(mobilenet_v1, width=width, convolve=convolve)
    return Architecture(build, _HOWARD, note=f"width {width}", accuracy=Accuracy(top1, "Howard et al. 2017, Table 6"))


def _v2(width: float, top1: float, weights: str) -> Architecture:
    return _second(partial(mobilenet_v2, width=width), note=f"width {width}", accuracy=timm(top1, weights))


NETWORKS = {
    "mobilenet_v1": _v1(1.0, 70.6, convolution),
    "mobilenetv1_100": Architecture(
        mobilenet_v1,
        _HOWARD,
        note="with ReLU6",
        accuracy=timm(75.388, "mobilenetv1_100.ra4_e3600_r224_in1k"),
        names={"timm": names_in_timm(plain=r"\d")},
        mean=HALF,
        std=HALF,
    ),
    "mobilenetv1_075": _v1(0.75, 68.4),
    "mobilenetv1_050": _v1(0.5, 63.7),
    "mobilenetv1_025": _v1(0.25, 50.6),
    "tf_mobilenetv1_025": _tensorflows(
        partial(mobilenet_v1, width=0.25, convolve=_folded),
        _HOWARD,
        size=(128, 128),
        note="width 0.25, TensorFlow's",
        accuracy=Accuracy(41.5, "TensorFlow's slim, weights MobileNet_v1_0.25_128, one crop of 128"),
    ),
    "mobilenet_v2": _second(mobilenet_v2, accuracy=torchvision(71.878)),
    "mobilenetv2_050": _v2(0.5, 65.928, "mobilenetv2_050.lamb_in1k"),
    "mobilenetv2_140": _v2(1.4, 76.528, "mobilenetv2_140.ra_in1k"),
    "tf_mobilenet_v2": _tensorflows(
        partial(mobilenet_v2, convolve=_folded),
        _SANDLER,
        accuracy=Accuracy(71.8, "TensorFlow's slim, weights mobilenet_v2_1.0_224, one crop of 224"),
    ),
}
