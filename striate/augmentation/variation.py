"""Vary training images a little: shifted, turned and zoomed, all in one similarity.

out(p) = in(c + R⁻¹(p - c) / z - s), R a turn, z a zoom and s a shift, each drawn uniformly between none and the most,
either way; c is the middle of the frame. The claim: better accuracy on few images
(benchmarks/results/train_digits.json has LeNet-5 on the digits with and without).
"""

import math
from dataclasses import dataclass

from striate.augmentation.geometric import Geometric
from striate.augmentation.knobs import expect_number
from striate.augmentation.maps import Maps, about_centre, scaled, shifted, turned
from striate.augmentation.moving import Border, expect_border
from striate.images.keyed import Draws


@dataclass(frozen=True)
class Variation(Geometric):
    """The largest change; what was beyond the frame is its edge, continued, or black (`zero`)."""

    degrees: float = 15.0
    shift: float = 0.1  # of the side
    zoom: float = 0.15  # of the size
    border: Border = "edge"

    def __post_init__(self) -> None:
        expect_number("the variation's degrees", self.degrees, 0, 180)
        expect_number("the variation's shift, a share of the side,", self.shift, 0, 1)
        expect_number("the variation's zoom, a share of the size,", self.zoom, 0, below=1)
        expect_border(self.border)

    def maps(self, frame: tuple[int, int], draws: Draws) -> Maps:
        """Shifted first, then turned and zoomed about the middle; pixels stay square."""
        angles, zooms, right, down = (draws.uniform("variation", 4) * 2 - 1).unbind(1)  # (N,) each
        scales = 1 + zooms * self.zoom
        height, width = frame
        similarity = turned(angles * math.radians(self.degrees)) @ scaled(scales, scales)
        return about_centre(similarity, frame) @ shifted(right * self.shift * width, down * self.shift * height)
