"""EfficientNet: MobileNetV2's blocks with squeeze and excitation, and one rule that scales depth, width and resolution.

Source: Tan, Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019, arXiv:1905.11946,
Table 1 (B0) and equation 3; Table 2 has 5.3, 7.8, 9.2, 12, 19, 30, 43, 66 million parameters and 0.39 to 37 billion
multiplies for B0 to B7. Factors and sides of B1 to B7 are those of the authors' code. Stochastic depth: Huang et al.,
2016, arXiv:1603.09382. Sides of B0 from 224: 112, 56, 28, 14, 7, 1.

Where we differ, and why: names, padding (the same on all sides) and the constants of batch normalisation are
torchvision's, whose weights of B0 to B4 were trained with torch's own and of B5 to B7 with the paper's 0.99, as its
momentum, and 1e-3. B5 to B7 have no names of timm, whose networks keep torch's: its weights would give other scores
here. timm's weights `ra4_e3600_*` of B0 and B1 were shown values from -1 to 1. The two layers of squeeze and excitation
are matrices, not 1x1 convolutions: the same numbers. The paper gives no start: as in the authors' code, layers start by
their fan-out; but the last starts as torch has it.
"""

import re
from functools import partial
from math import log
from typing import NamedTuple

from torch import nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, Paper, torchvision
from striate.architectures.blocks import convolution, set_batch_norms
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.rows import Convolve, Row, inverted, names_in_timm, network_of_rows, numbered_in_torchvision
from striate.architectures.starting import by_fan_out, start
from striate.arithmetic.scaling import ALPHA, rounded_channels
from striate.errors import SettingsError
from striate.layers.squeeze import SqueezeExcitation

_B0 = (
    Row(16, 1, 1, expansion=1),
    Row(24, 2, 2),
    Row(40, 2, 2, kernel=5),
    Row(80, 3, 2),
    Row(112, 3, 1, kernel=5),
    Row(192, 4, 2, kernel=5),
    Row(320, 1, 1),
)
_WITH_SILU = partial(convolution, activation=nn.SiLU)
_LEFT_OUT = 0.2  # chance of the block after the last; it grows from 0 with each block


class StochasticDepth(nn.Dropout3d):
    """In training an image loses all its maps with chance p, and has them times 1 / (1 - p) otherwise.

    (N, C, H, W) to the same: torch takes it for one volume of N maps, of which it drops whole ones.
    """


class Variant(NamedTuple):
    """How a network of the paper differs from B0."""

    width: float
    depth: float
    side: int  # pixels of its images
    dropout: float
    accuracy: Accuracy
    papers_norms: bool = False


VARIANTS = {
    "efficientnet_b0": Variant(1.0, 1.0, 224, 0.2, torchvision(77.692)),
    "efficientnet_b1": Variant(1.0, 1.1, 240, 0.2, torchvision(78.642, size=240)),
    "efficientnet_b2": Variant(1.1, 1.2, 260, 0.3, Accuracy(80.1, "Tan & Le 2019, Table 2, one crop of 260")),
    "efficientnet_b3": Variant(1.2, 1.4, 300, 0.3, torchvision(82.008, size=300)),
    "efficientnet_b4": Variant(1.4, 1.8, 380, 0.4, torchvision(83.384, size=380)),
    "efficientnet_b5": Variant(1.6, 2.2, 456, 0.4, torchvision(83.444, size=456), papers_norms=True),
    "efficientnet_b6": Variant(1.8, 2.6, 528, 0.5, torchvision(84.008, size=528), papers_norms=True),
    "efficientnet_b7": Variant(2.0, 3.1, 600, 0.5, torchvision(84.122, size=600), papers_norms=True),
}


def efficientnet(
    asked: Declaration, width: float, depth: float, dropout: float, *, papers_norms: bool = False
) -> Network:
    """B0 with channels times `width` and blocks times `depth`; batch norm with torch's constants, or the paper's."""
    rows = [row.scaled(width, depth) for row in _B0]
    number = sum(row.repeats for row in rows)
    chances = (_LEFT_OUT * place / number for place in range(number))

    def block(convolve: Convolve, channels: int, row: Row, stride: int) -> nn.Sequential:
        squeeze = SqueezeExcitation(row.expansion * channels, 4 * row.expansion, activation=nn.SiLU)
        return inverted(convolve, channels, row, stride, squeeze=squeeze, drop=StochasticDepth(next(chances)))

    stem, last = rounded_channels(32 * width), rounded_channels(1280 * width)
    network = network_of_rows(asked, _WITH_SILU, stem, rows, block, last=last, dropout=dropout)
    if papers_norms:
        set_batch_norms(network, eps=1e-3, momentum=0.01)
    _start(network)
    return network


def _start(network: Network) -> None:
    """By fan-out; each map of a depthwise convolution stands alone, so that its fan-out is torch's fan-in."""
    start(network.stages, by_fan_out)
    for name, part in network.stages.named_modules():
        if name.endswith(".depthwise"):
            start(part)


def by_factors(depth: str, width: str) -> Architecture:
    """B0 times the factors of a name, as `efficientnet_d1.4_w1.2`; dropout goes with depth, 0.2 of B0 to 0.5 of B7."""
    wide, deep = _factor("width", width), _factor("depth", depth)
    dropout = min(max(0.2, 0.2 + 0.05 * log(deep, ALPHA)), 0.5)
    note = f"B0 with {depth} times the depth, {width} times the width"
    build = partial(efficientnet, width=wide, depth=deep, dropout=dropout)
    return Architecture(build, _PAPER, note=note, names=_BOTH)


def _factor(name: str, text: str) -> float:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0.1 <= float(text) <= 10:
        raise SettingsError(f"{name} is {text!r}; expected a number from 0.1 to 10, as in efficientnet_d1.4_w1.2")
    return float(text)


_TORCHVISION = renamed(
    (r"^stage1\.stem", "features.0"),
    (r"^stage5\.last", "features.8"),
    (r"^stage\d\.blocks(\d)\.(\d+)", r"features.\1.\2.block"),
    (r"\.conv\.", ".0."),
    (r"\.bn\.", ".1."),
    (r"squeeze\.reduce", "squeeze.fc1"),
    (r"squeeze\.expand", "squeeze.fc2"),
    *numbered_in_torchvision("expand", "depthwise", "squeeze", "project"),
    (r"^head\.fc", "classifier.1"),
)
_PAPER = Paper(
    "Tan & Le", 2019, "EfficientNet: rethinking model scaling for convolutional neural networks", "arXiv:1905.11946"
)
_BOTH = {"torchvision": _TORCHVISION, "timm": names_in_timm(plain="0")}


def _published(variant: Variant) -> Architecture:
    width, depth, side, dropout, accuracy, papers_norms = variant
    build = partial(efficientnet, width=width, depth=depth, dropout=dropout, papers_norms=papers_norms)
    names = {"torchvision": _TORCHVISION} if papers_norms else _BOTH
    return Architecture(build, _PAPER, size=(side, side), accuracy=accuracy, names=names)


NETWORKS = {name: _published(variant) for name, variant in VARIANTS.items()}
