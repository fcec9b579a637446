"""Where the points of an image go: affine maps in homogeneous coordinates, composed by a product of matrices.

A map (3, 3) takes (x, y, 1) of the image to (x, y, 1) of the augmented one, in pixels: x grows to the right, y
downwards, the first pixel spans 0 to 1. There is one for each image, float64 and on the CPU: N · 9 numbers.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Maps = Tensor  # (N, 3, 3) float64


def unmoved(count: int) -> Maps:
    """Every point stays."""
    return torch.eye(3, dtype=torch.float64).repeat(count, 1, 1)


def shifted(right: Tensor, down: Tensor) -> Maps:
    """Moved by so many pixels (N,)."""
    maps = unmoved(len(right))
    maps[:, 0, 2], maps[:, 1, 2] = right, down
    return maps


def scaled(across: Tensor, down: Tensor) -> Maps:
    """Times so much (N,) in width and height; the top left corner stays, -1 mirrors."""
    maps = unmoved(len(across))
    maps[:, 0, 0], maps[:, 1, 1] = across, down
    return maps


def turned(radians: Tensor) -> Maps:
    """Turned by so much (N,) about the top left corner, anticlockwise for the eye."""
    maps = unmoved(len(radians))
    cosine, sine = torch.cos(radians), torch.sin(radians)
    maps[:, 0, 0], maps[:, 0, 1] = cosine, sine
    maps[:, 1, 0], maps[:, 1, 1] = -sine, cosine
    return maps


def sheared(across: Tensor, down: Tensor) -> Maps:
    """Slanted: x grows by `across` (N,) for each pixel down, y by `down` for each pixel to the right."""
    maps = unmoved(len(across))
    maps[:, 0, 1], maps[:, 1, 0] = across, down
    return maps


def about_centre(maps: Maps, size: tuple[int, int]) -> Maps:
    """The same map with the middle of the frame (height, width) in place of its top left corner."""
    middle_y, middle_x = (torch.full((len(maps),), side / 2, dtype=torch.float64) for side in size)
    return shifted(middle_x, middle_y) @ maps @ shifted(-middle_x, -middle_y)


def mirrored_maps(chosen: NDArray[np.bool_], size: tuple[int, int], axis: int = -1) -> Maps:
    """Left and right exchanged where `chosen` (N,), in a frame (height, width); or top and bottom, for axis -2."""
    signs = torch.from_numpy(np.where(chosen, -1.0, 1.0))
    same = torch.ones_like(signs)
    return about_centre(scaled(signs, same) if axis == -1 else scaled(same, signs), size)


def inverse(maps: Maps) -> Maps:
    """The way back, by Cramer's rule: the inverse of (A, t) is (A⁻¹, -A⁻¹t)."""
    a, b, c, d = maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1]
    right, down = maps[:, 0, 2], maps[:, 1, 2]
    area = a * d - b * c
    back = unmoved(len(maps))
    back[:, 0, 0], back[:, 0, 1], back[:, 0, 2] = d / area, -b / area, (b * down - d * right) / area
    back[:, 1, 0], back[:, 1, 1], back[:, 1, 2] = -c / area, a / area, (c * right - a * down) / area
    return back
