"""Pre-activation ResNets and wide ResNets: what is added is normalised before each convolution, the sum not at all.

Sources: He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", 2016, arXiv:1603.05027, figure 4e, Tables 3
and 5, and the appendix: ResNet-110, 164 and 1001 for CIFAR, 152 and 200 for ImageNet. Zagoruyko, Komodakis, "Wide
residual networks", 2016, arXiv:1605.07146, Table 1: WRN-d-k has d = 6n + 4 convolutions, n units in each of three
stages, 16k, 32k and 64k maps wide. WRN-28-10 has 36,479,194 parameters, ResNet-1001 10,327,706. Sides from 224: 112,
56, 28, 14, 7, 1; from 32: 32, 32, 16, 8, 1; any other size works too.

Where we differ, and why: bottlenecks halve in their 3x3 convolution, as in `resnet` and timm; for ImageNet the first
normalisation stands after the pooling, as in timm, which changes nothing but for maps with a negative scale. The depths
18, 34 and 50 are timm's, for whose names the weights are published. Convolutions start as in `resnet`.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, timm
from striate.architectures.blocks import layers, pooled_head
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.resnet import DEPTHS, IDENTITY, WIDE, Change, large_stem, small_stem, stages_of
from striate.architectures.resnet_cifar import Padding
from striate.architectures.starting import start


class Preactivated(nn.Module):
    """With a = ReLU(BN(x)): change(a) + x, or change(a) + shortcut(a) where there is a shortcut."""

    def __init__(self, channels: int, change: nn.Module, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.change = change
        self.shortcut = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        active = self.relu1(self.norm1(maps))  # (N, channels, H, W)
        kept = maps if self.shortcut is None else self.shortcut(active)  # (N, outputs, H/stride, W/stride)
        return self.change(active) + kept  # type: ignore[no-any-return]


def basic(channels: int, outputs: int, stride: int, *, dropout: float = 0.0) -> nn.Sequential:
    """3x3, BN, ReLU, dropout if any, 3x3."""
    return layers(
        conv1=nn.Conv2d(channels, outputs, 3, stride, padding=1, bias=False),
        norm2=nn.BatchNorm2d(outputs),
        relu2=nn.ReLU(),
        **({"dropout": nn.Dropout(dropout)} if dropout else {}),
        conv2=nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
    )


def bottleneck(channels: int, outputs: int, stride: int) -> nn.Sequential:
    """1x1 to a quarter of the outputs, BN, ReLU, 3x3, BN, ReLU, 1x1."""
    width = outputs // 4
    return layers(
        conv1=nn.Conv2d(channels, width, 1, bias=False),
        norm2=nn.BatchNorm2d(width),
        relu2=nn.ReLU(),
        conv2=nn.Conv2d(width, width, 3, stride, padding=1, bias=False),
        norm3=nn.BatchNorm2d(width),
        relu3=nn.ReLU(),
        conv3=nn.Conv2d(width, outputs, 1, bias=False),
    )


def projection(channels: int, outputs: int, stride: int) -> nn.Module | None:
    """A 1x1 convolution where the shape changes."""
    return nn.Conv2d(channels, outputs, 1, stride, bias=False) if (channels, stride) != (outputs, 1) else None


def padding(channels: int, outputs: int, stride: int) -> nn.Module | None:
    """Zeros for missing channels where the shape changes."""
    return Padding(channels, outputs, stride) if (channels, stride) != (outputs, 1) else None


def preactivated(
    asked: Declaration,
    change: Change,
    depths: tuple[int, ...],
    *,
    width: int = 64,
    stem: Callable[[int, int], nn.Module] = large_stem,
    stem_width: int = 64,
    shortcut: Callable[[int, int, int], nn.Module | None] = projection,
) -> Network:
    """A convolution, stages of `depths` units, the first of which gives `width` channels, and BN, ReLU at the end."""

    def unit(channels: int, outputs: int, stride: int) -> nn.Module:
        return Preactivated(channels, change(channels, outputs, stride), shortcut(channels, outputs, stride))

    first = small_stem if asked.stem == "small" else stem
    stages = stages_of(unit, stem_width, width, depths, pooled=first is not small_stem)
    name, last = stages.popitem()
    outputs = width * 2 ** (len(depths) - 1)
    stages[name] = layers(**dict(last.named_children()), norm=nn.BatchNorm2d(outputs), relu=nn.ReLU())
    stem_layers = layers(conv=first(asked.in_channels, stem_width))  # (N, 64, 112, 112) from 224x224
    network = Network(layers(stem=stem_layers, **stages), pooled_head(outputs, asked.num_classes))
    start(network, partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"), linear=False)
    return network


def resnetv2_110(asked: Declaration) -> Network:
    """Units of two layers as in ResNet-110; the first activation is made before its unit splits into two paths."""
    network = preactivated(asked, basic, (18, 18, 18), width=16, stem=small_stem, stem_width=16, shortcut=padding)
    network.get_submodule("layer1.0").shortcut = nn.Identity()
    return network


_PEERS = renamed(
    ("change.", ""),
    (r"shortcut\.", "downsample.conv."),
    (r"^layer4\.norm", "norm"),
    *((rf"^layer{number}\.(\d)", rf"stages.{number - 1}.blocks.\1") for number in range(1, 5)),
)
_large = partial(Architecture, paper=IDENTITY, names={"timm": _PEERS}, small_stem=True)
_small = partial(Architecture, num_classes=10, size=(32, 32))
_two = partial(preactivated, change=basic)
_three = partial(preactivated, change=bottleneck, width=256)
_thin = partial(preactivated, change=bottleneck, stem=small_stem, stem_width=16)


def _at_320(error: float) -> Accuracy:
    return Accuracy(100 - error, "He et al. 2016, Table 5, one crop of 320")


def _on_cifar(error: float) -> Accuracy:
    return Accuracy(100 - error, "He et al. 2016, Table 3", "CIFAR-10")


def _wide(depth: int, k: int, error: float, table: str, dropout: float = 0.0) -> Architecture:
    n = (depth - 4) // 6
    change = partial(basic, dropout=dropout)
    build = partial(preactivated, change=change, depths=(n, n, n), width=16 * k, stem=small_stem, stem_width=16)
    source = f"Zagoruyko & Komodakis 2016, {table}: {error} % error, median of five"
    return _small(build, WIDE, accuracy=Accuracy(100 - error, source, "CIFAR-10"))


NETWORKS = {
    "resnetv2_18": _large(partial(_two, depths=DEPTHS[18]), accuracy=timm(73.572, "ra4_e3600_r224_in1k")),
    "resnetv2_34": _large(partial(_two, depths=DEPTHS[34]), accuracy=timm(77.626, "ra4_e3600_r224_in1k")),
    "resnetv2_50": _large(partial(_three, depths=DEPTHS[50]), accuracy=timm(80.410, "a1h_in1k")),
    "resnetv2_101": _large(partial(_three, depths=DEPTHS[101]), accuracy=timm(82.042, "a1h_in1k")),
    "resnetv2_152": _large(partial(_three, depths=DEPTHS[152]), accuracy=_at_320(21.1)),
    "resnetv2_200": _large(partial(_three, depths=DEPTHS[200]), accuracy=_at_320(20.7)),
    "resnetv2_110": _small(resnetv2_110, IDENTITY, note="for CIFAR", accuracy=_on_cifar(6.37)),
    "resnetv2_164": _small(partial(_thin, depths=(18,) * 3), IDENTITY, note="for CIFAR", accuracy=_on_cifar(5.46)),
    "resnetv2_1001": _small(partial(_thin, depths=(111,) * 3), IDENTITY, note="for CIFAR", accuracy=_on_cifar(4.92)),
    "wrn_16_4": _wide(16, 4, 5.02, "Table 6"),
    "wrn_16_8": _wide(16, 8, 4.27, "Table 5"),
    "wrn_16_10": _wide(16, 10, 4.56, "Table 4"),
    "wrn_22_8": _wide(22, 8, 4.38, "Table 4"),
    "wrn_22_10": _wide(22, 10, 4.44, "Table 4"),
    "wrn_28_10": _wide(28, 10, 4.00, "Table 5"),
    "wrn_28_10_dropout": _wide(28, 10, 3.89, "Table 6", dropout=0.3),
    "wrn_28_12": _wide(28, 12, 4.33, "Table 4"),
    "wrn_40_1": _wide(40, 1, 6.85, "Table 4"),
    "wrn_40_2": _wide(40, 2, 5.33, "Table 4"),
    "wrn_40_4": _wide(40, 4, 4.53, "Table 5"),
    "wrn_40_8": _wide(40, 8, 4.66, "Table 4"),
}
