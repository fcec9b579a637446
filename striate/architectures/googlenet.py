"""GoogLeNet: nine Inception modules, each of which looks at its input through 1x1, 3x3 and 5x5 windows at once.

Source: Szegedy et al., "Going deeper with convolutions", 2014, arXiv:1409.4842, Table 1, figures 2b and 3, section 5.
6,998,552 parameters, and 6,379,728 more in the two auxiliary classifiers. Sides from 224: 112, 56, 28, 14, 7, 1.

Where we differ, and why: the last pooling averages whatever is left, 7x7 of 224x224, so that other sizes work; of
normalisation and start the paper gives no constants: we take AlexNet's for the one, and He et al. 2015
(arXiv:1502.01852) for the other, without which the signal fades in 22 layers. Poolings count a window that reaches
over the border (ceil), as the paper's sizes ask for. `googlenet_bn` is torchvision's network: batch normalisation in
place of local response normalisation and of biases, 3x3 in place of 5x5, a last halving pooling of 2x2, auxiliary
poolings to 4x4 whatever the size, and dropout of 0.2.
"""

from collections import OrderedDict
from functools import partial
from typing import NamedTuple

from torch import nn

from striate.architectures.architecture import Architecture, Declaration, Paper, torchvision
from striate.architectures.auxiliary import WithAuxiliary, pooled
from striate.architectures.blocks import Branches, convolution, layers, pooled_head, set_batch_norms
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.normalisation import local_response_normalisation
from striate.architectures.starting import start


class _Widths(NamedTuple):
    """Channels inside an Inception module, in the order of Table 1."""

    one: int
    three_reduced: int
    three: int
    five_reduced: int
    five: int
    pool: int

    @property
    def stacked(self) -> int:
        return self.one + self.three + self.five + self.pool


_MODULES = {  # 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection
    "stage3": {
        "inception3a": _Widths(64, 96, 128, 16, 32, 32),
        "inception3b": _Widths(128, 128, 192, 32, 96, 64),
    },
    "stage4": {
        "inception4a": _Widths(192, 96, 208, 16, 48, 64),
        "inception4b": _Widths(160, 112, 224, 24, 64, 64),
        "inception4c": _Widths(128, 128, 256, 24, 64, 64),
        "inception4d": _Widths(112, 144, 288, 32, 64, 64),
        "inception4e": _Widths(256, 160, 320, 32, 128, 128),
    },
    "stage5": {
        "inception5a": _Widths(256, 160, 320, 32, 128, 128),
        "inception5b": _Widths(384, 192, 384, 48, 128, 128),
    },
}


def googlenet(asked: Declaration, *, batch_norm: bool = False, auxiliary: bool = False) -> Network:
    """A stem of three convolutions and nine Inception modules; with two heads on the way, or with batch norm."""
    stages, channels = _stem(asked.in_channels, batch_norm=batch_norm), 192
    for number, (stage, modules) in enumerate(_MODULES.items(), start=2):
        window = 2 if batch_norm and stage == "stage5" else 3
        parts = layers(**{f"pool{number}": nn.MaxPool2d(window, stride=2, ceil_mode=True)})
        for name, widths in modules.items():
            parts.add_module(name, _inception(channels, widths, batch_norm=batch_norm))
            channels = widths.stacked  # (N, 480, 28, 28) after 3b, (N, 832, 14, 14) after 4e, (N, 1024, 7, 7) after 5b
        stages.add_module(stage, parts)
    head = pooled_head(channels, asked.num_classes, dropout=0.2 if batch_norm else 0.4)
    if auxiliary:
        network: Network = WithAuxiliary(stages, head, _auxiliary(asked, stages[:4], batch_norm=batch_norm))
    else:
        network = Network(stages, head)
    set_batch_norms(network, eps=1e-3)
    start(network, partial(nn.init.kaiming_normal_, nonlinearity="relu"))
    return network


def _stem(in_channels: int, *, batch_norm: bool) -> nn.Sequential:
    convolve = convolution if batch_norm else _plain
    normalise = nn.Identity if batch_norm else local_response_normalisation
    return layers(
        stage1=layers(conv1=convolve(in_channels, 64, 7, stride=2)),  # (N, 64, 112, 112) from 224x224
        stage2=layers(
            pool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),  # (N, 64, 56, 56)
            norm1=normalise(),
            conv2=convolve(64, 64),
            conv3=convolve(64, 192, 3),  # (N, 192, 56, 56)
            norm2=normalise(),
        ),
    )


def _inception(channels: int, widths: _Widths, *, batch_norm: bool) -> Branches:
    """1x1, 1x1-3x3, 1x1-5x5 and pool-1x1 beside each other, ReLU after each convolution; their maps in one stack."""
    convolve = convolution if batch_norm else _plain
    five = 3 if batch_norm else 5
    return Branches(
        OrderedDict(
            branch1=convolve(channels, widths.one),
            branch2=nn.Sequential(
                convolve(channels, widths.three_reduced), convolve(widths.three_reduced, widths.three, 3)
            ),
            branch3=nn.Sequential(
                convolve(channels, widths.five_reduced), convolve(widths.five_reduced, widths.five, five)
            ),
            branch4=nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), convolve(channels, widths.pool)),
        )
    )


def _auxiliary(asked: Declaration, stages: nn.Module, *, batch_norm: bool) -> dict[str, nn.Module]:
    """After 4a and 4d: 5x5 average pooling, 1x1, ReLU, two matrices, the first with ReLU and dropout: to (N, K)."""
    pooling = partial(nn.AdaptiveAvgPool2d, 4) if batch_norm else partial(nn.AvgPool2d, 5, stride=3)
    _, height, width = pooled(asked, stages, "inception4a", pooling())  # (N, C, 4, 4)
    return {
        part: layers(
            pool=pooling(),
            conv=(convolution if batch_norm else _plain)(_MODULES["stage4"][part].stacked, 128),
            flatten=nn.Flatten(),
            fc1=nn.Linear(128 * height * width, 1024),
            relu=nn.ReLU(),
            dropout=nn.Dropout(0.7),
            fc2=nn.Linear(1024, asked.num_classes),
        )
        for part in ("inception4a", "inception4d")
    }


def _plain(channels: int, width: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    return layers(conv=nn.Conv2d(channels, width, kernel, stride, kernel // 2), activation=nn.ReLU())


_PAPER = Paper("Szegedy et al.", 2014, "Going deeper with convolutions", "arXiv:1409.4842")
_TORCHVISION = renamed(
    (r"^(stage\d|head)\.", ""), (r"^auxiliary\.inception4a", "aux1"), (r"^auxiliary\.inception4d", "aux2")
)
_torchvisions = partial(Architecture, paper=_PAPER, accuracy=torchvision(69.778), names={"torchvision": _TORCHVISION})

NETWORKS = {
    "googlenet": Architecture(googlenet, _PAPER),
    "googlenet_aux": Architecture(partial(googlenet, auxiliary=True), _PAPER, note="with its auxiliary classifiers"),
    "googlenet_bn": _torchvisions(partial(googlenet, batch_norm=True), note="torchvision's googlenet, with batch norm"),
    "googlenet_bn_aux": _torchvisions(
        partial(googlenet, batch_norm=True, auxiliary=True), note="torchvision's googlenet with auxiliary classifiers"
    ),
}
