"""Rectangles of a given area and a drawn aspect that fit into a frame."""

import math

import torch
from torch import Tensor


def fit_rectangles(
    areas: Tensor, chances: Tensor, frame: tuple[int, int], *, narrowest: float, widest: float
) -> tuple[Tensor, Tensor]:
    """Widths and heights (N,) in pixels of rectangles that cover the `areas` (N,), shares of the frame.

    The aspect, width over height, is drawn by `chances` (N,) with its logarithm uniform from `narrowest` to `widest`,
    so that tall ones are as frequent as wide ones, among those with which the rectangle fits. Where none does, the
    rectangle has the nearest aspect and is made smaller until it fits.
    """
    height, width = frame
    pixels = areas * (height * width)
    most = torch.log(width**2 / pixels).clamp(math.log(narrowest), math.log(widest))
    least = torch.log(pixels / height**2).clamp(math.log(narrowest), math.log(widest))
    aspects = torch.exp(least + chances * (most - least))
    wide, high = torch.sqrt(pixels * aspects), torch.sqrt(pixels / aspects)  # (N,) each
    shrink = torch.minimum(width / wide, height / high).clamp_max(1)
    return wide * shrink, high * shrink


def inside_rectangles(rectangles: Tensor, frame: tuple[int, int]) -> Tensor:
    """Which pixels (N, H, W) lie in their image's rectangle (N, 4): left, top, right, bottom in whole pixels."""
    height, width = frame
    left, top, right, bottom = rectangles[:, :, None].unbind(1)  # (N, 1) each
    rows, columns = (torch.arange(side, device=rectangles.device) for side in (height, width))
    high = ((rows >= top) & (rows < bottom)).to(torch.uint8)  # (N, H)
    wide = ((columns >= left) & (columns < right)).to(torch.uint8)  # (N, W)
    return (high[:, :, None] * wide[:, None]).view(torch.bool)  # bytes are multiplied faster than bools are joined
