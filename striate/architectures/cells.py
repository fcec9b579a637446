"""Searched cells: small graphs that a machine has found, stacked by a person into networks for small and large images.

A cell looks at the outputs of the last two cells, brought to its filters by ReLU, 1x1, BN: its hidden states 0 (of the
last but one) and 1 (of the last). Each row of its drawing makes the next state: an operation on one state plus an
operation on another. Some of the states are stacked. In a reduction cell, operations on states 0 and 1 have stride 2.

Source: Zoph, Vasudevan, Shlens, Le, "Learning transferable architectures for scalable image recognition", 2017,
arXiv:1707.07012, figure 2 and section 3, after which AmoebaNet and ENAS stack their cells. For small images: 3x3 with
three times the filters, N normal cells; a reduction cell with twice the filters and N normal cells, twice. For large
ones 3x3 with stride 2 and two reduction cells more come first, with a quarter and half of the filters.

What the papers leave open is as in their authors' code: maps that come from before the last reduction are halved by
two 1x1 on every second pixel, the one shifted by a pixel; the first cell takes the stem's maps as they are for state
0, its operations bring them to its filters; 1x7 then 7x1 stands between 1x1 that quarter the filters and give them
back; windows with stride 2 begin as TensorFlow's.

Where we differ, and why: an average with stride 2 counts the zeros around the maps, and normalisation has eps 1e-3 and
torch's momentum, as in timm; pooled, kept and identical maps that need other filters or half the sides pass a ReLU
before their 1x1. Auxiliary classifiers and drop-path, with which the authors train, are left out. The papers give no
start: convolutions start as in He et al. 2015 (arXiv:1502.01852), by their fan-in; the last layer as torch has it.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from striate.architectures.architecture import Architecture, Declaration, Paper
from striate.architectures.blocks import Branches, SamePadding, layers, pooled_head, set_batch_norms
from striate.architectures.network import Network
from striate.architectures.starting import start

Row = tuple[str, int, str, int]  # an operation and the hidden state it looks at, and the same of what is added


class Drawing(NamedTuple):
    """A cell as its paper draws it."""

    rows: tuple[Row, ...]  # of states 2, 3, ...
    output: tuple[int, ...]  # the states that are stacked


Cells = dict[str, Drawing]  # "normal" and "reduction", all that a search finds


class Maps(NamedTuple):
    """What a cell has to know of the maps it looks at."""

    channels: int
    halvings: int  # since the stem


def _convolution(
    channels: int, width: int, kernel: tuple[int, int] = (1, 1), stride: tuple[int, int] = (1, 1), *, groups: int = 1
) -> nn.Module:
    if max(stride) == 1:
        return nn.Conv2d(channels, width, kernel, padding=(kernel[0] // 2, kernel[1] // 2), groups=groups, bias=False)
    window = nn.Conv2d(channels, width, kernel, stride, groups=groups, bias=False)
    return layers(pad=SamePadding(kernel, stride), conv=window)


def rectified(
    channels: int, width: int, kernel: tuple[int, int] = (1, 1), stride: tuple[int, int] = (1, 1)
) -> nn.Sequential:
    """ReLU, convolution, BN."""
    return layers(relu=nn.ReLU(), conv=_convolution(channels, width, kernel, stride), bn=nn.BatchNorm2d(width))


def fitted(channels: int, width: int, stride: int = 1) -> nn.Module:
    """ReLU, 1x1, BN, where maps are not what they have to be; with stride 2 the 1x1 are two, each for half of them."""
    if stride == 1:
        return nn.Identity() if channels == width else rectified(channels, width)
    even = nn.Conv2d(channels, width // 2, 1, stride, bias=False)
    odd = nn.Conv2d(channels, width - width // 2, 1, stride, bias=False)
    paths = Branches(OrderedDict(path_1=layers(conv=even), path_2=layers(shift=nn.ZeroPad2d((-1, 1, -1, 1)), conv=odd)))
    return layers(relu=nn.ReLU(), paths=paths, path_bn=nn.BatchNorm2d(width))


def _separable(kernel: int, channels: int, width: int, stride: int) -> nn.Sequential:
    """ReLU, a window in each map, 1x1, BN, twice."""
    window = (kernel, kernel)
    return layers(
        relu1=nn.ReLU(),
        depthwise1=_convolution(channels, channels, window, (stride, stride), groups=channels),
        pointwise1=_convolution(channels, width),
        bn1=nn.BatchNorm2d(width),
        relu2=nn.ReLU(),
        depthwise2=_convolution(width, width, window, groups=width),
        pointwise2=_convolution(width, width),
        bn2=nn.BatchNorm2d(width),
    )


def _one_by_seven(channels: int, width: int, stride: int) -> nn.Sequential:
    quarter = width // 4
    return nn.Sequential(
        rectified(channels, quarter),
        rectified(quarter, quarter, (1, 7), (1, stride)),
        rectified(quarter, quarter, (7, 1), (stride, 1)),
        rectified(quarter, width),
    )


def _average(channels: int, width: int, stride: int) -> nn.Sequential:
    if stride == 1:
        return nn.Sequential(nn.AvgPool2d(3, 1, padding=1, count_include_pad=False), fitted(channels, width))
    return nn.Sequential(SamePadding(3, stride), nn.AvgPool2d(3, stride), fitted(channels, width))


def _maximum(channels: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(SamePadding(3, stride, -inf), nn.MaxPool2d(3, stride), fitted(channels, width))


OPERATIONS: dict[str, Callable[[int, int, int], nn.Module]] = {  # of channels, filters, stride
    "identity": fitted,
    "average 3x3": _average,
    "maximum 3x3": _maximum,
    "separable 3x3": partial(_separable, 3),
    "separable 5x5": partial(_separable, 5),
    "separable 7x7": partial(_separable, 7),
    "1x7 then 7x1": _one_by_seven,
}


class Cell(nn.Module):
    """A drawing at work: the maps of the last two cells, or the stem's for both, become the last one's and its own.

    Where `twice`, the last maps pass a second 1x1, and the stem's are brought to the filters for state 0, too; after a
    `bridged` cell the next one skips its input.
    """

    def __init__(
        self, drawing: Drawing, before: Maps, last: Maps, filters: int, stride: int, *, twice: bool, bridged: bool
    ) -> None:
        super().__init__()
        self.drawing, self.bridged = drawing, bridged
        raw = before is last and not twice
        self.skip = nn.Identity() if raw else fitted(before.channels, filters, 2 ** (last.halvings - before.halvings))
        self.direct = rectified(last.channels, filters)
        if twice:
            self.direct = nn.Sequential(self.direct, rectified(filters, filters))
        channels = before.channels if raw else filters

        def operation(name: str, state: int) -> nn.Module:
            return OPERATIONS[name](filters if state else channels, filters, stride if state < 2 else 1)

        self.left = nn.ModuleList(operation(name, state) for name, state, _, _ in drawing.rows)
        self.right = nn.ModuleList(operation(name, state) for _, _, name, state in drawing.rows)
        self.kept = fitted(channels, filters) if 0 in drawing.output else nn.Identity()

    def forward(self, seen: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        before, last = seen if isinstance(seen, tuple) else (seen, seen)
        states = [self.skip(before), self.direct(last)]  # (N, filters, H, W) each
        for (_, one, _, other), left, right in zip(self.drawing.rows, self.left, self.right, strict=True):
            states.append(left(states[one]) + right(states[other]))  # (N, filters, H/stride, W/stride)
        states[0] = self.kept(states[0])
        return before if self.bridged else last, torch.cat([states[state] for state in self.drawing.output], dim=1)


class LastRectified(nn.ReLU):
    """ReLU of what the last cell gives."""

    def forward(self, seen: tuple[Tensor, Tensor]) -> Tensor:  # type: ignore[override]
        return super().forward(seen[1])


def searched(
    asked: Declaration,
    cells: Cells,
    repeats: int,
    filters: int,
    *,
    stem: int = 0,
    twice: bool = False,
    bridged: bool = False,
    dropout: float = 0.0,
) -> Network:
    """`repeats` normal cells in each of three stages, the first with `filters`; for large images if `stem` has maps."""
    small = not stem or asked.stem == "small"
    before = last = Maps(3 * filters if small else stem, halvings=0)
    stages, numbers = layers(stem=_stem(asked.in_channels, last.channels, small=small)), Counter[str]()
    for number, plan in enumerate(_plan(repeats, filters, small=small), start=1):
        stage = nn.Sequential()
        for kind, width in plan:
            halves = kind == "reduction"
            over = bridged and halves and width > filters  # not in the stem
            cell = Cell(cells[kind], before, last, width, 1 + halves, twice=twice, bridged=over)
            stage.add_module(f"{kind}_{numbers[kind]}", cell)
            numbers[kind] += 1
            before, last = before if over else last, Maps(width * len(cells[kind].output), last.halvings + halves)
        stages.add_module(f"stage{number}", stage)
    stage.add_module("relu", LastRectified())
    network = Network(stages, pooled_head(last.channels, asked.num_classes, dropout=dropout))
    set_batch_norms(network, eps=1e-3)
    start(network, linear=False)
    return network


def entry(build: Callable[[Declaration], Network], paper: Paper, side: int, **said: Any) -> Architecture:
    """Searched cells in the catalogue: for CIFAR-10 if its images have sides of 32, else for ImageNet."""
    classes = 10 if side == 32 else 1000
    return Architecture(build, paper, num_classes=classes, size=(side, side), small_stem=True, **said)


def _plan(repeats: int, filters: int, *, small: bool) -> list[list[tuple[str, int]]]:
    """The kinds of the cells of each stage, and their filters."""
    first, second, third = ([("normal", times * filters)] * repeats for times in (1, 2, 4))
    opening = [first] if small else [[("reduction", filters // 4)], [("reduction", filters // 2), *first]]
    return [*opening, [("reduction", 2 * filters), *second], [("reduction", 4 * filters), *third]]


def _stem(in_channels: int, channels: int, *, small: bool) -> nn.Sequential:
    window = nn.Conv2d(in_channels, channels, 3, stride=1 if small else 2, padding=1 if small else 0, bias=False)
    return layers(conv=window, bn=nn.BatchNorm2d(channels))
