"""What a method asks about: the score of a class for each image, or the value of one neuron."""

import torch
from torch import Tensor, nn

from striate.explain.layers import watching
from striate.explain.neuron import Neuron
from striate.explain.scores import class_scores

Aim = Tensor | Neuron  # class numbers (N,), or a unit


def aimed(network: nn.Module, images: Tensor, aim: Aim) -> Tensor:
    """Values (N,) for images (N, C, H, W), with their graph; of a neuron without a place that of its strongest.

    Raises what `class_scores` raises, UnknownNameError for a layer and SettingsError for a channel or place that is not
    there.
    """
    if isinstance(aim, Tensor):
        return class_scores(network, images, aim)
    with watching(network, aim.layer) as watched:
        network(images)
    made = watched.maps() if aim.place or watched.made is None else watched.made
    values = aim.values(made)
    return values if values.dim() == 1 else values.flatten(1).amax(dim=1)


def pixel_gradient(network: nn.Module, images: Tensor, aim: Aim) -> Tensor:
    """The gradient (N, C, H, W) of each image's value with respect to its pixels."""
    with torch.inference_mode(False), torch.enable_grad():
        pixels = images.detach().clone().requires_grad_()
        total = aimed(network, pixels, aim).sum()  # images do not touch each other: one backward for all
        (gradient,) = torch.autograd.grad(total, pixels)
    return gradient
