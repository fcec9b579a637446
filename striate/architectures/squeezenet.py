"""SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters, by squeezing the maps before every 3x3.

Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", 2016,
arXiv:1602.07360, figure 1 and Table 1. 1,248,424 parameters. Sides from 227: 111, 55, 27, 13, 1.

Where we differ, and why: Table 1 says 224, but its sides, and the authors' network, come from 227; on 224 they are 109,
54, 27 and 13, as in torchvision. `squeezenet1_0_caffe` is the network of the authors' trained weights, whose last 1x1
convolution has a border of zeros; they take blue, green and red from 0 to 255 in this order, less 104, 117 and 123.
`squeezenet1_1` is their later one, with earlier poolings and fewer multiplies. Poolings count a window that reaches
over the border (ceil), as Caffe's do. Weights start as in He et al. 2015 (arXiv:1502.01852), since the paper gives no
start, and those of the last convolution from N(0, 0.01), as the authors'.
"""

from collections import OrderedDict
from functools import partial

from torch import nn

from striate.architectures.architecture import Accuracy, Architecture, Declaration, Paper, torchvision
from striate.architectures.blocks import Branches, layers
from striate.architectures.names import Dialect, renamed
from striate.architectures.network import Network
from striate.architectures.starting import start

_Fires = tuple[range, range, range]  # the numbers of the Fire modules after each pooling
_FIRES_1_0 = (range(2, 5), range(5, 9), range(9, 10))
_FIRES_1_1 = (range(2, 4), range(4, 6), range(6, 10))


def squeezenet(
    asked: Declaration, width: int = 96, kernel: int = 7, fires: _Fires = _FIRES_1_0, *, border: int = 0
) -> Network:
    """A convolution, Fire modules behind three poolings, a 1x1 convolution to one map a class, averaged."""
    stages, channels = _stem(asked.in_channels, width, kernel), width
    for stage, numbers in enumerate(fires, start=2):
        parts = layers(pool=nn.MaxPool2d(3, stride=2, ceil_mode=True))
        for number in numbers:
            expanded = 128 * (number // 2)  # section 5.1: base_e = incr_e = 128, freq = 2; 128 for fire2, 512 for fire9
            parts.add_module(f"fire{number}", _fire(channels, expanded))
            channels = expanded
        stages.add_module(f"stage{stage}", parts)
    head = layers(
        dropout=nn.Dropout(0.5),
        conv10=nn.Conv2d(channels, asked.num_classes, kernel_size=1, padding=border),  # (N, K, 13, 13)
        relu=nn.ReLU(),
        avgpool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
    )
    start(stages, nn.init.kaiming_uniform_)
    start(head, partial(nn.init.normal_, std=0.01))
    return Network(stages, head)


def _stem(in_channels: int, width: int, kernel: int) -> nn.Sequential:
    conv1 = nn.Conv2d(in_channels, width, kernel, stride=2)  # (N, 96, 111, 111) from 227x227
    return layers(stage1=layers(conv1=conv1, relu1=nn.ReLU()))


def _fire(channels: int, expanded: int) -> nn.Sequential:
    """1x1 to an eighth of the width, ReLU; 1x1 and 3x3 beside each other, each to half of the width; ReLU."""
    squeezed, half = expanded // 8, expanded // 2
    expand1x1 = nn.Conv2d(squeezed, half, kernel_size=1)
    expand3x3 = nn.Conv2d(squeezed, half, kernel_size=3, padding=1)
    return layers(
        squeeze=nn.Conv2d(channels, squeezed, kernel_size=1),
        squeeze_relu=nn.ReLU(),
        expand=Branches(OrderedDict(expand1x1=expand1x1, expand3x3=expand3x3)),
        expand_relu=nn.ReLU(),
    )


def _torchvision(fires: _Fires) -> Dialect:
    """Its modules are numbered, and so are the ReLU after the first and the poolings."""
    places = ((number, number + 1 + poolings) for poolings, group in enumerate(fires) for number in group)
    return renamed(
        (r"^stage1\.conv1", "features.0"),
        *((rf"^stage\d\.fire{number}", f"features.{place}") for number, place in places),
        (r"\.expand\.", "."),
        (r"^head\.conv10", "classifier.1"),
    )


_PAPER = Paper(
    "Iandola et al.",
    2016,
    "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size",
    "arXiv:1602.07360",
)

NETWORKS = {
    "squeezenet1_0": Architecture(
        squeezenet, _PAPER, accuracy=torchvision(58.092), names={"torchvision": _torchvision(_FIRES_1_0)}
    ),
    "squeezenet1_0_caffe": Architecture(
        partial(squeezenet, border=1),
        _PAPER,
        size=(227, 227),
        note="as trained by its authors",
        accuracy=Accuracy(57.5, "Iandola et al. 2016, Table 2"),
        names={"caffe": _torchvision(_FIRES_1_0)},
        mean=(123 / 255, 117 / 255, 104 / 255),
        std=(1 / 255,) * 3,
    ),
    "squeezenet1_1": Architecture(
        partial(squeezenet, width=64, kernel=3, fires=_FIRES_1_1),
        _PAPER,
        note="its authors' version 1.1",
        accuracy=torchvision(58.178),
        names={"torchvision": _torchvision(_FIRES_1_1)},
    ),
}
