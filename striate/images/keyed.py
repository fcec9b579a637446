"""Random numbers that depend on a key alone: seed, epoch and image; not on who asks, when, or beside whom.

Each number is one output of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators")
whose state is the key: no state is carried from one number to the next, so any of them can be drawn first.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Draws:
    """What is drawn for the images `indices` (N,) of one epoch; each purpose has numbers of its own."""

    seed: int
    epoch: int
    indices: NDArray[np.int64]

    def uniform(self, purpose: str, count: int) -> Tensor:
        """(N, count) numbers in [0, 1), in float64 with 53 random bits each."""
        key = _mix(_mix(np.uint64(self.seed)) + np.uint64(self.epoch))
        key = _mix(key + np.uint64(zlib.crc32(purpose.encode())))
        images = _mix(key + self.indices.astype(np.uint64))[:, None]  # (N, 1)
        bits = _mix(images + np.arange(count, dtype=np.uint64) * _GOLDEN)
        return torch.from_numpy((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _mix(state: np.uint64 | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One step of SplitMix64, wrapping at 64 bits."""
    with np.errstate(over="ignore"):
        mixed = np.asarray(state, np.uint64) + _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        return np.asarray(mixed ^ (mixed >> np.uint64(31)))
