"""The three ways to bring an image of any aspect to a given size, and how pixels between pixels are made."""

from typing import Literal

Fit = Literal["crop", "pad", "stretch"]
Interpolation = Literal["nearest", "bilinear", "bicubic"]
