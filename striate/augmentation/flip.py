"""Mirror images: left and right exchanged, or top and bottom.

out(x, y) = in(W - 1 - x, y) with probability `horizontal`; then out(x, y) = in(x, H - 1 - y) with `vertical`.
Left for right is the oldest augmentation of all (Krizhevsky et al. 2012, section 4.1); not for digits and letters.
Keypoints move, but keep their order: the left eye of a mirrored face is still the first if it was the first.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.augmentation.geometric import Geometric
from striate.augmentation.knobs import expect_number
from striate.augmentation.maps import Maps, about_centre, scaled
from striate.augmentation.pending import Pending, move_points
from striate.augmentation.views import Views, bits
from striate.images.keyed import Draws


@dataclass(frozen=True)
class Flip(Geometric):
    """The probabilities of the two mirrors. Integers stay integers, and every pixel keeps its value."""

    horizontal: float = 0.5
    vertical: float = 0.0

    def __post_init__(self) -> None:
        expect_number("the flip's horizontal probability", self.horizontal, 0, 1)
        expect_number("the flip's vertical probability", self.vertical, 0, 1)

    def maps(self, frame: tuple[int, int], draws: Draws) -> Maps:
        """-1 in the direction that is mirrored, about the middle."""
        across, down = (torch.from_numpy(np.where(chosen, -1.0, 1.0)) for chosen in self._drawn(draws))
        return about_centre(scaled(across, down), frame)

    def advance(self, pending: Pending, draws: Draws) -> Pending:
        """Joined to moves that are pending anyway; alone, done at once in the integers."""
        if pending.maps is None:
            return Pending(self.apply(pending.views, draws))
        return super().advance(pending, draws)

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch, some of it mirrored."""
        images, masks = bits(views.images), views.masks
        for chosen, axis in zip(self._drawn(draws), (-1, -2), strict=True):
            images = _mirror(images, chosen, axis)
            masks = None if masks is None else _mirror(masks, chosen, axis)
        return move_points(
            replace(views, images=images.view(views.images.dtype), masks=masks), lambda: self.maps(views.size, draws)
        )

    def _drawn(self, draws: Draws) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which images are mirrored each way (N,); in NumPy, which is quicker with few numbers."""
        chances = draws.uniform("flip", 2).numpy()  # (N, 2)
        return chances[:, 0] < self.horizontal, chances[:, 1] < self.vertical


def _mirror(images: Tensor, chosen: NDArray[np.bool_], axis: int) -> Tensor:
    """The images (N, ..., H, W), those `chosen` (N,) mirrored along an axis: whole images are copied, in two steps."""
    places = np.flatnonzero(chosen)  # (M,)
    if not len(places):
        return images
    mirrored = images.index_select(0, torch.from_numpy(places).to(images.device)).flip(axis)
    sources = np.arange(len(images))  # (N,)
    sources[places] = np.arange(len(images), len(images) + len(places))
    return torch.cat([images, mirrored]).index_select(0, torch.from_numpy(sources).to(images.device))
