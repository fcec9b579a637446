"""Batches: what crosses from images to networks, and the order in which training meets the images."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """uint8 images (N, C, H, W) and class numbers (N,)."""

    images: Tensor
    targets: Tensor

    def select(self, places: Tensor) -> "Batch":
        """The images at `places` (M,)."""
        return Batch(self.images[places], self.targets[places])

    def __len__(self) -> int:
        return len(self.targets)


def keyed_generator(*key: int) -> torch.Generator:
    """Random numbers that depend on the key alone: so a run that goes on draws what an undisturbed one draws."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))
