"""The catalogue: a visible dictionary from a name to its builder, its source and the image it was made for."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from striate.architectures.alexnet import alexnet, alexnet_two_gpus
from striate.architectures.dense import linear, mlp
from striate.architectures.googlenet import googlenet
from striate.architectures.lenet import lenet5
from striate.architectures.patterns.pattern import IN_CHANNELS, SIZE, is_pattern, parse
from striate.architectures.resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from striate.architectures.vgg import vgg11, vgg11_lrn, vgg13, vgg16, vgg16_c, vgg19
from striate.errors import UnknownNameError, expect_whole


@dataclass(frozen=True)
class Accuracy:
    """A published share of the 50,000 validation images of ImageNet (ILSVRC 2012) that a network names right."""

    top1: float  # percent
    source: str  # who measured it, and how


@dataclass(frozen=True)
class Architecture:
    """A builder called with (num_classes, in_channels, (height, width)), its source, and what that source fed it."""

    build: Callable[[int, int, tuple[int, int]], nn.Module]
    source: str
    num_classes: int
    in_channels: int
    size: tuple[int, int]  # height, width in pixels
    accuracy: Accuracy | None = None  # of this very network, where its paper or torchvision states one


_ALEXNET = "Krizhevsky et al. 2012"
_VGG = "Simonyan & Zisserman 2014, Table 1"
_GOOGLENET = "Szegedy et al. 2014, Table 1"
_RESNET = "He et al. 2015, Table 1"
_TWO_GPUS = Accuracy(59.3, "Krizhevsky et al. 2012, Table 2: 40.7 % error of one network, mean over ten crops")
_DENSE = "Simonyan & Zisserman 2014, Table 3: {} % error of one network, dense, shorter side 256"


def _weights(top1: float) -> Accuracy:
    return Accuracy(top1, "torchvision 0.28, weights IMAGENET1K_V1, one crop of 224")


CATALOGUE = {
    "linear": Architecture(linear, "f = Wx + b", 10, 3, (32, 32)),
    "mlp": Architecture(mlp, "f = W2 max(0, W1 x + b1) + b2", 10, 3, (32, 32)),
    "lenet5": Architecture(lenet5, "LeCun et al. 1998", 10, 1, (32, 32)),
    "alexnet": Architecture(alexnet, f"{_ALEXNET}, in one column", 1000, 3, (227, 227)),
    "alexnet_two_gpus": Architecture(alexnet_two_gpus, _ALEXNET, 1000, 3, (227, 227), _TWO_GPUS),
    "vgg11": Architecture(vgg11, f"{_VGG} A", 1000, 3, (224, 224), _weights(69.020)),
    "vgg11_lrn": Architecture(vgg11_lrn, f"{_VGG} A-LRN", 1000, 3, (224, 224), Accuracy(70.3, _DENSE.format(29.7))),
    "vgg13": Architecture(vgg13, f"{_VGG} B", 1000, 3, (224, 224), _weights(69.928)),
    "vgg16_c": Architecture(vgg16_c, f"{_VGG} C", 1000, 3, (224, 224), Accuracy(71.9, _DENSE.format(28.1))),
    "vgg16": Architecture(vgg16, f"{_VGG} D", 1000, 3, (224, 224), _weights(71.592)),
    "vgg19": Architecture(vgg19, f"{_VGG} E", 1000, 3, (224, 224), _weights(72.376)),
    "googlenet": Architecture(googlenet, _GOOGLENET, 1000, 3, (224, 224)),
    "resnet18": Architecture(resnet18, _RESNET, 1000, 3, (224, 224), _weights(69.758)),
    "resnet34": Architecture(resnet34, _RESNET, 1000, 3, (224, 224), _weights(73.314)),
    "resnet50": Architecture(resnet50, _RESNET, 1000, 3, (224, 224), _weights(76.130)),
    "resnet101": Architecture(resnet101, _RESNET, 1000, 3, (224, 224), _weights(77.374)),
    "resnet152": Architecture(resnet152, _RESNET, 1000, 3, (224, 224), _weights(78.312)),
}


def architecture(name: str) -> Architecture:
    """The catalogue's entry, or what a layer pattern writes.

    Raises UnknownNameError with the nearest names, or PatternError with a caret under the mistake.
    """
    if is_pattern(name):
        pattern = parse(name)
        channels, sides = pattern.in_channels or IN_CHANNELS, pattern.size or SIZE
        return Architecture(pattern.build, "a layer pattern", pattern.num_classes or 10, channels, sides)
    if name not in CATALOGUE:
        raise UnknownNameError("model", name, CATALOGUE)
    return CATALOGUE[name]


@dataclass(frozen=True)
class Declaration:
    """All that is needed to build a network again, but its weights."""

    name: str
    num_classes: int
    in_channels: int
    size: tuple[int, int]

    def build(self) -> nn.Module:
        """A new network with random weights, mapping images (N, in_channels, *size) to scores (N, num_classes)."""
        for name, value, most in (
            ("num_classes", self.num_classes, 1_000_000),
            ("in_channels", self.in_channels, 1_024),
            ("size", min(self.size), 16_384),
            ("size", max(self.size), 16_384),
        ):
            expect_whole(name, value, most)
        return architecture(self.name).build(self.num_classes, self.in_channels, self.size)


def declare(
    name: str,
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    size: int | tuple[int, int] | None = None,
) -> Declaration:
    """A declaration, with the source's own classes, channels and size where none are given; one number is a square."""
    entry = architecture(name)
    sides = (size, size) if isinstance(size, int) else size
    classes = entry.num_classes if num_classes is None else num_classes
    channels = entry.in_channels if in_channels is None else in_channels
    return Declaration(name, classes, channels, sides or entry.size)


def create_model(
    name: str,
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    size: int | tuple[int, int] | None = None,
) -> nn.Module:
    """A network of the catalogue as an ordinary module, its weights drawn from torch's random state.

    Args:
        name: a key of `CATALOGUE`, or a layer pattern, as "INPUT 3x32x32 -> [CONV 32 -> RELU -> POOL]*2 -> FC 10".
        num_classes: the number K of scores it gives; the source's own if not given, 1000 for those made for ImageNet.
        in_channels: 1 for grey, 3 for colour; the source's own if not given.
        size: pixels, one number or (height, width); the source's own if not given.

    Raises:
        UnknownNameError: no such network; the sentence offers the nearest.
        PatternError: a mistake in a pattern; the sentence has a caret under it.
        SizeError: the network collapses at this size; the sentence names the layer.

    >>> sum(p.numel() for p in create_model("lenet5").parameters())
    61706
    """
    return declare(name, num_classes=num_classes, in_channels=in_channels, size=size).build()
