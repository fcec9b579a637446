"""U-Net: one path contracts the picture, another expands it again, and maps are handed across from one to the other.

Source: Ronneberger, Fischer, Brox, "U-Net: Convolutional networks for biomedical image segmentation", 2015,
arXiv:1505.04597, figure 1 and sections 2 and 3: 23 convolutions, 31,030,658 parameters. Sides from 572: 568, 280, 136,
64, 28 at the ends of the stages, then 52, 100, 196, 388: it names those pixels of a tile whose surroundings it sees.

Where we differ, and why: an odd side loses its last row or column in a pooling, where the paper asks for tiles that are
even at every pooling (12 more than a multiple of 16). Dropout stands at the ends of the fourth and the fifth stage, at
0.5, as in the authors' published network; the paper says no more than "at the end of the contracting path". Nothing
follows an up-convolution, as in figure 1; ports of the published network have a ReLU there.
`unet_same` pads every window and names all pixels, of sides from 16 on: where a pooling has dropped a row, a row of
zeros takes its place on the way back. `unet_same_bn` normalises after each 3x3 convolution, which then needs no bias.
Weights start as the paper says, from N(0, 2/n) where n values make one; in an up-convolution that is one of each map.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.architectures.architecture import Architecture, Declaration, Paper
from striate.architectures.blocks import layers
from striate.architectures.encoder_decoder import Decoder, EncoderDecoder
from striate.architectures.network import expect_to_fit
from striate.architectures.starting import start

_WIDTHS = (64, 128, 256, 512, 1024)  # channels of the five stages


class Joining(nn.Module):
    """2x2 up-convolution; the maps from across are put before it; 3x3, ReLU, 3x3, ReLU."""

    def __init__(self, channels: int, width: int, *, padded: bool, batch_norm: bool) -> None:
        super().__init__()
        self.padded = padded
        self.up = nn.ConvTranspose2d(channels, width, kernel_size=2, stride=2)
        self.convolutions = _convolutions(2 * width, width, padded=padded, batch_norm=batch_norm)

    def forward(self, maps: Tensor, across: Tensor) -> Tensor:
        maps = self.up(maps)  # (N, width, 2*H, 2*W)
        if self.padded:
            maps = _fitted(maps, across)
        else:
            across = _fitted(across, maps)
        return self.convolutions(torch.cat([across, maps], dim=1))  # type: ignore[no-any-return]


def unet(
    asked: Declaration, widths: tuple[int, ...] = _WIDTHS, *, padded: bool = False, batch_norm: bool = False
) -> EncoderDecoder:
    """Stages with a pooling before all but the first, one joining less, and a 1x1 convolution to K maps."""
    stages, decoder, channels = nn.Sequential(), Decoder(), asked.in_channels
    for number, width in enumerate(widths, start=1):
        pool = {"pool": nn.MaxPool2d(2)} if number > 1 else {}
        dropout = {"dropout": nn.Dropout(0.5)} if number > 3 else {}
        convolutions = _convolutions(channels, width, padded=padded, batch_norm=batch_norm)
        stages.add_module(f"stage{number}", layers(**pool, **dict(convolutions.named_children()), **dropout))
        channels = width
    for number, width in reversed(list(enumerate(widths[:-1], start=1))):
        decoder.add_module(f"joining{number}", Joining(widths[number], width, padded=padded, batch_norm=batch_norm))
    network = EncoderDecoder(stages, decoder, head=nn.Conv2d(widths[0], asked.num_classes, kernel_size=1))
    expect_to_fit(asked, network)
    _start(network)
    return network


def _convolutions(channels: int, width: int, *, padded: bool, batch_norm: bool) -> nn.Sequential:
    """3x3, ReLU, 3x3, ReLU, with batch norm before each ReLU if asked."""
    named: dict[str, nn.Module] = {}
    for number, before in enumerate((channels, width), start=1):
        named[f"conv{number}"] = nn.Conv2d(before, width, 3, padding=int(padded), bias=not batch_norm)
        if batch_norm:
            named[f"bn{number}"] = nn.BatchNorm2d(width)
        named[f"relu{number}"] = nn.ReLU()
    return layers(**named)


def _fitted(maps: Tensor, other: Tensor) -> Tensor:
    """Maps cropped, or padded with zeros, around their middle to the height and width of others."""
    rows, columns = other.shape[2] - maps.shape[2], other.shape[3] - maps.shape[3]
    return functional.pad(maps, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))


def _start(network: nn.Module) -> None:
    start(network)
    for layer in network.modules():
        if isinstance(layer, nn.ConvTranspose2d) and not layer.weight.is_meta:
            nn.init.normal_(layer.weight, std=(2 / layer.in_channels) ** 0.5)  # its windows do not meet
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


_PAPER = Paper(
    "Ronneberger et al.",
    2015,
    "U-Net: Convolutional networks for biomedical image segmentation",
    "arXiv:1505.04597",
)
_unet = partial(Architecture, paper=_PAPER, num_classes=2, in_channels=1, gives="maps")

NETWORKS = {
    "unet": _unet(unet, size=(572, 572)),
    "unet_same": _unet(partial(unet, padded=True), size=(512, 512), note="padded"),
    "unet_same_bn": _unet(partial(unet, padded=True, batch_norm=True), size=(512, 512), note="padded, with batch norm"),
}
