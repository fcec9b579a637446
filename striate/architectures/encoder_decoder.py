"""A network for maps: its stages look from near to far, a decoder joins what they saw, a head makes K maps of it."""

from torch import Tensor, nn

from striate.architectures.blocks import layers
from striate.architectures.network import Network


class EncoderDecoder(Network):
    """Stages by name, then `decoder`, which is given the maps of all stages, first to last, and `head`: (N, K, H', W').

    >>> import torch
    >>> class Last(nn.Module):
    ...     def forward(self, maps):
    ...         return maps[-1]
    >>> stages = layers(fine=nn.Conv2d(3, 8, kernel_size=1), coarse=nn.MaxPool2d(2))
    >>> network = EncoderDecoder(stages, Last(), head=nn.Conv2d(8, 2, kernel_size=1))
    >>> network(torch.zeros(1, 3, 6, 6)).shape
    torch.Size([1, 2, 3, 3])
    >>> [(name, stride) for name, stride, maps in network.features(torch.zeros(1, 3, 6, 6))]
    [('fine', 1), ('coarse', 2)]
    """

    def __init__(self, stages: nn.Sequential, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__(layers(**dict(stages.named_children()), decoder=decoder), head)

    def forward(self, images: Tensor) -> Tensor:
        *stages, decoder, head = self
        maps = []
        for stage in stages:
            images = stage(images)
            maps.append(images)
        return head(decoder(maps))  # type: ignore[no-any-return]
