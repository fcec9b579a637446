"""Shifts by whole pixels: what recipes for CIFAR call "pad by 4 and crop" (He et al. 2015, section 4.2).

out(x, y) = in(x - right, y - down), each drawn uniformly from -p, …, p. Beyond the frame lies black (`zero`), the
mirrored image (`reflect`: the outermost pixel is not repeated), or the outermost pixel (`edge`).
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch

from striate.augmentation.augmentation import Movement
from striate.augmentation.maps import mirrored_maps, shifted
from striate.augmentation.moving import NOT_COUNTED
from striate.augmentation.pending import Pending, move_points
from striate.augmentation.sliding import slide
from striate.augmentation.views import bits
from striate.errors import SettingsError, expect_whole
from striate.images.keyed import Draws

ShiftBorder = Literal["zero", "reflect", "edge"]
_PADDING: dict[str, str] = {"zero": "constant", "reflect": "reflect", "edge": "replicate"}
_FARTHEST = 10_000


@dataclass(frozen=True)
class Shift(Movement):
    """The farthest shift in pixels, either way. Integers stay integers, and every pixel keeps its value."""

    pixels: int = 4
    border: ShiftBorder = "zero"

    def __post_init__(self) -> None:
        expect_whole("the shift in pixels", self.pixels, _FARTHEST, least=0)
        if self.border not in get_args(ShiftBorder):
            raise SettingsError(f"border is {self.border!r}; expected {', '.join(get_args(ShiftBorder))}")

    def advance(self, pending: Pending, draws: Draws) -> Pending:
        """Each image shifted at once, and mirrored if that is pending; other moves are done before.

        Raises SettingsError if a mirrored border is wider than the image.
        """
        chances = draws.uniform("shift", 2).numpy()  # (N, 2)
        steps = (chances * (2 * self.pixels + 1)).astype(np.int64) - self.pixels  # (N, 2) right, down
        views = pending.views if pending.maps is None else pending.settle()
        mirrored = np.zeros(len(views), bool) if pending.mirrored is None else pending.mirrored
        self._expect_room(views.size)
        images = slide(bits(views.images), steps, padding=_PADDING[self.border], mirrored=mirrored)
        masks = views.masks
        if masks is not None:
            masks = slide(masks[:, None], steps, padding="constant", value=NOT_COUNTED, mirrored=mirrored)[:, 0]
        slid = replace(views, images=images.view(views.images.dtype), masks=masks)
        return Pending(
            move_points(slid, lambda: shifted(*torch.from_numpy(steps).unbind(1)) @ mirrored_maps(mirrored, views.size))
        )

    def _expect_room(self, size: tuple[int, int]) -> None:
        if self.border == "reflect" and self.pixels >= min(size):
            raise SettingsError(
                f"a shift by {self.pixels} pixels needs a mirrored border wider than the image of {size[1]}×"
                f"{size[0]}; expected fewer pixels than a side has, or border zero or edge"
            )
