"""Saliency: how strongly each pixel moves the score of a class.

Source: Simonyan, Vedaldi, Zisserman 2013, "Deep inside convolutional networks", section 3: the largest absolute value,
over the channels, of the gradient of the class's score (before the softmax) with respect to the image.

When not to trust it: it says where a small change would matter, not what is there; saturated or busy networks give
noise.
"""

import torch
from torch import Tensor, nn


def saliency(network: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    """Maps (N, H, W), not negative, for float images (N, C, H, W) and the class numbers (N,) asked about."""
    pixels = images.detach().clone().requires_grad_()
    scores = network(pixels).gather(1, targets[:, None]).sum()  # images do not touch each other: one backward for all
    (gradient,) = torch.autograd.grad(scores, pixels)
    return gradient.abs().amax(dim=1)
