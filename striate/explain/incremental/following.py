"""The run of a network on masked copies of one image, by changed parts."""

from typing import Any

from torch import Tensor, nn

from striate.explain.incremental.boxes import Places
from striate.explain.incremental.masked import Follower, Masked
from striate.explain.incremental.rules import RULES


class Following:
    """A network whose maps are followed; holds those of the last image without a mask, and weights laid out."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._follower = Follower(network, RULES)

    def answers(self, image: Tensor, low: Places, high: Places, fill: float) -> Any:
        """What the network answers to the image (1, C, H, W) with rows and columns low[b] to high[b] (B, 2) filled.

        Raises NotFollowed, and whatever the network raises on tensors that are not what they say.
        """
        answers = self._network(self._follower.masked(image, low, high, fill))
        return answers.full() if isinstance(answers, Masked) else answers

    @property
    def dense_from(self) -> str:
        """The first operation that needed the full maps."""
        return self._follower.dense_from
