"""What moves under an affine map: images and masks are read where their pixels come from, boxes and keypoints carried.

Images are read bilinearly from the four nearest pixels, without a filter before: a map that shrinks more than twofold
leaves pixels out, so make the images smaller (`Geometry`, antialiased) before augmenting. Masks take the nearest.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from striate.augmentation.maps import Maps, inverse
from striate.augmentation.views import floats
from striate.errors import SettingsError

Border = Literal["edge", "zero"]
_PADDING = {"edge": "border", "zero": "zeros"}
NOT_COUNTED = 255  # in masks
_CORNERS = ((0, 1), (2, 1), (2, 3), (0, 3))  # of left, top, right, bottom


def expect_border(border: str) -> None:
    """Raise SettingsError for a border that cannot be read beyond the frame."""
    if border not in _PADDING:
        raise SettingsError(f"border is {border!r}; expected {' or '.join(_PADDING)}")


def move_images(images: Tensor, maps: Maps, size: tuple[int, int], border: Border) -> Tensor:
    """Images (N, C, H, W) to float32 (N, C, *size); beyond the frame lies its edge, or zero."""
    grid = _origins(maps, images, size)
    return functional.grid_sample(floats(images), grid, padding_mode=_PADDING[border], align_corners=False)


def move_masks(masks: Tensor, maps: Maps, size: tuple[int, int]) -> Tensor:
    """Masks (N, H, W) to (N, *size): the class of the nearest pixel, 255 beyond the frame."""
    counted = masks[:, None].float() - NOT_COUNTED  # (N, 1, H, W), and what lies beyond is read as 0
    moved = functional.grid_sample(counted, _origins(maps, counted, size), mode="nearest", align_corners=False)
    return (moved[:, 0] + NOT_COUNTED).to(torch.uint8)


def move_boxes(boxes: Tensor, maps: Maps, size: tuple[int, int]) -> Tensor:
    """Boxes (N, B, 4): their corners moved, the upright box around them, clipped; NaN where nothing is left."""
    height, width = size
    corners = torch.stack([boxes[..., corner] for corner in _CORNERS], dim=2)  # (N, B, 4, 2)
    moved = _carry(corners, maps)
    limits = moved.new_tensor([width, height])
    least = moved.amin(2).clamp_min(0)
    most = torch.minimum(moved.amax(2), limits)
    left_over = (most > least).all(-1, keepdim=True)
    return torch.where(left_over, torch.cat([least, most], dim=-1), torch.nan)


def move_keypoints(keypoints: Tensor, maps: Maps, size: tuple[int, int]) -> Tensor:
    """Keypoints (N, P, 2); NaN where one leaves the frame."""
    height, width = size
    moved = _carry(keypoints, maps)
    inside = ((moved >= 0) & (moved <= moved.new_tensor([width, height]))).all(-1, keepdim=True)
    return torch.where(inside, moved, torch.nan)


def _carry(points: Tensor, maps: Maps) -> Tensor:
    """Points (N, ..., 2) to where the maps take them, in their own precision."""
    own = maps.to(points.device, points.dtype).view(len(maps), *[1] * (points.ndim - 2), 3, 3)
    x, y = points[..., 0], points[..., 1]
    return torch.stack([own[..., row, 0] * x + own[..., row, 1] * y + own[..., row, 2] for row in (0, 1)], dim=-1)


def _origins(maps: Maps, images: Tensor, size: tuple[int, int]) -> Tensor:
    """Where each pixel of the result comes from (N, *size, 2), the frame of `images` being -1 to 1 either way.

    Written out in place of a product of matrices, whose last bits may depend on how many images there are.
    """
    height, width = images.shape[2:]
    scale = torch.tensor([[2 / width], [2 / height]], dtype=torch.float64)
    back = inverse(maps)[:, :2] * scale - torch.tensor([0.0, 0.0, 1.0])  # (N, 2, 3)
    across, down, start = back.to(images.device, torch.float32)[..., None, None].unbind(2)  # (N, 2, 1, 1) each
    rows, columns = (torch.arange(side, device=images.device) + 0.5 for side in size)
    origins = (down * rows[:, None] + start) + across * columns  # (N, 2, height, width)
    return origins.permute(0, 2, 3, 1)
