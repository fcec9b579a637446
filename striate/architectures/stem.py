"""Which first layers a network has, without the import of torch, for the command line."""

from typing import Literal

Stem = Literal["paper", "small"]
"""`small`: the papers' stem for 32x32 images, one 3x3 convolution that keeps the size."""
