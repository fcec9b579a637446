"""GoogLeNet: nine Inception modules, each of which looks at its input through 1x1, 3x3 and 5x5 windows at once.

Source: Szegedy et al., "Going deeper with convolutions", 2014, arXiv:1409.4842, Table 1, figures 2b and 3, section 5.
6,998,552 parameters, and 6,379,728 more in the two auxiliary classifiers. Sides from 224: 112, 56, 28, 14, 7, 1.

Where we differ, and why: the last pooling averages whatever is left, 7x7 of 224x224, so that other sizes work; of
normalisation and start the paper gives no constants: we take AlexNet's for the one, and He et al. 2015
(arXiv:1502.01852) for the other, without which the signal fades in 22 layers. Poolings count a window that reaches
over the border (ceil), as the paper's sizes ask for. Its modules 4 are three stages, cut where the auxiliary
classifiers look. `googlenet_bn` is torchvision's network, whose weights expect values from -1 to 1: batch normalisation
in place of local response normalisation and of biases, 3x3 in place of 5x5, a last halving pooling of 2x2, auxiliary
poolings to 4x4 whatever the size, and dropout of 0.2.
"""

from collections.abc import Callable
from functools import partial

from torch import nn

from striate.architectures.architecture import HALF, Architecture, Declaration, Paper, torchvision
from striate.architectures.blocks import convolution, layers
from striate.architectures.inception import Branching, Chain, Conv, Table, inception
from striate.architectures.names import renamed
from striate.architectures.network import Network, left
from striate.architectures.normalisation import local_response_normalisation


def googlenet(asked: Declaration, *, batch_norm: bool = False, auxiliary: bool = False) -> Network:
    """A stem of three convolutions and nine Inception modules; with two heads on the way, or with batch norm."""
    heads = partial(_auxiliary, batch_norm=batch_norm) if auxiliary else None
    return inception(asked, _table(batch_norm=batch_norm), dropout=0.2 if batch_norm else 0.4, auxiliary=heads)


def _table(*, batch_norm: bool) -> Table:
    """Table 1, to whose columns the widths of the modules belong: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj."""
    conv, module = partial(Conv, norm=batch_norm), partial(_module, batch_norm=batch_norm)
    normalise = [lambda _: nn.Identity() if batch_norm else local_response_normalisation()]
    return {
        "stage1": {"conv1": [conv(7, 64, 2)]},  # (N, 64, 112, 112) from 224x224
        "stage2": {  # (N, 192, 56, 56)
            "pool1": [_pooling()],
            "norm1": normalise,
            "conv2": [conv(1, 64)],
            "conv3": [conv(3, 192)],
            "norm2": normalise,
        },
        "stage3": {  # (N, 480, 28, 28)
            "pool2": [_pooling()],
            "inception3a": module(64, 96, 128, 16, 32, 32),
            "inception3b": module(128, 128, 192, 32, 96, 64),
        },
        "stage4a": {"pool3": [_pooling()], "inception4a": module(192, 96, 208, 16, 48, 64)},  # (N, 512, 14, 14)
        "stage4d": {  # (N, 528, 14, 14)
            "inception4b": module(160, 112, 224, 24, 64, 64),
            "inception4c": module(128, 128, 256, 24, 64, 64),
            "inception4d": module(112, 144, 288, 32, 64, 64),
        },
        "stage4e": {"inception4e": module(256, 160, 320, 32, 128, 128)},  # (N, 832, 14, 14)
        "stage5": {  # (N, 1024, 7, 7)
            "pool4": [_pooling(2 if batch_norm else 3)],
            "inception5a": module(256, 160, 320, 32, 128, 128),
            "inception5b": module(384, 192, 384, 48, 128, 128),
        },
    }


def _module(*widths: int, batch_norm: bool) -> Chain:
    """1x1, 1x1-3x3, 1x1-5x5 and pool-1x1 beside each other, ReLU after each convolution; their maps in one stack."""
    one, three_reduced, three, five_reduced, five, pool = widths
    conv = partial(Conv, norm=batch_norm)
    branches: Branching = {
        "branch1": [conv(1, one)],
        "branch2": [conv(1, three_reduced), conv(3, three)],
        "branch3": [conv(1, five_reduced), conv(3 if batch_norm else 5, five)],
        "branch4": [_pooling(stride=1, padding=1), conv(1, pool)],
    }
    return [branches]


def _pooling(window: int = 3, stride: int = 2, padding: int = 0) -> Callable[[int], nn.Module]:
    return lambda _: nn.MaxPool2d(window, stride, padding, ceil_mode=True)


def _auxiliary(asked: Declaration, stages: nn.Sequential, *, batch_norm: bool) -> dict[str, nn.Module]:
    """After 4a and 4d: 5x5 average pooling, 1x1, ReLU, two matrices, the first with ReLU and dropout: to (N, K)."""
    pooling = partial(nn.AdaptiveAvgPool2d, 4) if batch_norm else partial(nn.AvgPool2d, 5, stride=3)
    before = dict(stages[:4].named_children())
    _, height, width = left(asked, layers(**before, auxiliary=pooling()))  # (N, 512, 4, 4)
    return {
        stage: layers(
            pool=pooling(),
            conv=convolution(channels, 128, norm=batch_norm),
            flatten=nn.Flatten(),
            fc1=nn.Linear(128 * height * width, 1024),
            relu=nn.ReLU(),
            dropout=nn.Dropout(0.7),
            fc2=nn.Linear(1024, asked.num_classes),
        )
        for stage, channels in {"stage4a": 512, "stage4d": 528}.items()
    }


_PAPER = Paper("Szegedy et al.", 2014, "Going deeper with convolutions", "arXiv:1409.4842")
_TORCHVISION = renamed((r"^auxiliary\.stage4a", "aux1"), (r"^auxiliary\.stage4d", "aux2"), (r"^(stage\w+|head)\.", ""))
_torchvisions = partial(
    Architecture,
    paper=_PAPER,
    accuracy=torchvision(69.778),
    names={"torchvision": _TORCHVISION},
    mean=HALF,
    std=HALF,
)

NETWORKS = {
    "googlenet": Architecture(googlenet, _PAPER),
    "googlenet_aux": Architecture(partial(googlenet, auxiliary=True), _PAPER, note="with its auxiliary classifiers"),
    "googlenet_bn": _torchvisions(partial(googlenet, batch_norm=True), note="torchvision's googlenet, with batch norm"),
    "googlenet_bn_aux": _torchvisions(
        partial(googlenet, batch_norm=True, auxiliary=True), note="torchvision's googlenet with auxiliary classifiers"
    ),
}
