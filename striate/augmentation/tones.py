"""Tone curves: autocontrast, equalise, solarise and posterise, as Pillow's ImageOps have them, for any white.

Images are float32 (M, C, H, W) from 0 to `white`, which is 255 or 65535; each channel has its own curve.
"""

import torch
from torch import Tensor

_LEVELS = 256


def autocontrast(images: Tensor, white: float) -> Tensor:
    """(in - lowest) · white / (highest - lowest); a channel of one value stays as it is."""
    lowest, highest = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    span = highest - lowest
    stretched = (images - lowest) * (white / torch.where(span > 0, span, white))
    return torch.where(span > 0, stretched, images).clamp_(0, white)


def equalise(images: Tensor, white: float) -> Tensor:
    """Levels spread so that each is about equally frequent.

    With n_i pixels of level i (of 256), and s the whole part of (all - those of the highest level) / 255, level i
    becomes the whole part of (s/2 + n_0 + … + n_{i-1}) / s; a channel with s = 0 stays as it is. Where white is more
    than 255, or between two levels, the nearest of the 256 levels is meant.
    """
    count, channels = images.shape[:2]
    levels = (images * (255 / white)).round().long().view(count * channels, -1)  # (M·C, H·W)
    places = torch.arange(len(levels), device=images.device)[:, None] * _LEVELS
    counts = torch.bincount((levels + places).flatten(), minlength=len(levels) * _LEVELS).view(-1, _LEVELS)
    below = counts.cumsum(1) - counts  # n_0 + … + n_{i-1}
    of_highest = counts.gather(1, levels.amax(1, keepdim=True))
    step = (levels.shape[1] - of_highest) // 255  # (M·C, 1)
    curves = ((step // 2 + below) // step.clamp_min(1)).clamp_max(255)
    spread = curves.gather(1, levels).to(images.dtype) * (white / 255)
    return torch.where(step > 0, spread, images.view(levels.shape)).view(images.shape)


def solarise(images: Tensor, thresholds: Tensor, white: float) -> Tensor:
    """What is at least as bright as the threshold (M,), in units of the image, is inverted: white - in."""
    return torch.where(images >= thresholds.to(images.dtype).view(-1, 1, 1, 1), white - images, images)


def posterise(images: Tensor, bits: Tensor, white: float) -> Tensor:
    """Only the highest `bits` (M,) whole numbers of bits are kept, the others are 0."""
    steps = ((white + 1) / 2.0 ** bits.to(images.dtype)).view(-1, 1, 1, 1)
    return (images / steps).floor() * steps
