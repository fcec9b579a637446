"""RandAugment's table: what its 14 operations do at a strength from -1 to 1 (Cubuk et al. 2019, appendix).

At strength 1: 30 degrees, a shear of 0.3, a shift of 0.45 of the side, factors of 1 ± 0.9, solarised from 0, posterised
to 4 bits. Autocontrast, equalise and identity have no strength; solarise and posterise have no direction.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from striate.augmentation.adjusting import adjust_brightness, adjust_contrast, adjust_saturation, adjust_sharpness
from striate.augmentation.maps import Maps, about_centre, sheared, shifted, turned, unmoved
from striate.augmentation.tones import autocontrast, equalise, posterise, solarise

Frame = tuple[int, int]  # height, width in pixels

_DEGREES, _SHEAR, _SHIFT = 30.0, 0.3, 0.45
_ENHANCE, _BITS = 0.9, 4


def _enhance(adjust: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[[Tensor, Tensor, float], Tensor]:
    return lambda images, strengths, white: adjust(images, 1 + _ENHANCE * strengths, white)


def _shear(strengths: Tensor, frame: Frame, *, across: float, down: float) -> Maps:
    return about_centre(sheared(strengths * across, strengths * down), frame)


def _posterise(images: Tensor, strengths: Tensor, white: float) -> Tensor:
    return posterise(images, 8 - torch.round(_BITS * strengths.abs()), white)


# How points move in a frame, by strengths (M,): maps (M, 3, 3)
MOVES: dict[str, Callable[[Frame, Tensor], Maps]] = {
    "identity": lambda _frame, strengths: unmoved(len(strengths)),
    "rotate": lambda frame, strengths: about_centre(turned(strengths * math.radians(_DEGREES)), frame),
    "shear x": lambda frame, strengths: _shear(strengths, frame, across=_SHEAR, down=0),
    "shear y": lambda frame, strengths: _shear(strengths, frame, across=0, down=_SHEAR),
    "translate x": lambda frame, strengths: shifted(strengths * (_SHIFT * frame[1]), torch.zeros_like(strengths)),
    "translate y": lambda frame, strengths: shifted(torch.zeros_like(strengths), strengths * (_SHIFT * frame[0])),
}

# How pixels change: images (M, C, H, W), strengths (M,) and white
CHANGES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "autocontrast": lambda images, _strengths, white: autocontrast(images, white),
    "equalise": lambda images, _strengths, white: equalise(images, white),
    "solarise": lambda images, strengths, white: solarise(images, (1 - strengths.abs()) * (white + 1), white),
    "posterise": _posterise,
    "colour": _enhance(adjust_saturation),
    "contrast": _enhance(adjust_contrast),
    "brightness": _enhance(adjust_brightness),
    "sharpness": _enhance(adjust_sharpness),
}
