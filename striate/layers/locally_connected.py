"""A locally connected layer: a convolution that shares no weights, each place of its window has its own.

Source: LeCun, "Generalization and network design strategies", 1989; Taigman, Yang, Ranzato, Wolf, "DeepFace", 2014,
section 3, for faces that stand in the same place on every picture.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.arithmetic.windows import output_size
from striate.errors import SettingsError, SizeError
from striate.layers.layout import laid_as
from striate.layers.sizes import Sizes, expect_numbers, pair, whole

_MOST = 10**10  # weights: 40 GB


class LocallyConnected2d(nn.Module):
    """y[n,k,h,w] = Σ_cij weight[h,w,k,c,i,j] · x[n,c,S·h+i-P,S·w+j-P] + bias[k,h,w]: (N, C, *size) to (N, K, H, W).

    A window of F x F values moves on by S over maps with P zeros around them. Its H x W places are those of a
    convolution; so are the multiplies, H·W·K·C·F·F for one image. The parameters are H·W times a convolution's, as
    `striate.arithmetic.counts.locally_connected_parameters` has them, and start as those of torch's: uniform in
    ±1/√(C·F·F).

    Args:
        in_channels, out_channels: C and K.
        size: height and width of the maps that it takes, in pixels; no others fit its weights.
        kernel_size, stride, padding: of the window, in pixels; one number, or one for height and one for width.
        bias: whether each place of each map has one.

    Raises:
        SettingsError: a setting that is no such number, more than 10¹⁰ weights, or an input of whole numbers.
        SizeError: the window does not fit on `size`, or the input is not (N, C, *size), or (C, *size) of one image.

    >>> layer = LocallyConnected2d(3, 8, size=32, kernel_size=5, stride=3)
    >>> layer.weight.shape, layer(torch.zeros(2, 3, 32, 32)).shape
    (torch.Size([10, 10, 8, 3, 5, 5]), torch.Size([2, 8, 10, 10]))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: Sizes,
        kernel_size: Sizes,
        *,
        stride: Sizes = 1,
        padding: Sizes = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = whole("in_channels", in_channels), whole("out_channels", out_channels)
        self.size = pair("size", size)
        self.kernel_size, self.stride = pair("kernel_size", kernel_size), pair("stride", stride)
        self.padding = pair("padding", padding, least=0)
        axes = zip(self.size, self.kernel_size, self.stride, self.padding, strict=True)
        places = [output_size(length, window, stride=step, padding=pad) for length, window, step, pad in axes]
        shape = *places, self.out_channels, self.in_channels, *self.kernel_size
        if math.prod(shape) > _MOST:
            counts = " × ".join(map(str, shape))
            raise SettingsError(f"{counts} weights; expected at most {_MOST:,}: take smaller maps, or a convolution")
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(self.out_channels, *places)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Let the parameters start anew."""
        bound = 1 / math.sqrt(self.weight[0, 0, 0].numel())
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, maps: Tensor) -> Tensor:
        if maps.dim() not in (3, 4) or maps.shape[-3:] != (self.in_channels, *self.size):
            wanted = ", ".join(map(str, (self.in_channels, *self.size)))
            raise SizeError(
                f"maps are {tuple(maps.shape)}; a layer with weights for each place of (N, {wanted}) takes no others: "
                "resize the maps, or build it for their channels and size"
            )
        expect_numbers(maps)
        rows, columns = self.padding
        windows = functional.pad(maps, (columns, columns, rows, rows))
        for axis in range(2):  # a view: (N, C, H, W, F, F)
            windows = windows.unfold(maps.dim() - 2 + axis, self.kernel_size[axis], self.stride[axis])
        made = torch.einsum("...chwij,hwkcij->...khw", windows, self.weight)  # (N, K, H, W)
        return laid_as(made if self.bias is None else made + self.bias, maps)

    def extra_repr(self) -> str:
        window = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return f"{self.in_channels}, {self.out_channels}, size={self.size}, {window}, bias={self.bias is not None}"
