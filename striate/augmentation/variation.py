"""Vary training images a little, a whole batch at a time on its device: turned, shifted and zoomed.

The claim: better accuracy on few images (benchmarks/results/train_digits.json has LeNet-5 on the digits with and
without).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Variation:
    """The largest change; each image draws its own, uniformly between none and this, either way."""

    degrees: float = 15.0
    shift: float = 0.1  # of the side
    zoom: float = 0.15  # of the size

    def apply(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Float images (N, C, H, W), each under its own similarity; the border is continued outwards."""
        draws = torch.rand(4, len(images), generator=generator).to(images.device) * 2 - 1  # (4, N)
        angle = draws[0] * math.radians(self.degrees)
        scale = 1 + draws[1] * self.zoom
        cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
        right, down = draws[2] * 2 * self.shift, draws[3] * 2 * self.shift  # the grid is 2 wide
        height, width = images.shape[2:]
        across, along = -sine * height / width, sine * width / height
        # the grid is 2 wide and 2 high whatever the image's aspect, and a turn must keep the pixels square
        matrix = torch.stack([cosine, across, right, along, cosine, down], dim=1).view(-1, 2, 3)  # (N, 2, 3)
        grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)  # (N, H, W, 2)
        return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
