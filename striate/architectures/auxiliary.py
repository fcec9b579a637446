"""Auxiliary classifiers: small heads on the way through a deep network, which push a gradient into it in training.

Source: Szegedy et al., "Going deeper with convolutions", 2014, arXiv:1409.4842, section 5: their losses are added with
a weight of 0.3, and at test time they are thrown away. The loss is `striate.tasks.classification.Classification`'s.
"""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn

from striate.architectures.network import Network
from striate.errors import SettingsError


class Scores(NamedTuple):
    """What a network with auxiliary heads gives in training."""

    scores: Tensor  # (N, K), of the head
    auxiliary: tuple[Tensor, ...]  # (N, K) each, of the heads on the way, the earliest first


class WithAuxiliary(Network):
    """A network with a head after some of its stages, by their names: (N, K), and `Scores` in training.

    >>> import torch
    >>> from striate.architectures.blocks import layers
    >>> stages = layers(first=nn.Linear(4, 3), second=nn.ReLU())
    >>> network = WithAuxiliary(stages, head=nn.Linear(3, 2), auxiliary={"first": nn.Linear(3, 2)})
    >>> scores, auxiliary = network(torch.zeros(5, 4))
    >>> scores.shape, [other.shape for other in auxiliary]
    (torch.Size([5, 2]), [torch.Size([5, 2])])
    >>> network.eval()(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """

    def __init__(self, stages: nn.Sequential, head: nn.Module, auxiliary: Mapping[str, nn.Module]) -> None:
        super().__init__(stages, head)
        self.auxiliary = nn.ModuleDict(auxiliary)

    def forward(self, images: Tensor) -> Tensor | Scores:
        """Raises SettingsError in training if the stage of an auxiliary head is gone."""
        if not self.training:
            return self.head(self.stages(images))  # type: ignore[no-any-return]
        for name in self.auxiliary:
            if not hasattr(self, name):
                raise SettingsError(f"there is an auxiliary head after {name}, but no stage of this name")
        maps = self.maps(images)
        auxiliary = tuple(head(maps[name]) for name, head in self.auxiliary.items())
        return Scores(self.head(maps[next(reversed(maps))]), auxiliary)
