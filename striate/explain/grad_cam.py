"""Grad-CAM: where in the last map of the network the evidence for a class lies.

Source: Selvaraju et al. 2016, "Grad-CAM", arXiv:1610.02391, equations 1 and 2: each channel of the map is weighted by
the mean, over its places, of the gradient of the class's score; of the sum what is positive is kept.

When not to trust it: it is as coarse as the map, a few cells each way, and shows where those units lie, which see far
more of the image than the cell that is drawn.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.explain.layers import watching
from striate.explain.scores import chosen


def grad_cam(network: nn.Module, images: Tensor, targets: Tensor, *, layer: str | None = None) -> Tensor:
    """Maps (N, h, w), not negative, of the size of the layer's, by default the network's last map of several places.

    Holds the activations of all images at once. Raises UnknownNameError for a layer that does not exist, SizeError for
    one that makes no map, and what `saliency` raises.
    """
    with torch.inference_mode(False):
        pixels = images.detach().clone().requires_grad_()
    with watching(network, layer) as watched:
        scores = chosen(network(pixels), targets)
        maps = watched.maps()
        (gradient,) = torch.autograd.grad(scores.sum(), maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
    return (weights * maps.detach()).sum(dim=1).relu()


def enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (N, h, w) enlarged to the image, (N, H, W), bilinearly between the centres of their cells."""
    return functional.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
