"""AlexNet: five convolutions and three fully connected layers, the network that won ImageNet 2012; and ZFNet after it.

Sources: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012,
figure 2 and sections 3 to 5: sides from 227: 55, 27, 27, 13, 13, 13, 13, 6; 60,965,224 parameters on two GPUs.
Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, arXiv:1404.5997, footnote 1 and
figure: one column, narrower. Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2013,
arXiv:1311.2901, figure 3: sides from 224: 110, 55, 26, 13, 13, 13, 13, 6.

Where we differ, and why: AlexNet's images are 227x227, since the paper's 224 does not give its 55; normalisation
stands after pooling, as in the lectures' table (the paper normalises first, on four times the values); `alexnet` is one
column in which every map sees all maps before it, as there is one machine now; in `alexnet_two_gpus` normalisation
reaches over the border between the two columns. torchvision's
`alexnet`, here `alexnet_owt`, drops out before a matrix and not after its ReLU: the same for all but the first. ZFNet
takes AlexNet's normalisation for its own, which its paper does not give in full. Weights start as in the papers of 2012
and 2013, from N(0, 0.01); biases of CONV2, 4, 5 and of the hidden layers at 1, ZFNet's at 0. `alexnet_owt` starts as
AlexNet, since its paper does not say how.
"""

from functools import partial
from math import prod
from typing import NamedTuple

from torch import nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, Paper, torchvision
from striate.architectures.blocks import dense_head, layers
from striate.architectures.names import renamed
from striate.architectures.network import Network, left
from striate.architectures.normalisation import local_response_normalisation
from striate.architectures.starting import start


class _Table(NamedTuple):
    """Maps of the five convolutions; what the first look through, and the poolings: kernel, stride, padding."""

    widths: tuple[int, int, int, int, int]
    conv1: tuple[int, int, int]
    conv2: tuple[int, int, int]
    pooling: tuple[int, int, int]
    normalised: bool


_ALEX = _Table((96, 256, 384, 384, 256), (11, 4, 0), (5, 1, 2), (3, 2, 0), normalised=True)
_OWT = _Table((64, 192, 384, 256, 256), (11, 4, 2), (5, 1, 2), (3, 2, 0), normalised=False)
_ZEILER = _Table((96, 256, 384, 384, 256), (7, 2, 1), (5, 2, 0), (3, 2, 1), normalised=True)


def alexnet(asked: Declaration, table: _Table = _ALEX, *, columns: int = 1, ones: bool = True) -> Network:
    """Five convolutions; in `columns`, CONV2, CONV4 and CONV5 see the maps of their own column alone."""
    first, second, third, fourth, fifth = table.widths
    stages = layers(
        stage1=layers(
            conv1=nn.Conv2d(asked.in_channels, first, *table.conv1),  # (N, 96, 55, 55) from 227x227
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(*table.pooling),  # (N, 96, 27, 27)
            **({"norm1": local_response_normalisation()} if table.normalised else {}),
        ),
        stage2=layers(
            conv2=nn.Conv2d(first, second, *table.conv2, groups=columns),  # (N, 256, 27, 27)
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(*table.pooling),  # (N, 256, 13, 13)
            **({"norm2": local_response_normalisation()} if table.normalised else {}),
        ),
        stage3=layers(
            conv3=nn.Conv2d(second, third, kernel_size=3, padding=1),  # (N, 384, 13, 13)
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(third, fourth, kernel_size=3, padding=1, groups=columns),  # (N, 384, 13, 13)
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(fourth, fifth, kernel_size=3, padding=1, groups=columns),  # (N, 256, 13, 13)
            relu5=nn.ReLU(),
            pool3=nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
        ),
    )
    network = Network(stages, dense_head(prod(left(asked, stages)), asked.num_classes))  # from (N, 256, 6, 6)
    start(network, partial(nn.init.normal_, std=0.01))
    if ones:
        for layer in ("stage2.conv2", "stage3.conv4", "stage3.conv5", "head.fc6", "head.fc7"):
            nn.init.ones_(network.get_parameter(f"{layer}.bias"))  # so that ReLU lets the first signals through
    return network


_KRIZHEVSKY = Paper(
    "Krizhevsky et al.", 2012, "ImageNet classification with deep convolutional neural networks", "NIPS 2012"
)
_WEIRD_TRICK = Paper(
    "Krizhevsky", 2014, "One weird trick for parallelizing convolutional neural networks", "arXiv:1404.5997"
)
_ZFNET = Paper("Zeiler & Fergus", 2013, "Visualizing and understanding convolutional networks", "arXiv:1311.2901")
_ONE_NETWORK = Accuracy(59.3, "Krizhevsky et al. 2012, Table 2, mean over ten crops")
_TORCHVISION = renamed(
    *((rf"^stage\d\.conv{number}", f"features.{place}") for number, place in enumerate((0, 3, 6, 8, 10), start=1)),
    *((rf"^head\.fc{number}", f"classifier.{place}") for number, place in ((6, 1), (7, 4), (8, 6))),
)

NETWORKS = {
    "alexnet": Architecture(alexnet, _KRIZHEVSKY, size=(227, 227), note="in one column"),
    "alexnet_two_gpus": Architecture(
        partial(alexnet, columns=2), _KRIZHEVSKY, size=(227, 227), note="in two columns", accuracy=_ONE_NETWORK
    ),
    "alexnet_owt": Architecture(
        partial(alexnet, table=_OWT),
        _WEIRD_TRICK,
        note="one weird trick, torchvision's alexnet",
        accuracy=torchvision(56.522),
        names={"torchvision": _TORCHVISION},
    ),
    "zfnet": Architecture(partial(alexnet, table=_ZEILER, ones=False), _ZFNET),
}
