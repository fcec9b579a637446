"""RandAugment: n operations drawn from a visible table, all of magnitude m (Cubuk et al. 2019, arXiv:1909.13719).

Each image draws its own n of the 14 with equal chance, with repetition. At magnitude 10 the table's largest changes are
reached, at 0 none is made (but for autocontrast and equalise). Operations that have two directions draw one.

Where we differ from the authors' code: what comes into the frame is its edge or black, not grey; a magnitude always
strengthens (there solarise and posterise weaken, and the factor 0.1 + 0.18 m is 1 at m = 5; here it is 1 ± 0.09 m);
shifts are shares of the side, not pixels, so that one magnitude means the same for all sizes; m beyond 10, where the
formulas have no meaning, is refused. Moves that follow each other are one, as everywhere in `augmentation`.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from striate.augmentation.augmentation import Movement
from striate.augmentation.knobs import expect_number
from striate.augmentation.moving import Border, expect_border
from striate.augmentation.operations import CHANGES, MOVES
from striate.augmentation.pending import Pending
from striate.augmentation.views import floats
from striate.errors import expect_whole
from striate.images.keyed import Draws

_MOST_OPERATIONS = 14
_FULL = 10  # the magnitude of the table's largest changes


@dataclass(frozen=True)
class RandAugment(Movement):
    """How many operations, and how strong; the paper's best for ResNet-50 on ImageNet. Gives float32."""

    operations: int = 2
    magnitude: float = 9.0
    border: Border = "edge"

    def __post_init__(self) -> None:
        expect_whole("the number of operations", self.operations, _MOST_OPERATIONS)
        expect_number("the magnitude", self.magnitude, 0, _FULL)
        expect_border(self.border)

    def advance(self, pending: Pending, draws: Draws) -> Pending:
        """Each image under its own operations; moves are joined to those before, and the last ones left to be done."""
        chances = draws.uniform("randaugment", 2 * self.operations).view(-1, self.operations, 2)  # (N, n, 2)
        numbers = (chances[..., 0] * (len(MOVES) + len(CHANGES))).long()  # (N, n) places in the table
        strengths = torch.where(chances[..., 1] < 0.5, -1.0, 1.0).double() * (self.magnitude / _FULL)  # (N, n)
        for turn in range(self.operations):
            pending = self._move(pending, numbers[:, turn], strengths[:, turn])
            pending = _change(pending, numbers[:, turn] - len(MOVES), strengths[:, turn])
        return pending

    def _move(self, pending: Pending, numbers: Tensor, strengths: Tensor) -> Pending:
        """The images that drew a move have it pending."""
        maps = torch.eye(3, dtype=torch.float64).repeat(len(numbers), 1, 1)
        for number, move in enumerate(MOVES.values()):
            drawn = numbers == number
            maps[drawn] = move(pending.frame, strengths[drawn])
        return pending.then(maps, border=self.border)


def _change(pending: Pending, numbers: Tensor, strengths: Tensor) -> Pending:
    """The images that drew a change of their pixels have it, after the moves that were pending for them."""
    pending = pending.settle_some(numbers >= 0)
    views = pending.views
    images = floats(views.images).clone()
    for number, change in enumerate(CHANGES.values()):
        drawn = (numbers == number).nonzero()[:, 0]  # (M,)
        if len(drawn):
            places = drawn.to(images.device)
            own = strengths[drawn].to(images.device, torch.float32)
            images.index_copy_(0, places, change(images.index_select(0, places), own, views.white))
    return replace(pending, views=replace(views, images=images))
