"""Poolings that torch.nn lacks: of the Euclidean length, with padding, and of the smallest value.

Sources: L2 pooling is in Le et al., "Building high-level features using large scale unsupervised learning", 2012,
arXiv:1112.6209; the smallest value is the erosion of grey-scale morphology.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.errors import SettingsError
from striate.layers.sizes import Sizes, expect_maps, expect_numbers, least_size, pair


class Pool2d(nn.Module):
    """What all poolings have: a window of `kernel_size` that moves on by `stride`, itself unless told otherwise.

    `padding`, at most half of the window, lies around the maps; each pooling says what stands there.
    """

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        self.kernel_size = pair("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else pair("stride", stride)
        self.padding = pair("padding", padding, least=0)
        if any(2 * pad > window for pad, window in zip(self.padding, self.kernel_size, strict=True)):
            raise SettingsError(
                f"padding is {self.padding} for a window of {self.kernel_size}; expected at most half of the window, "
                "so that none lies outside the maps"
            )

    def expect_room(self, maps: Tensor) -> None:
        """Raise SizeError if the window fits nowhere, and SettingsError if nothing is larger than something else."""
        expect_maps(maps, least=least_size(self.kernel_size, self.padding))
        expect_numbers(maps, or_whole=True)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class L2Pool2d(Pool2d):
    """y = √(Σ x²) over each window, 0 outside the maps: (N, C, H, W) to (N, C, H', W').

    Equal to torch.nn.LPPool2d(2), which takes no padding. Where a window is 0 all over, so is the gradient. The squares
    have the number format of the maps: in float16 those of values from 256 on overflow, those of values under 0.00017
    are 0, and from there to 0.008 digits are lost.

    Raises SettingsError for a window, stride or padding that makes no sense and for maps of whole numbers, SizeError
    for maps it does not fit on.

    >>> L2Pool2d(2)(torch.tensor([[[[3.0, 0.0], [0.0, 4.0]]]]))
    tensor([[[[5.]]]])
    """

    def forward(self, maps: Tensor) -> Tensor:
        self.expect_room(maps)
        expect_numbers(maps)
        energy = functional.avg_pool2d(  # (N, C, H', W'); a mean divided by 1 is a sum
            maps.square(), self.kernel_size, self.stride, self.padding, divisor_override=1
        )
        return energy.relu().sqrt()  # the root's gradient at 0 is infinite; that of ReLU there is 0 and stops it


class MinPool2d(Pool2d):
    """The smallest value of each window, +∞ outside the maps: (N, C, H, W) to (N, C, H', W').

    Raises SettingsError for a window, stride or padding that makes no sense and for maps of truth values, SizeError for
    maps it does not fit on.

    >>> MinPool2d(2)(torch.tensor([[[[6.0, 8.0], [3.0, 4.0]]]]))
    tensor([[[[3.]]]])
    """

    def forward(self, maps: Tensor) -> Tensor:
        self.expect_room(maps)
        turned = torch.neg if maps.is_floating_point() else torch.bitwise_not  # -0 of uint8 would still be the smallest
        largest = functional.max_pool2d(turned(maps), self.kernel_size, self.stride, self.padding)  # (N, C, H', W')
        return turned(largest)
