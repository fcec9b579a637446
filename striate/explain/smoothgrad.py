"""SmoothGrad: the saliency of an image, averaged over copies with a little noise.

Source: Smilkov, Thorat, Kim, Viégas, Wattenberg 2017, "SmoothGrad: removing noise by adding noise", arXiv:1706.03825:
the mean of the gradient at n draws of x + N(0, σ²), σ a share of the span of the image's values; 50 draws, 0.1 to 0.2.

When not to trust it: it is smoother than the gradient, which looks like knowledge; it answers for noisy images, which
the network may never have seen.
"""

import torch
from torch import Tensor, nn

from striate.errors import SettingsError, expect_whole
from striate.explain.aim import Aim, pixel_gradient
from striate.explain.saliency import strongest_channel

_MOST = 100_000  # draws


def smoothgrad(
    network: nn.Module, images: Tensor, targets: Aim, *, draws: int = 50, noise: float = 0.15, seed: int = 0
) -> Tensor:
    """Maps (N, H, W), not negative; `noise` is σ as a share of each image's span. Holds one draw of all images at once.

    Raises SettingsError for a number of draws or a share of noise that makes no sense, and what `saliency` raises.
    """
    expect_whole("draws", draws, _MOST)
    if not 0 <= noise < float("inf"):
        raise SettingsError(f"noise is {noise}; expected a share of the image's span, as 0.15")
    deviation = noise * (images.amax(dim=(1, 2, 3), keepdim=True) - images.amin(dim=(1, 2, 3), keepdim=True))
    chance = torch.Generator().manual_seed(seed)
    total = torch.zeros_like(images)
    for _ in range(draws):
        shaken = torch.randn(images.shape, generator=chance).to(images) * deviation
        total += pixel_gradient(network, images + shaken, targets)
    return strongest_channel(total / draws)
