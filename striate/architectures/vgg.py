"""VGG: 3x3 convolutions in five stages, each closed by a pooling that halves the picture, and three matrix products.

Source: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014,
arXiv:1409.1556, Table 1. VGG-16 (D) has 138,357,544 parameters, 138,344,128 of them weights.

Where we differ, and why: weights start from Glorot & Bengio's uniform distribution, biases at zero (the paper started
its deep networks from a trained shallow one, and notes in section 3.1 that Glorot's would have done). The first matrix
is built for what is left of the image, 7x7 of 224x224; torchvision pools every image to 7x7. Names of parameters are
torchvision's.
"""

from collections.abc import Iterator
from functools import partial
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


def vgg(asked: Declaration, column: _Kernels, *, lrn: bool = False, batch_norm: bool = False) -> Network:
    """A column of Table 1; with local response normalisation after the first convolution, or batch normalisation."""
    stages, channels, place = nn.Sequential(), asked.in_channels, 0
    for number, (width, kernels) in enumerate(zip(_WIDTHS, column, strict=True), start=1):
        stage = nn.Sequential()
        for layer in _stage(channels, width, kernels, lrn=lrn and number == 1, batch_norm=batch_norm):
            stage.add_module(str(place), layer)  # numbered through all stages, as torchvision numbers them
            place += 1
        stages.add_module(f"stage{number}", stage)
        channels = width
    network = Network(stages, dense_head(prod(left(asked, stages)), asked.num_classes))  # from (N, 512, 7, 7)
    start(network, nn.init.xavier_uniform_)
    return network


def _stage(channels: int, width: int, kernels: tuple[int, ...], *, lrn: bool, batch_norm: bool) -> Iterator[nn.Module]:
    """Convolutions padded to keep the size, and a pooling."""
    for kernel in kernels:
        yield nn.Conv2d(channels, width, kernel, padding=kernel // 2)
        if batch_norm:
            yield nn.BatchNorm2d(width)
        yield nn.ReLU()
        channels = width
    if lrn:
        yield local_response_normalisation()
    yield nn.MaxPool2d(2)


_PAPER = Paper(
    "Simonyan & Zisserman",
    2014,
    "Very deep convolutional networks for large-scale image recognition",
    "arXiv:1409.1556",
)
_NAMES = {
    "torchvision": renamed(
        (r"^stage\d", "features"),
        ("head.fc6", "classifier.0"),
        ("head.fc7", "classifier.3"),
        ("head.fc8", "classifier.6"),
    ),
    "timm": renamed(
        (r"^stage\d", "features"),
        ("head.fc6", "pre_logits.fc1"),
        ("head.fc7", "pre_logits.fc2"),
        ("head.fc8", "head.fc"),
    ),
}
_column = partial(Architecture, paper=_PAPER, names=_NAMES)


def _dense(error: float) -> Accuracy:
    """Of the paper's own network, given its error in percent."""
    return Accuracy(100 - error, "Simonyan & Zisserman 2014, Table 3, dense, shorter side 256")


NETWORKS = {
    "vgg11": _column(partial(vgg, column=_A), note="A", accuracy=torchvision(69.020)),
    "vgg11_bn": _column(
        partial(vgg, column=_A, batch_norm=True), note="A with batch norm", accuracy=torchvision(70.370)
    ),
    "vgg11_lrn": _column(partial(vgg, column=_A, lrn=True), note="A-LRN", accuracy=_dense(29.7)),
    "vgg13": _column(partial(vgg, column=_B), note="B", accuracy=torchvision(69.928)),
    "vgg13_bn": _column(
        partial(vgg, column=_B, batch_norm=True), note="B with batch norm", accuracy=torchvision(71.586)
    ),
    "vgg16_c": _column(partial(vgg, column=_C), note="C", accuracy=_dense(28.1)),
    "vgg16": _column(partial(vgg, column=_D), note="D", accuracy=torchvision(71.592)),
    "vgg16_bn": _column(
        partial(vgg, column=_D, batch_norm=True), note="D with batch norm", accuracy=torchvision(73.360)
    ),
    "vgg19": _column(partial(vgg, column=_E), note="E", accuracy=torchvision(72.376)),
    "vgg19_bn": _column(
        partial(vgg, column=_E, batch_norm=True), note="E with batch norm", accuracy=torchvision(74.218)
    ),
}
