"""Dilated VGG-16: windows with gaps instead of poolings see as much and keep the picture; a context module sees more.

Source: Yu, Koltun, "Multi-scale context aggregation by dilated convolutions", 2015, arXiv:1511.07122, Table 1 and
sections 2 to 4. Front-end: VGG-16 without its last two poolings, windows after each of them twice as far apart, nothing
padded: one value for each 8 pixels, which sees 380x380 of them; 134,346,581 parameters for 21 classes. So the images
are padded beforehand, by reflection, with 186 pixels at every border (`torch.nn.ReflectionPad2d(186)`): 512x512 become
884x884, and maps of 64x64. Context module: a value of its input grows to see 3x3, 5x5, 9x9, 17x17, 33x33, 65x65, 67x67,
67x67 of them; 64 C^2 weights in the basic form for C classes.

Where we differ, and why: the 33 values that the context module looks beyond the maps are zeros (the paper found zeros
and reflections alike). It starts as in equations 4 and 5, passing its input through; the noise that tells the maps of
the large form apart has a thousandth of the weights that pass (the paper: much less than they). The front-end starts
from Glorot & Bengio's uniform distribution, the paper's from trained weights: parameters of its convolutions have the
names of `vgg16`, so that those fit. Both modules train together; the paper also trains them one after the other.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from striate.architectures.architecture import Architecture, Declaration, Paper
from striate.architectures.blocks import layers
from striate.architectures.network import Network
from striate.architectures.starting import start
from striate.architectures.vgg import numbered

_STAGES = ((64, 2, 1), (128, 2, 1), (256, 3, 1), (512, 3, 1), (512, 3, 2))  # width, convolutions, dilation
_POOLINGS = 3  # VGG-16 has one more after each of the last two stages
_DILATIONS = (1, 1, 2, 4, 8, 16, 1)  # of the context module's 3x3 convolutions; a 1x1 follows
_BASIC = (1, 1, 1, 1, 1, 1, 1, 1)  # widths of the context module, in classes
_LARGE = (2, 2, 4, 8, 16, 32, 32, 1)
_NOISE = 1e-3  # of the weights that pass


def frontend(asked: Declaration) -> Network:
    """VGG-16's stages, its first two matrices as convolutions, and a 1x1 convolution to K maps."""
    stages = numbered(_rows(asked.in_channels))
    stages.add_module("stage6", _matrices())
    network = Network(stages, head=nn.Conv2d(4096, asked.num_classes, kernel_size=1))
    start(network, nn.init.xavier_uniform_)
    return network


def with_context(asked: Declaration, widths: tuple[int, ...]) -> Network:
    """The front-end, and after its K maps a context module."""
    front, seeing = frontend(asked), context(asked.num_classes, widths)
    return Network(front.stages, head=layers(scores=front.head, **dict(seeing.named_children())))


def context(classes: int, widths: tuple[int, ...] = _BASIC) -> nn.Sequential:
    """Table 1: 3x3 convolutions ever further apart, each with ReLU, and a 1x1; (N, C, H, W) to the same."""
    chain, channels = layers(padding=nn.ZeroPad2d(sum(_DILATIONS))), classes
    for number, (dilation, width) in enumerate(zip((*_DILATIONS, 1), widths, strict=True), start=1):
        last = number == len(widths)
        chain.add_module(f"conv{number}", nn.Conv2d(channels, width * classes, 1 if last else 3, dilation=dilation))
        if not last:
            chain.add_module(f"relu{number}", nn.ReLU())
        channels = width * classes
    start(chain, partial(_pass_through, classes=classes))
    return chain


def _rows(channels: int) -> Iterator[list[nn.Module]]:
    """Convolutions with ReLU, and a pooling; where VGG-16 has one more, nothing, so that numbers are as there."""
    for number, (width, convolutions, dilation) in enumerate(_STAGES, start=1):
        row: list[nn.Module] = []
        for _ in range(convolutions):
            row += [nn.Conv2d(channels, width, 3, dilation=dilation), nn.ReLU()]
            channels = width
        yield [*row, nn.MaxPool2d(2) if number <= _POOLINGS else nn.Identity()]


def _matrices() -> nn.Sequential:
    return layers(
        fc6=nn.Conv2d(512, 4096, kernel_size=7, dilation=4),
        relu6=nn.ReLU(),
        dropout6=nn.Dropout(0.5),
        fc7=nn.Conv2d(4096, 4096, kernel_size=1),
        relu7=nn.ReLU(),
        dropout7=nn.Dropout(0.5),
    )


def _pass_through(weight: Tensor, classes: int) -> Tensor:
    """Equation 5: C/width from every map of a class to every map of it, noise elsewhere; equation 4 if width is C."""
    width, channels, middle = weight.shape[0], weight.shape[1], weight.shape[2] // 2
    share = classes / width
    nn.init.normal_(weight, std=_NOISE * share if max(width, channels) > classes else 0.0)
    class_of = [torch.arange(maps) * classes // maps for maps in (width, channels)]
    with torch.no_grad():
        weight[:, :, middle, middle][class_of[0][:, None] == class_of[1]] = share
    return weight


_PAPER = Paper("Yu & Koltun", 2015, "Multi-scale context aggregation by dilated convolutions", "arXiv:1511.07122")
_dilated = partial(Architecture, paper=_PAPER, num_classes=21, size=(884, 884), gives="maps")

NETWORKS = {
    "dilated_frontend": _dilated(frontend, note="the front-end, VGG-16"),
    "dilated_context": _dilated(partial(with_context, widths=_BASIC), note="with the basic context module"),
    "dilated_context_large": _dilated(partial(with_context, widths=_LARGE), note="with the large context module"),
}
