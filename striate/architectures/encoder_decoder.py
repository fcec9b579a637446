"""A network for maps: its stages look from near to far, a decoder joins what they saw, a head makes K maps of it."""

from typing import Any

from torch import Tensor, nn

from striate.architectures.network import Network


class Decoder(nn.Sequential):
    """Parts that go back through the stages: each is given maps, and what the last stage not yet used has handed on."""

    def forward(self, seen: list[Any]) -> Tensor:
        maps = seen[-1][-1] if isinstance(seen[-1], tuple) else seen[-1]
        for part, across in zip(self, reversed(seen[: len(self)]), strict=True):
            maps = part(maps, across)
        return maps  # type: ignore[no-any-return]


class EncoderDecoder(Network):
    """Stages by name, then `decoder`, which is given the maps of all stages, first to last, and `head`: (N, K, H', W').

    >>> import torch
    >>> from striate.architectures.blocks import layers
    >>> stages = layers(fine=nn.Conv2d(3, 8, kernel_size=1), coarse=nn.MaxPool2d(2))
    >>> network = EncoderDecoder(stages, Decoder(), head=nn.Conv2d(8, 2, kernel_size=1))
    >>> network(torch.zeros(1, 3, 6, 6)).shape
    torch.Size([1, 2, 3, 3])
    >>> [(name, stride) for name, stride, maps in network.features(torch.zeros(1, 3, 6, 6))]
    [('fine', 1), ('coarse', 2)]
    """

    decoder: nn.Module

    def __init__(self, stages: nn.Sequential, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__(stages, head)
        self.decoder = decoder

    def forward(self, images: Tensor) -> Tensor:
        seen = []
        for stage in self.stages:
            images = stage(images)
            seen.append(images)
        return self.head(self.decoder(seen))  # type: ignore[no-any-return]
