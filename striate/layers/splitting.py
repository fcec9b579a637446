"""A kernel as a column and a row that slide one after the other, or as a sum of such pairs, with its loss stated.

Source: Tai et al. 2015, arXiv:1511.06067 (the closed form); Jaderberg et al. 2014, arXiv:1405.3866 (scheme 2).
Letters: K kernels of C channels and F_h×F_w values, R the rank.
"""

from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.errors import SettingsError, SizeError
from striate.layers.sizes import whole


@dataclass(frozen=True, eq=False)
class LowRank:
    """A `vertical` kernel (R, C, F_h, 1), a `horizontal` one (K, R, 1, F_w), and what is lost by sliding these two.

    `error` is the Frobenius norm of the difference between the given and the rebuilt kernel, over that of the given.
    """

    vertical: Tensor
    horizontal: Tensor
    error: float

    @property
    def kernel(self) -> Tensor:
        """The kernel (K, C, F_h, F_w) that the two make together: Σ_r horizontal[k, r, 0, w]·vertical[r, c, h, 0]."""
        return _rebuilt(self.vertical, self.horizontal)

    def convolutions(self, like: nn.Conv2d) -> nn.Sequential:
        """Convolutions `vertical` and `horizontal` to stand where `like` stood, the convolution of the given kernel.

        Each takes stride, padding and dilation of its own axis; the bias comes last. All numbers are copies.

        Raises SizeError if the kernel of `like` is of another shape, SettingsError for another layer or for groups.
        """
        if not isinstance(like, nn.Conv2d) or like.groups != 1:
            given = f"groups={like.groups}" if isinstance(like, nn.Conv2d) else type(like).__name__
            raise SettingsError(f"{given} cannot be split into two convolutions; expected an nn.Conv2d with groups=1")
        if like.weight.shape != self.kernel.shape:
            expected, given = (" × ".join(map(str, shape)) for shape in (self.kernel.shape, like.weight.shape))
            raise SizeError(f"the convolution's kernel is {given}; expected {expected}, as the one that was split")
        vertical, horizontal = _convolution(self.vertical, like, 0), _convolution(self.horizontal, like, 1)
        vertical.bias, horizontal.bias = None, deepcopy(like.bias)
        return nn.Sequential(OrderedDict(vertical=vertical, horizontal=horizontal)).train(like.training)


def low_rank(kernel: Tensor, rank: int = 1) -> LowRank:
    """The nearest kernel to (K, C, F_h, F_w) that is a vertical and a horizontal one of R = `rank` maps between them.

    A kernel (F_h, F_w) counts as (1, 1, F_h, F_w). Laid out as a matrix of C·F_h rows and K·F_w columns, it is split by
    its R largest singular values, whose roots go to both sides; the sign of a pair is free. A place costs
    R·(C·F_h + K·F_w) multiplies instead of K·C·F_h·F_w, if the stride is 1.

    Raises SettingsError for a rank under 1 or over min(C·F_h, K·F_w), at which nothing is lost, and for values that are
    not finite; SizeError for a kernel of other axes.

    >>> sobel = low_rank(torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]))
    >>> column = sobel.vertical.flatten()
    >>> print(f"{sobel.error:.6f}", (column / column[0]).round())
    0.000000 tensor([1., 2., 1.])
    """
    exact = _checked(kernel)  # (K, C, F_h, F_w)
    outputs, channels, height, width = exact.shape
    rank = whole("rank", rank, most=min(channels * height, outputs * width))
    rows = exact.permute(1, 2, 0, 3).reshape(channels * height, outputs * width)
    left, values, right = torch.linalg.svd(rows, full_matrices=False)
    roots = values[:rank].sqrt()  # (R,)
    columns = (left[:, :rank] * roots).T.reshape(rank, channels, height, 1)
    lines = (right[:rank].T * roots).view(outputs, 1, width, rank).permute(0, 3, 1, 2)  # (K, R, 1, F_w)
    number_format = kernel.dtype if kernel.is_floating_point() else torch.get_default_dtype()
    vertical, horizontal = (kernel.to(number_format).contiguous() for kernel in (columns, lines))
    lost = (exact - _rebuilt(vertical.double(), horizontal.double())).norm()
    return LowRank(vertical, horizontal, float(lost / exact.norm()) if lost else 0.0)


def _checked(kernel: Tensor) -> Tensor:
    """The kernel as (K, C, F_h, F_w) in float64."""
    if kernel.dim() not in (2, 4) or not kernel.numel():
        raise SizeError(f"the kernel is of {tuple(kernel.shape)}; expected (F_h, F_w) or (K, C, F_h, F_w), none of 0")
    if not kernel.isfinite().all():
        raise SettingsError("the kernel has values that are not finite: give it without them")
    return (kernel if kernel.dim() == 4 else kernel[None, None]).detach().double()


def _rebuilt(vertical: Tensor, horizontal: Tensor) -> Tensor:
    return torch.einsum("rchx,krxw->kchw", vertical, horizontal)


def _convolution(kernel: Tensor, like: nn.Conv2d, axis: int) -> nn.Conv2d:
    """A convolution with the numbers of a kernel and, along one axis, the settings of another convolution."""

    def own(values: Sequence[int], elsewhere: int) -> tuple[int, int]:
        return (elsewhere, values[1]) if axis else (values[0], elsewhere)

    outputs, channels, height, width = kernel.shape
    made = nn.Conv2d(
        channels,
        outputs,
        (height, width),
        stride=own(like.stride, 1),
        padding=like.padding if isinstance(like.padding, str) else own(like.padding, 0),
        dilation=own(like.dilation, 1),
        padding_mode=like.padding_mode,
        device="meta",  # so that no numbers are drawn
    )
    made.weight = nn.Parameter(kernel.to(like.weight, copy=True), like.weight.requires_grad)
    return made
