"""The moving average of the weights over the steps, which is judged and kept in place of the last ones.

Source: Polyak and Juditsky 1992, SIAM J. Control Optim. 30(4); Tan and Le 2019, arXiv:1905.11946, section 5. After each
step
    v ← v + (1 − β)(w − v),  β = min(decay, (1 + step) / (10 + step))
where the second, as in TensorFlow's and timm's averages, lets a short run forget where it began.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn


class Average:
    """A second network, `network`, whose parameters are the average of another's; its buffers are the other's own.

    >>> learning = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(learning.weight)
    >>> average = Average(learning, decay=0.999)
    >>> _ = nn.init.ones_(learning.weight)
    >>> average.update(1)  # β = 2/11
    >>> round(average.network.weight.item(), 3)
    0.818
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._learning = network
        self._decay = decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights as they are after `step` steps, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        own: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(own, list[Tensor](self._learning.parameters()), 1 - decay)
        if buffers := list(self.network.buffers()):
            torch._foreach_copy_(buffers, list(self._learning.buffers()))
