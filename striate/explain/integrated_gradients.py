"""Integrated gradients: what each pixel adds to the score on the way from an empty image to this one.

Source: Sundararajan, Taly, Yan 2017, "Axiomatic attribution for deep networks", arXiv:1703.01365, equation 1:
(x - x')·∫ ∂F(x' + α(x - x'))/∂x dα, α from 0 to 1, here by the midpoints of `steps` equal parts. Over all pixels it
adds up to F(x) - F(x'), in the limit: `missing` says by how much it does not.

When not to trust it: all is said against the empty image x'; where the picture has the colour of x' nothing is ever
found, and another x' gives another map.
"""

import torch
from torch import Tensor, nn

from striate.errors import expect_whole
from striate.explain.aim import Aim, aimed, pixel_gradient

_MOST = 100_000  # steps


def integrated_gradients(
    network: nn.Module, images: Tensor, targets: Aim, *, steps: int = 50, baseline: Tensor | float = 0.0
) -> Tensor:
    """Attributions (N, C, H, W), signed, against `baseline`: images of the same shape, or one value for all pixels.

    0 in normalised images is the mean of the training images. Holds one step of all images at once. Raises
    SettingsError for a number of steps that makes no sense, and what `saliency` raises.
    """
    expect_whole("steps", steps, _MOST)
    way = images - baseline
    total = torch.zeros_like(images)
    for step in range(steps):
        total += pixel_gradient(network, images - way * (1 - (step + 0.5) / steps), targets)
    return way * total / steps


def missing(
    network: nn.Module, images: Tensor, targets: Aim, attributions: Tensor, *, baseline: Tensor | float = 0.0
) -> Tensor:
    """By how much attributions (N, C, H, W) fall short of F(x) - F(x'), as a share of it (N,): 0 is complete."""
    with torch.no_grad():
        empty = torch.zeros_like(images) + baseline
        gained = aimed(network, images, targets) - aimed(network, empty, targets)
    return (gained - attributions.sum(dim=(1, 2, 3))).abs() / gained.abs()
