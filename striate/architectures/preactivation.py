"""Pre-activation ResNets and wide ResNets: what is added is normalised before each convolution, the sum not at all.

Sources: He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", 2016, arXiv:1603.05027, figure 4e, Tables 3
and 5, and the appendix: ResNet-110, 164 and 1001 for CIFAR, 152 and 200 for ImageNet. Zagoruyko, Komodakis, "Wide
residual networks", 2016, arXiv:1605.07146, Table 1: WRN-d-k has d = 6n + 4 convolutions, n units in each of three
stages, 16k, 32k and 64k maps wide. WRN-28-10 has 36,479,194 parameters, ResNet-1001 10,327,706. Sides from 224: 112,
56, 28, 14, 7, 1; from 32: 32, 32, 16, 8, 1; any other size works too.

Where we differ, and why: bottlenecks halve in their 3x3 convolution, as in `resnet` and timm; for ImageNet the first
normalisation stands after the pooling, as in timm: once trained, the same but for maps with a negative scale; while
training, its mean and spread are those of the maxima. The depths 18, 34 and 50 are timm's, for whose names the weights
are published. Convolutions start as in `resnet`.
"""

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor, nn

from striate.architectures.architecture import HALF, Accuracy, Architecture, Declaration, timm
from striate.architectures.names import Dialect, renamed
from striate.architectures.network import Network
from striate.architectures.resnet import IDENTITY, WIDE, Change, Part, basic, bottleneck, deep, resnet, small_stem
from striate.architectures.resnet_cifar import Padding


class PreactivatedUnit(nn.Module):
    """With a = ReLU(BN(x)): change(a) + x, or change(a) + shortcut(a) where there is a shortcut."""

    def __init__(self, channels: int, change: nn.Module, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.change = change
        self.shortcut = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        active = self.relu(self.bn(maps))  # (N, channels, H, W)
        kept = maps if self.shortcut is None else self.shortcut(active)  # (N, outputs, H/stride, W/stride)
        return self.change(active) + kept  # type: ignore[no-any-return]


def projection(channels: int, outputs: int, stride: int) -> nn.Conv2d:
    """A 1x1 convolution."""
    return nn.Conv2d(channels, outputs, 1, stride, bias=False)


def preactivated(change: Change, shortcut: Part = projection) -> Part:
    """What builds a unit of a change without its last normalisation, and of a shortcut where the shape changes."""

    def unit(channels: int, outputs: int, stride: int) -> nn.Module:
        changed = change(channels, outputs, stride)[:-1]
        same = (channels, stride) == (outputs, 1)
        return PreactivatedUnit(channels, changed, None if same else shortcut(channels, outputs, stride))

    return unit


_thin = partial(resnet, stem=small_stem, stem_width=16, norm_last=True)


def resnetv2_110(asked: Declaration) -> Network:
    """Units of two layers as in ResNet-110; the first activation is made before its unit splits into two paths."""
    network = _thin(asked, preactivated(basic, Padding), (18, 18, 18), width=16)
    network.get_submodule("layer1.0").shortcut = nn.Identity()
    return network


_TIMM = renamed(
    ("stem.conv1", "stem.conv"),
    (r"^layer4\.bn1", "norm"),
    (r"change\.bn2", "norm3"),
    (r"change\.bn1", "norm2"),
    (r"\.bn\.", ".norm1."),
    ("change.", ""),
    (r"shortcut\.", "downsample.conv."),
    *((rf"^layer{number}\.(\d)", rf"stages.{number - 1}.blocks.\1") for number in range(1, 5)),
)
_TIMMS = {"timm": _TIMM}
_cifar = partial(Architecture, num_classes=10, size=(32, 32))


def _large(depth: int, accuracy: Accuracy, names: Mapping[str, Dialect] = _TIMMS) -> Architecture:
    """With timm's weights, which were shown values from -1 to 1."""
    build = partial(deep(depth, preactivated(basic if depth < 50 else bottleneck)), norm_last=True)
    entry = partial(Architecture, build, IDENTITY, mean=HALF, std=HALF, small_stem=True)
    return entry(accuracy=accuracy, names=names)


def _at_320(error: float) -> Accuracy:
    return Accuracy(100 - error, "He et al. 2016, Table 5, one crop of 320")


def _narrow(build: Callable[[Declaration], Network], error: float) -> Architecture:
    accuracy = Accuracy(100 - error, "He et al. 2016, Table 3", "CIFAR-10")
    return _cifar(build, IDENTITY, note="for CIFAR", accuracy=accuracy)


def _wide(depth: int, k: int, error: float, table: str, dropout: float = 0.0) -> Architecture:
    n = (depth - 4) // 6
    build = partial(_thin, unit=preactivated(partial(basic, dropout=dropout)), depths=(n, n, n), width=16 * k)
    source = f"Zagoruyko & Komodakis 2016, {table}: {error} % error"
    return _cifar(build, WIDE, accuracy=Accuracy(100 - error, source, "CIFAR-10"))


_164, _1001 = (partial(_thin, unit=preactivated(bottleneck), depths=(n, n, n)) for n in (18, 111))

NETWORKS = {
    "resnetv2_18": _large(18, timm(73.572, "ra4_e3600_r224_in1k")),
    "resnetv2_34": _large(34, timm(77.626, "ra4_e3600_r224_in1k")),
    "resnetv2_50": _large(50, timm(80.410, "a1h_in1k")),
    "resnetv2_101": _large(101, timm(82.042, "a1h_in1k")),
    "resnetv2_152": _large(152, _at_320(21.1)),
    "resnetv2_200": _large(200, _at_320(20.7), names={}),
    "resnetv2_110": _narrow(resnetv2_110, 6.37),
    "resnetv2_164": _narrow(_164, 5.46),
    "resnetv2_1001": _narrow(_1001, 4.92),
    "wrn_16_4": _wide(16, 4, 5.02, "Table 6, median of five"),
    "wrn_16_8": _wide(16, 8, 4.27, "Table 5, median of five"),
    "wrn_16_10": _wide(16, 10, 4.56, "Table 4"),
    "wrn_22_8": _wide(22, 8, 4.38, "Table 4"),
    "wrn_22_10": _wide(22, 10, 4.44, "Table 4"),
    "wrn_28_10": _wide(28, 10, 4.00, "Table 5, median of five"),
    "wrn_28_10_dropout": _wide(28, 10, 3.89, "Table 6, median of five", dropout=0.3),
    "wrn_28_12": _wide(28, 12, 4.33, "Table 4"),
    "wrn_40_1": _wide(40, 1, 6.85, "Table 4"),
    "wrn_40_2": _wide(40, 2, 5.33, "Table 4"),
    "wrn_40_4": _wide(40, 4, 4.53, "Table 5, median of five"),
    "wrn_40_8": _wide(40, 8, 4.66, "Table 4"),
}
