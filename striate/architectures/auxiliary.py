"""Auxiliary classifiers: small heads on the way through a deep network, which push a gradient into it in training.

Source: Szegedy et al., "Going deeper with convolutions", 2014, arXiv:1409.4842, section 5: their losses are added with
a weight of 0.3, and at test time they are thrown away. The loss is `striate.tasks.classification.Classification`'s.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from striate.architectures.architecture import Declaration
from striate.architectures.blocks import layers
from striate.architectures.network import Network, left


class Scores(NamedTuple):
    """What a network with auxiliary heads gives in training."""

    scores: Tensor  # (N, K), of the head
    auxiliary: tuple[Tensor, ...]  # (N, K) each, of the heads on the way, the earliest first


class WithAuxiliary(Network):
    """A network with a head after some parts of its stages, by their names: (N, K), and `Scores` in training.

    >>> stages = layers(stem=layers(flatten=nn.Flatten(), first=nn.Linear(4, 3), relu=nn.ReLU()))
    >>> network = WithAuxiliary(stages, head=nn.Linear(3, 2), auxiliary={"first": nn.Linear(3, 2)})
    >>> scores, auxiliary = network(torch.zeros(5, 1, 2, 2))
    >>> scores.shape, [other.shape for other in auxiliary]
    (torch.Size([5, 2]), [torch.Size([5, 2])])
    >>> network.eval()(torch.zeros(5, 1, 2, 2)).shape
    torch.Size([5, 2])
    """

    head: nn.Module

    def __init__(self, stages: nn.Sequential, head: nn.Module, auxiliary: Mapping[str, nn.Module]) -> None:
        super().__init__(stages, head)
        self.auxiliary = nn.ModuleDict(auxiliary)

    def forward(self, images: Tensor) -> Tensor | Scores:
        if not self.training:
            return self.head(self.stages(images))  # type: ignore[no-any-return]
        maps, auxiliary = images, []
        for stage in self.stages:
            for name, part in stage.named_children():
                maps = part(maps)
                if name in self.auxiliary:
                    auxiliary.append(self.auxiliary[name](maps))
        return Scores(self.head(maps), tuple(auxiliary))


def pooled(asked: Declaration, stages: nn.Module, part: str, pool: nn.Module) -> torch.Size:
    """Channels, height and width that stages and the pooling of the head after a part leave. Raises SizeError.

    >>> stages = layers(stem=layers(first=nn.MaxPool2d(2)))
    >>> pooled(Declaration("quarters", 10, 3, (9, 16)), stages, "first", nn.AvgPool2d(2))
    torch.Size([3, 2, 4])
    """
    head = layers(**{part: layers(pool=pool)})
    return left(asked, layers(**dict(stages.named_children()), auxiliary=head))
