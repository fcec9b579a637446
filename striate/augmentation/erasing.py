"""Random erasing: a rectangle of the image is painted over (Zhong et al. 2017, arXiv:1708.04896).

With probability p a rectangle that covers a share s of the image, uniform from `smallest` to `largest`, at a uniform
place; its aspect has a uniform logarithm from 1/`stretch` to `stretch`, among those that fit (the paper draws again
until one fits). Whole pixels are painted: `noise` of uniform values, the paper's best, `black`, or mid `grey`.

What cannot be seen is not asked for: masks become 255 there, and boxes and keypoints NaN that lie wholly inside.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from striate.augmentation.knobs import expect_number, expect_ordered
from striate.augmentation.moving import NOT_COUNTED
from striate.augmentation.rectangles import fit_rectangles, inside_rectangles
from striate.augmentation.views import Views, bits, choose
from striate.errors import SettingsError
from striate.images.keyed import Draws

Paint = Literal["noise", "black", "grey"]


@dataclass(frozen=True)
class Erasing:
    """How often, and how large a share of the image. Integers stay integers."""

    probability: float = 0.5
    smallest: float = 0.02
    largest: float = 0.4
    stretch: float = 1 / 0.3
    paint: Paint = "noise"

    def __post_init__(self) -> None:
        expect_number("the erasing's probability", self.probability, 0, 1)
        expect_number("the erasing's smallest share", self.smallest, 1e-6, 1)
        expect_number("the erasing's largest share", self.largest, 1e-6, 1)
        expect_ordered("the erasing's smallest and largest share", self.smallest, self.largest)
        expect_number("the erasing's stretch", self.stretch, 1, 100)
        if self.paint not in get_args(Paint):
            raise SettingsError(f"paint is {self.paint!r}; expected {', '.join(get_args(Paint))}")

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch, some of it painted over."""
        rectangles = self.rectangles(views.size, draws)
        inside = inside_rectangles(rectangles.to(views.images.device), views.size)  # (N, H, W)
        paint = self._paint(views, draws)
        painted = choose(inside[:, None], bits(paint), bits(views.images)).view(views.images.dtype)
        masks, boxes, keypoints = views.masks, views.boxes, views.keypoints
        return replace(
            views,
            images=painted,
            masks=None if masks is None else masks.masked_fill(inside, NOT_COUNTED),
            boxes=None if boxes is None else _hide(boxes, rectangles),
            keypoints=None if keypoints is None else _hide(keypoints, rectangles),
        )

    def rectangles(self, frame: tuple[int, int], draws: Draws) -> Tensor:
        """Left, top, right, bottom (N, 4) in whole pixels; an image that is spared has an empty one."""
        height, width = frame
        chosen, area, shape, across, down = draws.uniform("erase", 5).unbind(1)  # (N,) each
        wide, high = fit_rectangles(
            self.smallest + area * (self.largest - self.smallest),
            shape,
            frame,
            narrowest=1 / self.stretch,
            widest=self.stretch,
        )
        wide, high = wide.round().clamp_min(1), high.round().clamp_min(1)
        left, top = (across * (width - wide + 1)).floor(), (down * (height - high + 1)).floor()
        drawn = torch.stack([left, top, left + wide, top + high], dim=1)
        return torch.where(chosen[:, None] < self.probability, drawn, 0).long()

    def _paint(self, views: Views, draws: Draws) -> Tensor:
        """What is painted, in the images' kind of number and with a shape that stretches to theirs.

        The noise is one sheet for the epoch, to whose values (modulo white + 1) each image adds a number of its own.
        """
        colours = views.white + 1
        if self.paint != "noise":
            level = 0 if self.paint == "black" else colours // 2
            return _as_stored(torch.full((1, 1, 1, 1), level), views)
        shape = views.images.shape[1:]
        sheet = _sheet(draws.seed, draws.epoch, shape.numel())
        phases = draws.uniform("erase phase", 1)[:, :, None, None]  # (N, 1, 1, 1)
        first, second = (_as_stored(part * colours, views) for part in (sheet.view(1, *shape), phases))
        if views.images.is_floating_point():
            return (first + second) % colours
        return bits(first) + bits(second)  # (N, C, H, W); integers wrap around by themselves


@lru_cache(maxsize=2)
def _sheet(seed: int, epoch: int, values: int) -> Tensor:
    """Uniform numbers (1, values) in [0, 1), the same for a whole epoch."""
    return Draws(seed, epoch, np.zeros(1, np.int64)).uniform("erase sheet", values)


def _as_stored(values: Tensor, views: Views) -> Tensor:
    """Whole values in the kind of number of the images, and on their device."""
    return values.floor().to(torch.int32).to(views.images.device, views.images.dtype)


def _hide(points: Tensor, rectangles: Tensor) -> Tensor:
    """Boxes (N, B, 4) or keypoints (N, P, 2), NaN where they lie wholly inside their image's rectangle (N, 4)."""
    left, top, right, bottom = rectangles.to(points.device)[:, None, :, None].unbind(2)  # (N, 1, 1) each
    x, y = points[..., 0::2], points[..., 1::2]
    hidden = ((x >= left) & (x <= right) & (y >= top) & (y <= bottom)).all(-1, keepdim=True)
    occupied = (right > left) & (bottom > top)
    return torch.where(hidden & occupied, torch.nan, points)
