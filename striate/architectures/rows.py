"""Networks that papers give as a table of rows, each a run of like blocks: MobileNet and EfficientNet.

A stage holds all rows whose maps have the same side, so that names are as `stage4.blocks5.0.depthwise.conv`: the first
block of row 5, the first convolution with a window.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from striate.architectures.architecture import Declaration
from striate.architectures.blocks import Residual, layers, pooled_head
from striate.architectures.names import Dialect, renamed
from striate.architectures.network import Network
from striate.arithmetic.scaling import rounded_channels, rounded_repeats


class Row(NamedTuple):
    """A row of a paper's table: blocks that are alike, but that the first has the stride and changes the width."""

    width: int
    repeats: int
    stride: int
    expansion: int = 6  # of the maps inside a block to those before it
    kernel: int = 3

    def scaled(self, width: float, depth: float = 1.0) -> "Row":
        """As many times the channels and the blocks, rounded."""
        return self._replace(width=rounded_channels(width * self.width), repeats=rounded_repeats(depth * self.repeats))


Convolve = Callable[..., nn.Sequential]  # takes what `convolution` takes
Part = nn.Module | None
Block = Callable[[Convolve, int, Row, int], nn.Sequential]  # takes channels, a row and a stride


def network_of_rows(
    asked: Declaration, convolve: Convolve, stem: int, rows: list[Row], block: Block, *, last: int = 0, dropout: float
) -> Network:
    """A stage for each side of the maps: a stem of stride 2, rows of blocks, 1x1 to `last` maps if any; usual head."""
    stages, channels = layers(stage1=layers(stem=convolve(asked.in_channels, stem, 3, 2))), stem
    for number, row in enumerate(rows, start=1):
        if row.stride > 1:
            stages.add_module(f"stage{len(stages) + 1}", nn.Sequential())
        blocks = nn.Sequential(block(convolve, channels, row, row.stride))
        blocks.extend(block(convolve, row.width, row, 1) for _ in range(row.repeats - 1))
        stages[-1].add_module(f"blocks{number}", blocks)
        channels = row.width
    if last:
        stages[-1].add_module("last", convolve(channels, last))
    return Network(stages, pooled_head(last or channels, asked.num_classes, dropout=dropout))


def inverted(
    convolve: Convolve, channels: int, row: Row, stride: int, *, squeeze: Part = None, drop: Part = None
) -> nn.Sequential:
    """1x1 to wide maps, a window on each alone, squeeze if any, 1x1 to fewer; the input is added if it fits.

    `convolve` brings BN and activation, of which the last 1x1 has no activation; `drop` comes before the sum.
    """
    inside, adds = row.expansion * channels, stride == 1 and channels == row.width
    parts = {
        "expand": convolve(channels, inside) if row.expansion > 1 else None,
        "depthwise": convolve(inside, inside, row.kernel, stride, groups=inside),
        "squeeze": squeeze,
        "project": convolve(inside, row.width, activation=None),
        "drop": drop if adds else None,
    }
    chain = OrderedDict((name, part) for name, part in parts.items() if part is not None)
    return Residual(chain) if adds else nn.Sequential(chain)


def names_in_timm(*, plain: str) -> Dialect:
    """A dialect for timm, where `plain` is the pattern of the rows, from 0, whose blocks do not widen."""
    inside = {"expand": "pw", "depthwise": "dw", "project": "pwl"}
    return renamed(
        *((rf"^stage\d\.blocks{row}\.", f"blocks.{row - 1}.") for row in range(1, 8)),
        *((rf"^stage\d\.{ours}", theirs) for ours, theirs in (("stem.conv", "conv_stem"), ("stem.bn", "bn1"))),
        *((rf"^stage\d\.{ours}", theirs) for ours, theirs in (("last.conv", "conv_head"), ("last.bn", "bn2"))),
        (r"^head\.fc", "classifier"),
        (r"squeeze\.", "se.conv_"),
        (rf"(blocks\.{plain}\.\d+)\.depthwise\.bn", r"\1.bn1"),
        (rf"(blocks\.{plain}\.\d+)\.(?:pointwise|project)\.conv", r"\1.conv_pw"),
        (rf"(blocks\.{plain}\.\d+)\.(?:pointwise|project)\.bn", r"\1.bn2"),
        *((f"{ours}.conv", f"conv_{theirs}") for ours, theirs in inside.items()),
        *((f"{ours}.bn", f"bn{number}") for number, ours in enumerate(inside, start=1)),
    )


def numbered_in_torchvision(*parts: str) -> list[tuple[str, str]]:
    """Rules that number the parts of blocks, where those of features.1 do not widen: theirs begin with the second."""
    first = [(rf"^(features\.1\..*){part}", rf"\g<1>{number}") for number, part in enumerate(parts[1:])]
    return first + [(part, str(number)) for number, part in enumerate(parts)]
