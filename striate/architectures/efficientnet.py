"""EfficientNet: MobileNetV2's blocks with squeeze and excitation, and one rule that scales depth, width and resolution.

Source: Tan, Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019, arXiv:1905.11946,
Table 1 (B0) and equation 3; Table 2 has 5.3, 7.8, 9.2, 12, 19, 30, 43, 66 million parameters and 0.39 to 37 billion
multiplies for B0 to B7. Factors and sides of B1 to B7 are those of the authors' code. Stochastic depth: Huang et al.,
2016, arXiv:1603.09382. Sides of B0 from 224: 112, 56, 28, 14, 7, 1.

Where we differ, and why: names, padding (the same on all sides) and the constants of batch normalisation are
torchvision's, whose weights of B0 to B4 were trained with torch's own and of B5 to B7 with the paper's 0.99, as its
momentum, and 1e-3. The two layers of squeeze and excitation are matrices, not 1x1 convolutions: the same numbers.
Convolutions start as in He et al. 2015 (arXiv:1502.01852), by their fan-in (the paper gives no start), the rest as
torch has it.
"""

import re
from collections import OrderedDict
from functools import partial
from math import log
from typing import NamedTuple

from torch import nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, Paper, torchvision
from striate.architectures.blocks import Residual, convolution, layers, pooled_head, set_batch_norms
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.rows import Row, names_in_timm, numbered_as_in_torchvision, stages_of
from striate.architectures.starting import start
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
_LEFT_OUT = 0.2  # chance of the block after the last; it grows from 0 with each block
_convolve = partial(convolution, activation=nn.SiLU)


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
    channels, last = rounded_channels(32 * width), rounded_channels(1280 * width)
    number = sum(row.repeats for row in rows)
    chances = (_LEFT_OUT * place / number for place in range(number))
    stem = _convolve(asked.in_channels, channels, 3, 2)
    stages = stages_of(stem, channels, rows, lambda maps, row, stride: _block(maps, row, stride, next(chances)))
    stages[-1].add_module("last", _convolve(rows[-1].width, last))
    network = Network(stages, pooled_head(last, asked.num_classes, dropout=dropout))
    if papers_norms:
        set_batch_norms(network, eps=1e-3, momentum=0.01)
    start(network, nn.init.kaiming_normal_, linear=False)
    return network


def _block(channels: int, row: Row, stride: int, chance: float) -> nn.Sequential:
    """1x1, BN, SiLU, a window on each map alone, BN, SiLU, squeeze, 1x1 to fewer, BN; the input is added if it fits."""
    inside = row.expansion * channels
    chain = layers(
        **({"expand": _convolve(channels, inside)} if row.expansion > 1 else {}),
        depthwise=_convolve(inside, inside, row.kernel, stride, groups=inside),
        squeeze=SqueezeExcitation(inside, 4 * row.expansion, activation=nn.SiLU),
        project=_convolve(inside, row.width, activation=None),
    )
    if stride > 1 or channels != row.width:
        return chain
    return Residual(OrderedDict(chain.named_children(), drop=StochasticDepth(chance)))


def by_factors(depth: str, width: str) -> Architecture:
    """B0 times the factors of a name, as `efficientnet_d1.4_w1.2`; dropout goes with depth, 0.2 of B0 to 0.5 of B7."""
    wide, deep = _factor("width", width), _factor("depth", depth)
    dropout = min(max(0.2, 0.2 + 0.05 * log(deep, ALPHA)), 0.5)
    note = f"B0 with {depth} times the depth, {width} times the width"
    return _entry(partial(efficientnet, width=wide, depth=deep, dropout=dropout), note=note)


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
    *numbered_as_in_torchvision("expand", "depthwise", "squeeze", "project"),
    (r"^head\.fc", "classifier.1"),
)
_entry = partial(
    Architecture,
    paper=Paper(
        "Tan & Le", 2019, "EfficientNet: rethinking model scaling for convolutional neural networks", "arXiv:1905.11946"
    ),
    names={"torchvision": _TORCHVISION, "timm": names_in_timm(plain="0")},
)

NETWORKS = {
    name: _entry(
        partial(efficientnet, width=width, depth=depth, dropout=dropout, papers_norms=papers_norms),
        size=(side, side),
        accuracy=accuracy,
    )
    for name, (width, depth, side, dropout, accuracy, papers_norms) in VARIANTS.items()
}
