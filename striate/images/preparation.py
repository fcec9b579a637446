"""What is done to every image before a network sees it: the same in training, evaluation and prediction, for ever."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.images.depth import WHITE_8, WHITE_16
from striate.images.geometry import Geometry

__all__ = ["Geometry", "Preparation"]

_BATCH = 256  # images


@dataclass(frozen=True)
class Preparation:
    """A geometry with known channels, and the mean and spread of the training images, in units of white = 1."""

    geometry: Geometry
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def white(self) -> int:
        """The number that is white in prepared images: 65535 if the geometry has a range, else 255."""
        return WHITE_8 if self.geometry.range is None else WHITE_16

    @classmethod
    def measured(cls, geometry: Geometry, images: NDArray[Any]) -> "Preparation":
        """The preparation of these training images (N, C, H, W), uint8 or uint16."""
        white = int(np.iinfo(images.dtype).max)
        mean, std = [], []
        for channel in range(images.shape[1]):
            counts, values = _counts(images[:, channel], white), np.arange(white + 1) / white
            average = float(counts @ values / counts.sum())
            mean.append(average)
            std.append(max(float(np.sqrt(counts @ (values - average) ** 2 / counts.sum())), 1 / white))
        return cls(replace(geometry, channels=images.shape[1]), tuple(mean), tuple(std))

    def normalise(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) of uint8, uint16 or floats to floats; the training images have mean 0 and deviation 1."""
        scale = 1 / (torch.tensor(self.std, device=images.device, dtype=torch.float64) * self.white)
        shift = -torch.tensor(self.mean, device=images.device, dtype=torch.float64) * self.white * scale
        floats = images.to(torch.float32, copy=True)  # then in place: memory is what this waits for
        return floats.mul_(scale.float().view(-1, 1, 1)).add_(shift.float().view(-1, 1, 1))

    def batches(self, images: Tensor) -> Iterator[Tensor]:
        """Normalised parts, in order, each small enough for any memory."""
        return (self.normalise(part) for part in torch.split(images, _BATCH))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self.geometry), "mean": self.mean, "std": self.std}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Preparation":
        """The inverse of `to_dict`."""
        height, width = values["size"]
        share = values.get("share", 1.0)  # which model files of version 1 do not have
        limits = values.get("range")  # nor this
        geometry = Geometry(
            (height, width),
            values["channels"],
            values["fit"],
            values["interpolation"],
            share,
            None if limits is None else (limits[0], limits[1]),
        )
        return cls(geometry, tuple(values["mean"]), tuple(values["std"]))


def _counts(images: NDArray[Any], white: int) -> NDArray[np.int64]:
    """How many pixels have each of the numbers 0..white: exact, in little memory."""
    counts = np.zeros(white + 1, np.int64)
    for start in range(0, len(images), _BATCH):
        counts += np.bincount(images[start : start + _BATCH].ravel(), minlength=white + 1)
    return counts
