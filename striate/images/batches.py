"""A batch: what crosses from images to networks."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Prepared images (N, C, H, W), uint8 or uint16, and class numbers (N,), or tags (N, K)."""

    images: Tensor
    targets: Tensor

    def select(self, places: Tensor) -> "Batch":
        """The images at `places` (M,)."""
        return Batch(self.images.index_select(0, places), self.targets[places])

    def __len__(self) -> int:
        return len(self.targets)
