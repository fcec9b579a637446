"""The first layer's weights as pictures: what each unit is looking for.

Source: the lectures' "first-layer visualisation"; Krizhevsky et al. 2012, figure 3. A convolution shows its kernels; a
network whose first layer is fully connected shows one template as large as the image for each unit.

When not to trust it: beyond the first layer weights no longer live in pixel space; nor do templates of few images
generalise, however clear they look.
"""

from math import prod

from torch import Tensor, nn

from striate.errors import StriateError


def first_layer_filters(network: nn.Module, image_shape: tuple[int, int, int]) -> Tensor:
    """Weights (K, C, H, W) of the first layer that sees pixels; `image_shape` is (C, height, width).

    Raises StriateError if the network has no convolution or fully connected layer.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            return module.weight.detach()
        if isinstance(module, nn.Linear) and module.in_features == prod(image_shape):
            return module.weight.detach().view(-1, *image_shape)
    raise StriateError("the network has no convolution and no fully connected layer, so there are no filters to show")
