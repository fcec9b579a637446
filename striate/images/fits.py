"""The three ways to bring an image of any aspect to a given size."""

from typing import Literal

Fit = Literal["crop", "pad", "stretch"]
