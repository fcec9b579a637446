"""What many families are made of: a convolution with its normalisation, branches side by side, the usual head."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from striate.arithmetic.windows import both_ends
from striate.layers.sizes import Sizes, pair


def convolution(
    channels: int,
    width: int,
    kernel: int | tuple[int, int] = 1,
    stride: int = 1,
    *,
    padding: int | tuple[int, int] | None = None,
    groups: int = 1,
    norm: bool = True,
    activation: Callable[[], nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Convolution without bias, batch normalisation, activation; padded to keep the size if `padding` is not given.

    Without `norm` it has a bias in place of the normalisation.

    >>> list(dict(convolution(3, 8, 3).named_children()))
    ['conv', 'bn', 'activation']
    """
    chain: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(
            channels, width, kernel, stride, _half(kernel) if padding is None else padding, groups=groups, bias=not norm
        )
    )
    if norm:
        chain["bn"] = nn.BatchNorm2d(width)
    if activation is not None:
        chain["activation"] = activation()
    return nn.Sequential(chain)


def layers(**named: nn.Module) -> nn.Sequential:
    """Layers one after another, by their names."""
    return nn.Sequential(OrderedDict(named))


def _half(kernel: int | tuple[int, int]) -> int | tuple[int, int]:
    return kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2)


class SamePadding(nn.Module):
    """Zeros around maps as TensorFlow's "SAME" has them: all values lie under a window, an odd zero comes after.

    >>> SamePadding(3, 2)(torch.ones(1, 1, 2, 3))[0, 0].tolist()
    [[0.0, 1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    """

    def __init__(self, kernel: Sizes, stride: Sizes, value: float = 0.0) -> None:
        super().__init__()
        self.kernel, self.stride, self.value = pair("kernel", kernel), pair("stride", stride), value

    def forward(self, maps: Tensor) -> Tensor:
        above, left = map(_same, maps.shape[2:], self.kernel, self.stride)
        return pad(maps, (*left, *above), value=self.value)  # (N, C, H + above + below, W + left + right)


def _same(side: int, kernel: int, stride: int) -> tuple[int, int]:
    return both_ends("same", side, kernel, stride=stride)


class Branches(nn.Sequential):
    """Ways of looking at the same maps, by name; their answers are stacked: (N, C, H, W) to (N, sum of widths, H', W').

    >>> both = Branches(OrderedDict(small=nn.Conv2d(4, 2, 1), large=nn.Conv2d(4, 3, 5, padding=2)))
    >>> both(torch.zeros(1, 4, 7, 7)).shape
    torch.Size([1, 5, 7, 7])
    """

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([branch(maps) for branch in self], dim=1)


class Residual(nn.Sequential):
    """Layers that learn what to add to their input: y = F(x) + x, (N, C, H, W) to the same.

    >>> Residual(nn.Identity())(torch.ones(1, 1, 1, 1)).item()
    2.0
    """

    def forward(self, maps: Tensor) -> Tensor:
        return maps + super().forward(maps)  # type: ignore[no-untyped-call, no-any-return]


def pooled_head(channels: int, num_classes: int, *, dropout: float = 0.0) -> nn.Sequential:
    """The average of each map, dropout if any, one matrix: (N, C, H, W) to (N, K)."""
    chain: OrderedDict[str, nn.Module] = OrderedDict(avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
    if dropout:
        chain["dropout"] = nn.Dropout(dropout)
    chain["fc"] = nn.Linear(channels, num_classes)
    return nn.Sequential(chain)


def dense_head(values: int, num_classes: int) -> nn.Sequential:
    """AlexNet's head: three matrices, the hidden two of 4096 with ReLU and dropout: (N, values) to (N, K)."""
    return layers(
        flatten=nn.Flatten(),
        fc6=nn.Linear(values, 4096),
        relu6=nn.ReLU(),
        dropout6=nn.Dropout(0.5),
        fc7=nn.Linear(4096, 4096),
        relu7=nn.ReLU(),
        dropout7=nn.Dropout(0.5),
        fc8=nn.Linear(4096, num_classes),
    )


def set_batch_norms(network: nn.Module, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
    """Give every batch normalisation the constants of a paper, in torch's meaning: momentum is the share of the new."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps, layer.momentum = eps, momentum
