"""ResNet and its kin: units that learn what to add to their input, y = ReLU(F(x) + x), so that depth can only help.

Sources: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, arXiv:1512.03385, Table 1 and figure
3; ResNet-200 is in Table 5 of their "Identity mappings in deep residual networks", 2016, arXiv:1603.05027. Wider ones:
Zagoruyko, Komodakis, "Wide residual networks", 2016, arXiv:1605.07146, Table 8. Grouped ones: Xie, Girshick, Dollár,
Tu, He, "Aggregated residual transformations for deep neural networks", 2016, arXiv:1611.05431, Table 1, figure 3c.
Sides from 224: 112, 56, 28, 14, 7, 1; ResNet-50 has 25,557,032 parameters. A map of one pixel passes all windows, so
every size works. The first stage after the stem, the paper's conv2_x, begins with its pooling.

Where we differ, and why: a bottleneck that halves the picture does so in its 3x3 convolution, as torchvision does and
its published weights expect (He's own first 1x1 throws three of four pixels away unseen); shortcuts change the number
of channels by a 1x1 convolution (option B of the paper; `Padding` of the networks for CIFAR is option A). The last
pooling averages whatever is left. Convolutions start as in He et al. 2015 (arXiv:1502.01852), by their fan-out; fully
connected layers start as torch has them.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, Paper, timm, torchvision
from striate.architectures.blocks import layers, pooled_head
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.starting import by_fan_out, start

Change = Callable[[int, int, int], nn.Sequential]  # of channels, outputs, stride: what is added to the input
Part = Callable[[int, int, int], nn.Module]  # of the same: a unit, or what the change is added to

DEPTHS = {  # units of the four stages, by the layers with weights that they make with two, or from 50 on three, in each
    **{18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)},
    **{101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)},
}


class ResidualUnit(nn.Module):
    """ReLU(change(x) + shortcut(x)): (N, channels, H, W) to (N, outputs, H/stride, W/stride)."""

    def __init__(self, change: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.change = change
        self.shortcut = shortcut
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        return self.relu(self.change(maps) + self.shortcut(maps))  # type: ignore[no-any-return]


def basic(channels: int, outputs: int, stride: int, *, dropout: float = 0.0) -> nn.Sequential:
    """3x3, BN, ReLU, dropout if any, 3x3, BN."""
    return layers(
        conv1=nn.Conv2d(channels, outputs, 3, stride, padding=1, bias=False),
        bn1=nn.BatchNorm2d(outputs),
        relu1=nn.ReLU(),
        **({"dropout": nn.Dropout(dropout)} if dropout else {}),
        conv2=nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        bn2=nn.BatchNorm2d(outputs),
    )


def bottleneck(
    channels: int, outputs: int, stride: int, *, groups: int = 1, group_width: int = 64, halved: bool = False
) -> nn.Sequential:
    """1x1, BN, ReLU, 3x3 in groups, BN, ReLU, 1x1, BN; a group has `group_width` maps of each 256 outputs."""
    width = groups * group_width * outputs // 256
    first = width // 2 if halved else width
    return layers(
        conv1=nn.Conv2d(channels, first, 1, bias=False),
        bn1=nn.BatchNorm2d(first),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(first, width, 3, stride, padding=1, groups=groups, bias=False),
        bn2=nn.BatchNorm2d(width),
        relu2=nn.ReLU(),
        conv3=nn.Conv2d(width, outputs, 1, bias=False),
        bn3=nn.BatchNorm2d(outputs),
    )


def projection(channels: int, outputs: int, stride: int, *, kernel: int = 1) -> nn.Sequential:
    """A convolution to the shape of what is added to its maps, of `kernel` where it halves, and BN."""
    kernel = kernel if stride > 1 else 1
    convolution = nn.Conv2d(channels, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


def residual(change: Change, shortcut: Part | None = projection) -> Part:
    """What builds a unit of its change, and of a shortcut where the shape changes; without shortcuts a plain unit."""

    def unit(channels: int, outputs: int, stride: int) -> nn.Module:
        changed = change(channels, outputs, stride)
        if shortcut is None:
            return layers(change=changed, relu=nn.ReLU())
        same = (channels, stride) == (outputs, 1)
        return ResidualUnit(changed, nn.Identity() if same else shortcut(channels, outputs, stride))

    return unit


def large_stem(in_channels: int, width: int) -> nn.Module:
    """7x7 with stride 2."""
    return nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)


def small_stem(in_channels: int, width: int) -> nn.Module:
    """3x3 that keeps the size, for small images; no pooling follows it."""
    return nn.Conv2d(in_channels, width, 3, padding=1, bias=False)


def stages_of(
    unit: Part, channels: int, width: int, depths: tuple[int, ...], *, pooled: bool
) -> dict[str, nn.Sequential]:
    """Stages of `depths` units: the first gives `width` channels, each after it twice as many at half the side."""
    stages = {}
    for number, depth in enumerate(depths):
        stage = layers(maxpool=nn.MaxPool2d(3, stride=2, padding=1)) if pooled and number == 0 else nn.Sequential()
        for place in range(depth):
            stage.add_module(str(place), unit(channels, width, 2 if number and place == 0 else 1))
            channels = width
        stages[f"layer{number + 1}"] = stage
        width *= 2
    return stages


def resnet(
    asked: Declaration,
    unit: Part,
    depths: tuple[int, ...],
    *,
    width: int = 64,
    stem: Callable[[int, int], nn.Module] = large_stem,
    stem_width: int = 64,
    norm_last: bool = False,
    dropout: float = 0.0,
) -> Network:
    """A convolution, and stages of `depths` units, the first of which gives `width` channels.

    BN and ReLU stand after that convolution, or `norm_last` after the last unit.
    """
    first = small_stem if asked.stem == "small" else stem
    outputs = width * 2 ** (len(depths) - 1)
    stages = layers(
        stem=layers(conv1=first(asked.in_channels, stem_width)),  # (N, 64, 112, 112) from 224x224
        **stages_of(unit, stem_width, width, depths, pooled=first is not small_stem),  # (N, width, 56, 56), ...
    )
    normalised = stages[-1 if norm_last else 0]
    normalised.add_module("bn1", nn.BatchNorm2d(outputs if norm_last else stem_width))
    normalised.add_module("relu", nn.ReLU())
    network = Network(stages, pooled_head(outputs, asked.num_classes, dropout=dropout))
    start(network, by_fan_out, linear=False)
    return network


def deep(depth: int, unit: Part) -> partial[Network]:
    """A network of so many layers: units of two, or from 50 on of three to four times the width."""
    return partial(resnet, unit=unit, depths=DEPTHS[depth], width=64 if depth < 50 else 256)


def grouped(groups: int, group_width: int) -> Change:
    """A bottleneck of so many groups of so many maps."""
    return partial(bottleneck, groups=groups, group_width=group_width)


DEEP = Paper("He et al.", 2015, "Deep residual learning for image recognition", "arXiv:1512.03385")
IDENTITY = Paper("He et al.", 2016, "Identity mappings in deep residual networks", "arXiv:1603.05027")
WIDE = Paper("Zagoruyko & Komodakis", 2016, "Wide residual networks", "arXiv:1605.07146")
GROUPED = Paper("Xie et al.", 2016, "Aggregated residual transformations for deep neural networks", "arXiv:1611.05431")
RULES = ((r"^(stem|head)\.", ""), (r"\.change\.", "."), (r"\.shortcut\.", ".downsample."))
_NAMES = renamed(*RULES)
_PEERS = {"torchvision": _NAMES, "timm": _NAMES}
_entry = partial(Architecture, names=_PEERS, small_stem=True)
_plain = partial(Architecture, paper=DEEP, note="without shortcuts", small_stem=True)
_timms = partial(_entry, names={"timm": _NAMES})
_AT_320 = Accuracy(78.2, "He et al. 2016, Table 5 of the original unit, one crop of 320")
_BASIC, _BOTTLENECK, _TWICE = residual(basic), residual(bottleneck), residual(grouped(1, 128))

NETWORKS = {
    "plain18": _plain(deep(18, residual(basic, None))),
    "plain34": _plain(deep(34, residual(basic, None))),
    "resnet18": _entry(deep(18, _BASIC), DEEP, accuracy=torchvision(69.758)),
    "resnet34": _entry(deep(34, _BASIC), DEEP, accuracy=torchvision(73.314)),
    "resnet50": _entry(deep(50, _BOTTLENECK), DEEP, accuracy=torchvision(76.130)),
    "resnet101": _entry(deep(101, _BOTTLENECK), DEEP, accuracy=torchvision(77.374)),
    "resnet152": _entry(deep(152, _BOTTLENECK), DEEP, accuracy=torchvision(78.312)),
    "resnet200": _timms(deep(200, _BOTTLENECK), IDENTITY, note="of the original unit", accuracy=_AT_320),
    "wide_resnet50_2": _entry(deep(50, _TWICE), WIDE, accuracy=torchvision(78.468)),
    "wide_resnet101_2": _entry(deep(101, _TWICE), WIDE, note="torchvision's", accuracy=torchvision(78.848)),
    "resnext50_32x4d": _entry(deep(50, residual(grouped(32, 4))), GROUPED, accuracy=torchvision(77.618)),
    "resnext101_32x4d": _timms(deep(101, residual(grouped(32, 4))), GROUPED, accuracy=timm(80.336, "gluon_in1k")),
    "resnext101_32x8d": _entry(
        deep(101, residual(grouped(32, 8))), GROUPED, note="torchvision's", accuracy=torchvision(79.312)
    ),
    "resnext101_64x4d": _entry(deep(101, residual(grouped(64, 4))), GROUPED, accuracy=torchvision(83.246)),
}
