"""A network's weights as pictures: what each unit is looking for, where weights lie in pixels or in maps.

Source: the lectures' "first-layer visualisation"; Krizhevsky et al. 2012, figure 3. A convolution shows its kernels; a
network whose first layer is fully connected shows one template as large as the image for each unit: a linear classifier
one for each class, a network with a hidden layer a bank of them.

When not to trust it: beyond the first layer weights no longer live in pixel space, and say little by themselves; nor do
templates of few images generalise, however clear they look. Weights are of normalised images, not of their colours.
"""

from math import prod

from torch import Tensor, nn

from striate.description.trace import trace
from striate.errors import SizeError, StriateError
from striate.explain.layers import module_of


def first_layer(network: nn.Module, image_shape: tuple[int, int, int]) -> str:
    """The name of the layer that sees the pixels of images (C, H, W): the first to run that has weights over them.

    Raises StriateError if the network has no convolution or fully connected layer there.
    """
    modules = dict(network.named_modules())
    for name in dict.fromkeys(operation.module for operation in trace(network, image_shape).operations):
        module = modules.get(name)
        if isinstance(module, nn.Conv2d) or (isinstance(module, nn.Linear) and module.in_features == prod(image_shape)):
            return name
    raise StriateError("the network has no convolution and no fully connected layer, so there are no filters to show")


def first_layer_filters(network: nn.Module, image_shape: tuple[int, int, int]) -> Tensor:
    """Weights (K, C, H, W) of the first layer that sees pixels; `image_shape` is (C, height, width).

    Raises StriateError if the network has no convolution or fully connected layer.
    """
    return kernels(network, first_layer(network, image_shape), image_shape)


def kernels(network: nn.Module, layer: str, image_shape: tuple[int, int, int] | None = None) -> Tensor:
    """The weights (K, C, h, w) of a convolution: of each of its K neurons for each of the C maps that it sees.

    A grouped convolution has the C of one group; of a transposed one a kernel is what each value is spread by. A fully
    connected layer that sees the pixels of images of `image_shape` has templates (K, C, H, W) of these. Raises
    UnknownNameError if there is no such layer, SizeError if it has no kernels.
    """
    module = module_of(network, layer)
    if isinstance(module, nn.ConvTranspose2d):
        before, made, *window = module.weight.shape
        grouped = module.weight.detach().view(module.groups, before // module.groups, made, *window)
        return grouped.transpose(1, 2).flatten(0, 1)
    if isinstance(module, nn.Conv2d):
        return module.weight.detach()
    if isinstance(module, nn.Linear) and image_shape is not None and module.in_features == prod(image_shape):
        return module.weight.detach().view(-1, *image_shape)
    raise SizeError(
        f"layer {layer!r} is a {type(module).__name__} and has no kernels (K, C, h, w); choose a convolution, or a "
        "fully connected layer that sees the pixels"
    )


def is_linear_classifier(network: nn.Module, image_shape: tuple[int, int, int]) -> bool:
    """Whether the network is one fully connected layer over the pixels, whose templates are those of its classes."""
    with_weights = [operation for operation in trace(network, image_shape).operations if operation.weights_read]
    return [operation.kind for operation in with_weights] == ["fully connected"]
