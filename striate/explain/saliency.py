"""Saliency: how strongly each pixel moves the score of a class.

Source: Simonyan, Vedaldi, Zisserman 2013, "Deep inside convolutional networks", arXiv:1312.6034, section 3: the largest
absolute value, over the channels, of the gradient of the class's score (before the softmax) with respect to the image.

When not to trust it: it says where a small change would matter, not what is there; saturated or busy networks give
noise.
"""

from torch import Tensor, nn

from striate.explain.aim import Aim, pixel_gradient


def saliency(network: nn.Module, images: Tensor, targets: Aim) -> Tensor:
    """Maps (N, H, W), not negative, for float images (N, C, H, W) and the class numbers (N,) asked about.

    Holds the activations of all images at once. Raises SizeError for a network without a score for each class,
    SettingsError for a class that is not there.
    """
    return strongest_channel(pixel_gradient(network, images, targets))


def strongest_channel(gradient: Tensor) -> Tensor:
    """Of gradients (N, C, H, W) the largest absolute value over the channels (N, H, W)."""
    return gradient.abs().amax(dim=1)
