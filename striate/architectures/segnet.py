"""SegNet: VGG-16's convolutions and their mirror image, which puts each value back to where its maximum was.

Source: Badrinarayanan, Kendall, Cipolla, "SegNet: A deep convolutional encoder-decoder architecture for image
segmentation", 2015, arXiv:1511.00561, figure 2 and section 3; 29.45 million parameters; the widths of the decoder, its
last window and the 11 classes of CamVid are in the authors' published network. Sides from 360x480: 180x240, 90x120,
45x60, 22x30, 11x15, and back. SegNet-Basic has four stages of one 7x7 convolution with 64 maps and no bias, and no ReLU
in its decoder; a 1x1 convolution makes its scores. No bias is the paper's word; the authors' published network has one.

Where we differ, and why: a pooling drops the last row of an odd side, 22 of 45 (the authors' rounds up to 23), and
unpooling gives it back as zeros. The contrast of images is not normalised in the network. The encoder's parameters have
the names of `vgg16_bn`, so that trained ones fit. Weights start as in He et al. 2015 (arXiv:1502.01852).
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from striate.architectures.architecture import Architecture, Declaration, Paper
from striate.architectures.encoder_decoder import Decoder, EncoderDecoder
from striate.architectures.starting import start
from striate.architectures.vgg import numbered
from striate.layers.unpooling import Switches, SwitchPool2d, SwitchUnpool2d


class _Table(NamedTuple):
    """Widths of the convolutions of every stage, from the image down and up again, and what they are."""

    encoder: tuple[tuple[int, ...], ...]
    decoder: tuple[tuple[int, ...], ...]
    kernel: int
    last_kernel: int  # of the head
    bias: bool
    relu: bool  # in the decoder


_FULL = _Table(
    encoder=((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
    decoder=((512, 512, 512), (512, 512, 256), (256, 256, 128), (128, 64), (64,)),  # the head mirrors the first layer
    kernel=3,
    last_kernel=3,
    bias=True,
    relu=True,
)
_BASIC = _Table(((64,),) * 4, ((64,),) * 4, kernel=7, last_kernel=1, bias=False, relu=False)


class Encoding(nn.Sequential):
    """Convolutions with batch norm and ReLU, and a pooling that can say where it found its maxima."""

    def forward(self, maps: Tensor, *, switches: bool = False) -> Tensor | tuple[Switches, Tensor]:
        pooled, places = super().forward(maps)  # type: ignore[no-untyped-call]
        return (places, pooled) if switches else pooled


class Decoding(nn.Sequential):
    """Each value where its maximum was, and convolutions that fill the gaps."""

    def forward(self, maps: Tensor, given: tuple[Switches, Tensor]) -> Tensor:  # type: ignore[override]
        unpool, *convolutions = self
        maps = unpool(maps, given[0])
        for layer in convolutions:
            maps = layer(maps)
        return maps


class SegNet(EncoderDecoder):
    """Stages that hand on their maps, and a decoder that is given those and the switches of all poolings."""

    def forward(self, images: Tensor) -> Tensor:
        seen = []
        for stage in self.stages:
            places, images = stage(images, switches=True)
            seen.append((places, images))
        return self.head(self.decoder(seen))  # type: ignore[no-any-return]


def segnet(asked: Declaration, table: _Table) -> SegNet:
    """A stage for each row of the table, one of the decoder for each of its rows, and a convolution to K maps."""
    down = _rows(asked.in_channels, table.encoder, table, relu=True)
    stages = numbered(((*row, SwitchPool2d(2)) for row in down), Encoding)
    up = _rows(table.encoder[-1][-1], table.decoder, table, relu=table.relu)
    decoder = Decoder()
    for number, row in zip(range(len(table.decoder), 0, -1), up, strict=True):
        decoder.add_module(f"stage{number}", Decoding(SwitchUnpool2d(), *row))
    channels = table.decoder[-1][-1]
    head = nn.Conv2d(channels, asked.num_classes, table.last_kernel, padding=table.last_kernel // 2)
    network = SegNet(stages, decoder, head)
    start(network)
    return network


def _rows(channels: int, rows: tuple[tuple[int, ...], ...], table: _Table, *, relu: bool) -> Iterator[list[nn.Module]]:
    """Convolutions that keep the size, each with batch norm, and ReLU if asked."""
    for widths in rows:
        row: list[nn.Module] = []
        for width in widths:
            row.append(nn.Conv2d(channels, width, table.kernel, padding=table.kernel // 2, bias=table.bias))
            row += [nn.BatchNorm2d(width), nn.ReLU()] if relu else [nn.BatchNorm2d(width)]
            channels = width
        yield row


_PAPER = Paper(
    "Badrinarayanan et al.",
    2015,
    "SegNet: A deep convolutional encoder-decoder architecture for image segmentation",
    "arXiv:1511.00561",
)
_segnet = partial(Architecture, paper=_PAPER, num_classes=11, size=(360, 480), gives="maps")

NETWORKS = {
    "segnet": _segnet(partial(segnet, table=_FULL)),
    "segnet_basic": _segnet(partial(segnet, table=_BASIC), note="SegNet-Basic"),
}
