"""A part of the image, enlarged to the whole: random area, aspect and place (Szegedy et al. 2014, section 6).

A share s of the area, uniform from `smallest` to `largest`, with an aspect whose logarithm is uniform from 1/`stretch`
to `stretch` of the result's, cut out where it fits; then out(x, y) = in(left + x · w / W', top + y · h / H'). The paper
and torchvision draw up to ten rectangles until one fits; here the aspect is drawn among those that fit.

Pixels are read bilinearly, without a filter before: a crop is mostly enlarged. It is made smaller only where `size` is
smaller than the crop, at most by the image's side over `size`; over twofold, pixels are left out.
"""

from dataclasses import dataclass

import torch

from striate.augmentation.geometric import Geometric
from striate.augmentation.knobs import expect_number, expect_ordered
from striate.augmentation.maps import Maps, scaled, shifted
from striate.augmentation.rectangles import fit_rectangles
from striate.errors import expect_whole
from striate.images.keyed import Draws

_LARGEST_SIDE = 10_000


@dataclass(frozen=True)
class ResizedCrop(Geometric):
    """Areas as shares of the image; the result is square with a side of `size` pixels, or as large as the image."""

    smallest: float = 0.08
    largest: float = 1.0
    stretch: float = 4 / 3
    size: int | None = None

    def __post_init__(self) -> None:
        expect_number("the crop's smallest share", self.smallest, 1e-6, 1)
        expect_number("the crop's largest share", self.largest, 1e-6, 1)
        expect_ordered("the crop's smallest and largest share", self.smallest, self.largest)
        expect_number("the crop's stretch", self.stretch, 1, 100)
        if self.size is not None:
            expect_whole("the crop's size in pixels", self.size, _LARGEST_SIDE)

    def result(self, frame: tuple[int, int]) -> tuple[int, int]:
        """The same for all images."""
        return frame if self.size is None else (self.size, self.size)

    def maps(self, frame: tuple[int, int], draws: Draws) -> Maps:
        """The crop's corner to the corner, its size to the result's."""
        height, width = frame
        result_height, result_width = self.result(frame)
        area, shape, across, down = draws.uniform("crop", 4).unbind(1)  # (N,) each
        aspect = result_width / result_height
        wide, high = fit_rectangles(
            self.smallest + area * (self.largest - self.smallest),
            shape,
            frame,
            narrowest=aspect / self.stretch,
            widest=aspect * self.stretch,
        )
        corner = shifted(-across * (width - wide), -down * (height - high))
        return scaled(result_width / wide, torch.true_divide(result_height, high)) @ corner
