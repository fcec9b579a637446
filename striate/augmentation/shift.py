"""Shifts by whole pixels: what recipes for CIFAR call "pad by 4 and crop" (He et al. 2015, section 4.2).

out(x, y) = in(x - right, y - down), each drawn uniformly from -p, …, p. Beyond the frame lies black (`zero`), the
mirrored image (`reflect`: the outermost pixel is not repeated), or the outermost pixel (`edge`).
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from striate.augmentation.maps import shifted
from striate.augmentation.moving import NOT_COUNTED
from striate.augmentation.pending import move_points
from striate.augmentation.views import Views, bits
from striate.errors import SettingsError, expect_whole
from striate.images.keyed import Draws

ShiftBorder = Literal["zero", "reflect", "edge"]
_PADDING: dict[str, str] = {"zero": "constant", "reflect": "reflect", "edge": "replicate"}
_FARTHEST = 10_000


@dataclass(frozen=True)
class Shift:
    """The farthest shift in pixels, either way. Integers stay integers, and every pixel keeps its value."""

    pixels: int = 4
    border: ShiftBorder = "zero"

    def __post_init__(self) -> None:
        expect_whole("the shift in pixels", self.pixels, _FARTHEST, least=0)
        if self.border not in get_args(ShiftBorder):
            raise SettingsError(f"border is {self.border!r}; expected {', '.join(get_args(ShiftBorder))}")

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch, each image shifted. Raises SettingsError if a mirrored border is wider than the image."""
        if self.border == "reflect" and self.pixels >= min(views.size):
            raise SettingsError(
                f"a shift by {self.pixels} pixels needs a mirrored border wider than the image of {views.size[1]}×"
                f"{views.size[0]}; expected fewer pixels than a side has, or border zero or edge"
            )
        chances = draws.uniform("shift", 2).numpy()  # (N, 2)
        steps = (chances * (2 * self.pixels + 1)).astype(np.int64) - self.pixels  # (N, 2) right, down
        masks = views.masks
        slid = replace(
            views,
            images=self._slide(bits(views.images), steps, _PADDING[self.border]).view(views.images.dtype),
            masks=None if masks is None else self._slide(masks[:, None], steps, "constant", NOT_COUNTED)[:, 0],
        )
        return move_points(slid, lambda: shifted(*torch.from_numpy(steps).unbind(1)))

    def _slide(self, images: Tensor, steps: NDArray[np.int64], padding: str, value: int = 0) -> Tensor:
        """Images (N, C, H, W) padded, then cut out where each one's window lies.

        A window's rows are runs of W values somewhere in the padded memory. Seen as a matrix of all runs, one starting
        at each value, the rows are picked by number and copied whole: no index for each pixel.
        """
        count, channels, height, width = images.shape
        if not images.numel():
            return images
        padded = functional.pad(
            images, [self.pixels] * 4, padding, value if padding == "constant" else None
        ).contiguous()
        high, wide = padded.shape[2:]
        runs = padded.as_strided((padded.numel() - width + 1, width), (1, 1))
        window = (self.pixels - steps[:, 1]) * wide + self.pixels - steps[:, 0]  # (N,) its first value in a plane
        planes = torch.arange(count * channels, device=images.device).view(count, channels, 1) * (high * wide)
        lines = torch.arange(height, device=images.device) * wide
        rows = (torch.from_numpy(window).to(images.device)[:, None, None] + planes) + lines  # (N, C, H)
        return runs.index_select(0, rows.flatten()).view(images.shape)
