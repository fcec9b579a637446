"""VGG: 3x3 convolutions in five stages, each closed by a pooling that halves the picture, and three matrix products.

Source: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014,
arXiv:1409.1556, Table 1. VGG-16 (D) has 138,357,544 parameters, 138,344,128 of them weights.

Where we differ, and why: weights start from Glorot & Bengio's uniform distribution, biases at zero (the paper started
its deep networks from a trained shallow one, and notes in section 3.1 that Glorot's would have done). The first matrix
is built for what is left of the image, 7x7 of 224x224; torchvision pools every image to 7x7. Names of parameters are
torchvision's.
"""

from collections import OrderedDict
from collections.abc import Iterator

from torch import nn

from striate.architectures.normalisation import local_response_normalisation
from striate.architectures.remaining import remaining
from striate.architectures.starting import start

_WIDTHS = (64, 128, 256, 512, 512)  # channels of the five stages
_Kernels = tuple[tuple[int, ...], ...]  # of the convolutions of each stage

_A = ((3,), (3,), (3, 3), (3, 3), (3, 3))
_B = ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3))
_C = ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1))
_D = ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))
_E = ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3))


def vgg11(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Column A: eight convolutions."""
    return _vgg("vgg11", _A, num_classes, in_channels, size)


def vgg11_lrn(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Column A-LRN: A with local response normalisation after its first convolution."""
    return _vgg("vgg11_lrn", _A, num_classes, in_channels, size, normalised=True)


def vgg13(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Column B: ten convolutions."""
    return _vgg("vgg13", _B, num_classes, in_channels, size)


def vgg16_c(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Column C: thirteen convolutions, the last of stages 3, 4 and 5 of 1x1."""
    return _vgg("vgg16_c", _C, num_classes, in_channels, size)


def vgg16(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Column D: thirteen convolutions of 3x3."""
    return _vgg("vgg16", _D, num_classes, in_channels, size)


def vgg19(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """Column E: sixteen convolutions."""
    return _vgg("vgg19", _E, num_classes, in_channels, size)


def _vgg(
    name: str,
    column: _Kernels,
    num_classes: int,
    in_channels: int,
    size: tuple[int, int],
    *,
    normalised: bool = False,
) -> nn.Sequential:
    features = nn.Sequential(*_stages(column, in_channels, normalised=normalised))  # (N, 512, 7, 7) from 224x224
    height, width = remaining(name, features.named_modules(prefix="features"), size)
    classifier = nn.Sequential(
        nn.Linear(512 * height * width, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, num_classes),  # (N, K)
    )
    network = nn.Sequential(OrderedDict(features=features, flatten=nn.Flatten(), classifier=classifier))
    start(network, nn.init.xavier_uniform_)
    return network


def _stages(column: _Kernels, channels: int, *, normalised: bool) -> Iterator[nn.Module]:
    """The convolutions of each stage, padded to keep the size, and its pooling."""
    for width, kernels in zip(_WIDTHS, column, strict=True):
        for kernel in kernels:
            yield nn.Conv2d(channels, width, kernel, padding=kernel // 2)
            yield nn.ReLU()
            channels = width
        if normalised and width == _WIDTHS[0]:
            yield local_response_normalisation()
        yield nn.MaxPool2d(2)
