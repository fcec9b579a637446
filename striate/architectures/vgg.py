"""VGG: 3x3 convolutions in five stages, each closed by a pooling that halves the picture, and three matrix products.

Source: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014,
arXiv:1409.1556, Table 1. VGG-16 (D) has 138,357,544 parameters, 138,344,128 of them weights.

Where we differ, and why: weights start from Glorot & Bengio's uniform distribution, biases at zero (the paper started
its deep networks from a trained shallow one, and notes in section 3.1 that Glorot's would have done). The first matrix
is built for what is left of the image, 7x7 of 224x224; torchvision pools every image to 7x7. Names of parameters are
torchvision's.
"""

from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from itertools import count
from math import prod

from torch import nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, Paper, torchvision
from striate.architectures.blocks import dense_head
from striate.architectures.names import renamed
from striate.architectures.network import Network, left
from striate.architectures.normalisation import local_response_normalisation
from striate.architectures.starting import start

_WIDTHS = (64, 128, 256, 512, 512)  # channels of the five stages
_Kernels = tuple[tuple[int, ...], ...]  # of the convolutions of each stage

_A = ((3,), (3,), (3, 3), (3, 3), (3, 3))
_B = ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3))
_C = ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1))
_D = ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))
_E = ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3))


def numbered(rows: Iterable[Iterable[nn.Module]], stage: type[nn.Sequential] = nn.Sequential) -> nn.Sequential:
    """A stage of each row of layers, which are numbered through all stages, as torchvision numbers them."""
    places, stages = count(), nn.Sequential()
    for number, row in enumerate(rows, start=1):
        stages.add_module(f"stage{number}", stage(OrderedDict((str(next(places)), layer) for layer in row)))
    return stages


def vgg(asked: Declaration, column: _Kernels, *, lrn: bool = False, batch_norm: bool = False) -> Network:
    """A column of Table 1; with local response normalisation after the first convolution, or batch normalisation."""
    befores = (asked.in_channels, *_WIDTHS[:-1])
    first, *others = (_row(*row, batch_norm=batch_norm) for row in zip(befores, _WIDTHS, column, strict=True))
    if lrn:
        first.append(local_response_normalisation())
    stages = numbered([*row, nn.MaxPool2d(2)] for row in (first, *others))
    network = Network(stages, dense_head(prod(left(asked, stages)), asked.num_classes))  # from (N, 512, 7, 7)
    start(network, nn.init.xavier_uniform_)
    return network


def _row(channels: int, width: int, kernels: tuple[int, ...], *, batch_norm: bool) -> list[nn.Module]:
    """Convolutions padded to keep the size."""
    row: list[nn.Module] = []
    for kernel in kernels:
        norm = [nn.BatchNorm2d(width)] if batch_norm else []
        row += [nn.Conv2d(channels, width, kernel, padding=kernel // 2), *norm, nn.ReLU()]
        channels = width
    return row


_PAPER = Paper(
    "Simonyan & Zisserman",
    2014,
    "Very deep convolutional networks for large-scale image recognition",
    "arXiv:1409.1556",
)
_TORCHVISION = (("head.fc6", "classifier.0"), ("head.fc7", "classifier.3"), ("head.fc8", "classifier.6"))
_TIMM = (("head.fc6", "pre_logits.fc1"), ("head.fc7", "pre_logits.fc2"), ("head.fc8", "head.fc"))
_NAMES = {
    "torchvision": renamed((r"^stage\d", "features"), *_TORCHVISION),
    "timm": renamed((r"^stage\d", "features"), *_TIMM),
}
_vgg = partial(Architecture, paper=_PAPER)


def _of(depth: int, column: str, kernels: _Kernels, plain: float, normalised: float) -> dict[str, Architecture]:
    """A column without batch norm and with it, given what torchvision's are right in, in percent."""
    build, named = partial(vgg, column=kernels), partial(_vgg, names=_NAMES)
    return {
        f"vgg{depth}": named(build, note=column, accuracy=torchvision(plain)),
        f"vgg{depth}_bn": named(
            partial(build, batch_norm=True), note=f"{column} with batch norm", accuracy=torchvision(normalised)
        ),
    }


def _dense(error: float) -> Accuracy:
    """Of the paper's own network, given its error in percent."""
    return Accuracy(100 - error, "Simonyan & Zisserman 2014, Table 3, dense, shorter side 256")


NETWORKS = {
    **_of(11, "A", _A, 69.020, 70.370),
    "vgg11_lrn": _vgg(partial(vgg, column=_A, lrn=True), note="A-LRN", accuracy=_dense(29.7)),
    **_of(13, "B", _B, 69.928, 71.586),
    "vgg16_c": _vgg(partial(vgg, column=_C), note="C", accuracy=_dense(28.1)),
    **_of(16, "D", _D, 71.592, 73.360),
    **_of(19, "E", _E, 72.376, 74.218),
}
