"""Guided backpropagation: the gradient, of which each rectifier lets pass only what is positive on both ways.

Source: Springenberg, Dosovitskiy, Brox, Riedmiller 2014, "Striving for simplicity: the all convolutional net",
arXiv:1412.6806, section 3.4: where the value went through the ReLU and what comes back is positive.

When not to trust it: it is much the same picture for any class, even for random weights (Adebayo et al. 2018): it
restores the image's edges and looks better than it knows.
"""

from torch import Tensor, nn

from striate.explain.aim import Aim
from striate.explain.rectifiers import backward_by


def guided_backpropagation(network: nn.Module, images: Tensor, aim: Aim) -> Tensor:
    """Patterns (N, C, H, W), signed, of a neuron (without a place: where it is strongest) or of class numbers (N,).

    Holds the activations of all images at once. Raises StriateError for a network without a ReLU, and what `aimed`
    raises.
    """
    return backward_by(lambda gradient, _: gradient.clamp(min=0), network, images, aim)
