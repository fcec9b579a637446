"""Brightness, contrast, saturation and hue changed a little, in this order (Howard 2013, arXiv:1312.5402, section 2.2).

Factors are drawn uniformly from 1 - b to 1 + b, the hue's turn from -h to h of the colour circle; `adjusting` has the
formulas. The paper takes the first three in random order; a fixed one does every image the same way and at once.
"""

from dataclasses import dataclass, replace

from striate.augmentation.adjusting import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation
from striate.augmentation.knobs import expect_number
from striate.augmentation.views import Views, floats
from striate.images.keyed import Draws


@dataclass(frozen=True)
class Colour:
    """The largest changes, either way. Gives float32; saturation and hue are of images with 3 channels only."""

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.0  # of the colour circle

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            expect_number(f"the colour's {name}", getattr(self, name), 0, 1)
        expect_number("the colour's hue, a share of the colour circle,", self.hue, 0, 0.5)

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch, each image in other colours; nothing moves."""
        images = floats(views.images)
        either_way = (draws.uniform("colour", 4) * 2 - 1).to(images.device, images.dtype)  # (N, 4)
        if self.brightness:
            images = adjust_brightness(images, 1 + self.brightness * either_way[:, 0], views.white)
        if self.contrast:
            images = adjust_contrast(images, 1 + self.contrast * either_way[:, 1], views.white)
        if self.saturation:
            images = adjust_saturation(images, 1 + self.saturation * either_way[:, 2], views.white)
        if self.hue:
            images = adjust_hue(images, self.hue * either_way[:, 3], views.white)
        return replace(views, images=images)
