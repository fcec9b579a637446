"""An image and the maps that explain it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Mapped(NamedTuple):
    """A prepared image (C, H, W), the class number asked about, what the network gives it, and its maps by method."""

    path: str
    image: NDArray[np.uint8]
    target: int
    probability: float
    maps: dict[str, Tensor]  # (H, W)
