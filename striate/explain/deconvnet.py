"""DeconvNet: a unit's activity sent back through the reversed network, to the pattern of pixels that it stands for.

Source: Zeiler, Fergus 2013, "Visualizing and understanding convolutional networks", arXiv:1311.2901, section 2.1:
unpooling puts each value where its maximum came from (the remembered switches), rectification lets what is positive
pass, and filtering uses the same filters, transposed. The first and the last are what the gradient does too; only the
rectifier differs, which here looks at what comes back alone and not at what went through. Where pooling windows overlap
and choose the same place, their values add up there.

When not to trust it: the pattern is that of this image, not of the unit; it is sharp because of the switches, and looks
much alike for other units and other classes (Mahendran, Vedaldi 2016, "Salient deconvolutional networks").
"""

from torch import Tensor, nn

from striate.explain.aim import Aim
from striate.explain.rectifiers import backward_by


def deconvnet(network: nn.Module, images: Tensor, aim: Aim) -> Tensor:
    """Patterns (N, C, H, W), signed, of a neuron (without a place: where it is strongest) or of class numbers (N,).

    The value 1 is sent back, not the unit's own: only the scale differs. Holds the activations of all images at once.
    Raises StriateError for a network without a ReLU, and what `aimed` raises.
    """
    return backward_by(lambda _, came: came.clamp(min=0), network, images, aim)
