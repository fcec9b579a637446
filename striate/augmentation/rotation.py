"""Turn images about their middle.

out(p) = in(R⁻¹(p - c) + c), R the turn by an angle drawn uniformly from -d to d degrees, c the middle of the frame.
"""

import math
from dataclasses import dataclass

from striate.augmentation.geometric import Geometric
from striate.augmentation.knobs import expect_number
from striate.augmentation.maps import Maps, about_centre, turned
from striate.augmentation.moving import Border, expect_border
from striate.images.keyed import Draws


@dataclass(frozen=True)
class Rotation(Geometric):
    """The largest turn either way; what was beyond the frame is its edge, continued, or black (`zero`)."""

    degrees: float = 15.0
    border: Border = "edge"

    def __post_init__(self) -> None:
        expect_number("the rotation in degrees", self.degrees, 0, 180)
        expect_border(self.border)

    def maps(self, frame: tuple[int, int], draws: Draws) -> Maps:
        """Pixels stay square, whatever the aspect of the image."""
        angles = draws.uniform("rotation", 1)[:, 0] * 2 - 1  # (N,)
        return about_centre(turned(angles * math.radians(self.degrees)), frame)
