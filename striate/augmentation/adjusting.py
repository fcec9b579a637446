"""Brightness, contrast, saturation, hue and sharpness by a factor for each image: what Pillow's ImageEnhance does.

All but hue blend the image with a duller one: out = dull + f · (in - dull), clipped to 0 … white. f = 1 changes
nothing, 0 gives the dull one, more than 1 exaggerates. Images are float32 (M, C, H, W), factors (M,) beside them.
"""

import torch
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)  # of red, green, blue: ITU-R BT.601, as Pillow's convert("L") has it
_SECTORS = (5.0, 3.0, 1.0)  # of the colour circle, for red, green, blue


def adjust_brightness(images: Tensor, factors: Tensor, white: float) -> Tensor:
    """The dull image is black."""
    return (images * _each(factors)).clamp_(0, white)


def adjust_contrast(images: Tensor, factors: Tensor, white: float) -> Tensor:
    """The dull image is the mean grey, rounded to a whole level.

    The mean is of whole levels in float64, where a sum is exact, so that it does not depend on the order of adding.
    """
    levels = (grey(images) + 0.5).floor()  # (M, 1, H, W)
    mean = (levels.mean((1, 2, 3), keepdim=True, dtype=torch.float64) + 0.5).floor()
    return _blend(images, mean.to(images.dtype), factors, white)


def adjust_saturation(images: Tensor, factors: Tensor, white: float) -> Tensor:
    """The dull image is the grey one. Images of other than 3 channels have no saturation and stay as they are."""
    return _blend(images, grey(images), factors, white) if images.shape[1] == 3 else images


def adjust_sharpness(images: Tensor, factors: Tensor, white: float) -> Tensor:
    """The dull image is smoothed by (1 1 1, 1 5 1, 1 1 1) / 13; the outermost pixels stay as they are."""
    across = images[..., :-2] + images[..., 1:-1] + images[..., 2:]
    around = across[..., :-2, :] + across[..., 1:-1, :] + across[..., 2:, :]  # sums of 3×3
    smooth = images.clone()
    smooth[..., 1:-1, 1:-1] = (around + 4 * images[..., 1:-1, 1:-1]) / 13
    return _blend(images, smooth, factors, white)


def adjust_hue(images: Tensor, turns: Tensor, white: float) -> Tensor:
    """The hue turned by so much of the colour circle (M,): 1 is once around; value and saturation stay.

    With h the hue in sixths of the circle, v the largest and c the largest less the smallest of the three, a channel is
    v - c · clip(min(k, 4 - k), 0, 1), k = (n + h) mod 6, n = 5, 3, 1 for red, green, blue (Smith 1978, HSV, in one
    formula). Images of other than 3 channels have no hue and stay as they are.
    """
    if images.shape[1] != 3:
        return images
    value, chroma = images.amax(1), images.amax(1) - images.amin(1)  # (M, H, W)
    hue = _hue(images, value, chroma) + 6 * turns.to(images.dtype)[:, None, None]
    sectors = images.new_tensor(_SECTORS).view(-1, 1, 1)
    k = (sectors + hue[:, None]) % 6  # (M, 3, H, W)
    turned = value[:, None] - chroma[:, None] * torch.minimum(k, 4 - k).clamp_(0, 1)
    return turned.clamp_(0, white)


def grey(images: Tensor) -> Tensor:
    """The brightness (M, 1, H, W): of red, green and blue as eyes weigh them, of other channels the mean."""
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    brightness: Tensor = _LUMA[0] * images[:, :1] + _LUMA[1] * images[:, 1:2] + _LUMA[2] * images[:, 2:]
    return brightness


def _hue(images: Tensor, value: Tensor, chroma: Tensor) -> Tensor:
    """In sixths of the colour circle from red (M, H, W); 0 where there is no colour."""
    red, green, blue = images.unbind(1)
    safe = torch.where(chroma > 0, chroma, 1)
    of_green, of_blue = 2 + (blue - red) / safe, 4 + (red - green) / safe
    return torch.where(value == red, (green - blue) / safe, torch.where(value == green, of_green, of_blue))


def _blend(images: Tensor, dull: Tensor, factors: Tensor, white: float) -> Tensor:
    return (dull + _each(factors) * (images - dull)).clamp_(0, white)


def _each(factors: Tensor) -> Tensor:
    """A factor for every image, beside (M, C, H, W)."""
    return factors.to(torch.float32).view(-1, 1, 1, 1)
