"""Convolutions in two smaller steps: rows after columns, or places before channels.

Sources: Sifre, "Rigid-motion scattering for image classification", 2014, section 6.2; Chollet, "Xception", 2016,
arXiv:1610.02357; Howard et al., "MobileNets", 2017, arXiv:1704.04861; for kernels of low rank Jaderberg, Vedaldi,
Zisserman, 2014, arXiv:1405.3866.

Only the second step has biases: those of the first would come out as others of the second (all but at a padded border).
Weights start as torch's.
Letters: C channels in, K out, F window, R rank.
"""

from torch import Tensor, nn

from striate.layers.sizes import Sizes, expect_maps, expect_numbers, least_size, pair, whole


class SpatiallySeparableConv2d(nn.Module):
    """`vertical` F×1 from C to R maps, then `horizontal` 1×F from R to K: (N, C, H, W) to (N, K, H', W').

    R·F·(C + K) weights in place of C·K·F·F. With R = 1 = C = K it is every kernel that is a column times a row, as
    Sobel's; `striate.layers.splitting` finds the two steps of a given kernel.

    Args:
        in_channels, out_channels: C and K.
        kernel_size, stride, padding: of both steps together, in pixels; one number, or one for height and one for
            width.
        bias: whether each of the K maps has one.
        rank: R, the maps between the steps; K unless told otherwise.

    Raises SettingsError for a setting that is no such number and for maps of whole numbers, SizeError for maps of other
    channels or smaller than the window.

    >>> sum(p.numel() for p in SpatiallySeparableConv2d(1, 1, 3, bias=False).parameters())
    6
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        *,
        stride: Sizes = 1,
        padding: Sizes = 0,
        bias: bool = True,
        rank: int | None = None,
    ) -> None:
        super().__init__()
        in_channels, out_channels = whole("in_channels", in_channels), whole("out_channels", out_channels)
        between = out_channels if rank is None else whole("rank", rank)
        rows, columns = pair("kernel_size", kernel_size)
        down, across = pair("stride", stride)
        above, beside = pair("padding", padding, least=0)
        self.vertical = nn.Conv2d(in_channels, between, (rows, 1), (down, 1), (above, 0), bias=False)
        self.horizontal = nn.Conv2d(between, out_channels, (1, columns), (1, across), (0, beside), bias=bias)
        self._least = least_size((rows, columns), (above, beside))

    def forward(self, maps: Tensor) -> Tensor:
        expect_maps(maps, self.vertical.in_channels, self._least)
        expect_numbers(maps)
        columns = self.vertical(maps)  # (N, R, H', W)
        return self.horizontal(columns)  # type: ignore[no-any-return]  # (N, K, H', W')


class DepthwiseSeparableConv2d(nn.Module):
    """`depthwise` F×F on each map alone, then `pointwise` 1×1 across the maps: (N, C, H, W) to (N, K, H', W').

    C·F·F + C·K weights in place of C·K·F·F, and as many multiplies at each place: about F·F times fewer for large K.

    Args:
        in_channels, out_channels: C and K.
        kernel_size, stride, padding, dilation: of the depthwise step, in pixels; one number, or one for height and one
            for width.
        bias: whether each of the K maps has one.

    Raises SettingsError for a setting that is no such number and for maps of whole numbers, SizeError for maps of other
    channels or smaller than the window.

    >>> sum(p.numel() for p in DepthwiseSeparableConv2d(2, 4, 3, bias=False).parameters())  # 3·3·2·4 = 72 in one step
    26
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        *,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        in_channels, out_channels = whole("in_channels", in_channels), whole("out_channels", out_channels)
        window, step, apart = pair("kernel_size", kernel_size), pair("stride", stride), pair("dilation", dilation)
        around = pair("padding", padding, least=0)
        self.depthwise = nn.Conv2d(
            in_channels, in_channels, window, step, around, apart, groups=in_channels, bias=False
        )
        self._least = least_size(window, around, apart)
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=bias)

    def forward(self, maps: Tensor) -> Tensor:
        expect_maps(maps, self.depthwise.in_channels, self._least)
        expect_numbers(maps)
        filtered = self.depthwise(maps)  # (N, C, H', W')
        return self.pointwise(filtered)  # type: ignore[no-any-return]  # (N, K, H', W')
