"""Upsampling that puts each value in one place and zeros elsewhere: a fixed one, or the one that a maximum came from.

Sources: Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2013, arXiv:1311.2901, section 2.1, for
the switches; Badrinarayanan, Kendall, Cipolla, "SegNet", 2015, arXiv:1511.00561, for a decoder that uses them.

Where we differ from torch.nn.MaxUnpool2d, and why: windows that overlap often choose the same place. There we write the
mean of their values, and hand each its share of the gradient; torch writes whichever comes last.
"""

from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.errors import SizeError
from striate.layers.layout import lies_channels_last
from striate.layers.pooling import Pool2d
from striate.layers.sizes import expect_maps, expect_numbers, whole


class BedOfNails(nn.Module):
    """Each value in the upper left of a cell of scale x scale, zeros elsewhere: (N, C, H, W) to (N, C, sH, sW).

    Raises SettingsError for a scale under 1, and SizeError for an input without height and width.

    >>> BedOfNails(2)(torch.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 0., 2., 0.],
              [0., 0., 0., 0.]]]])
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = whole("scale", scale)

    def forward(self, maps: Tensor) -> Tensor:
        expect_maps(maps)
        if lies_channels_last(maps):
            return self._spread(maps.movedim(1, -1), rows=1).movedim(-1, 1)
        return self._spread(maps, rows=maps.dim() - 2)

    def _spread(self, maps: Tensor, rows: int) -> Tensor:
        """The same for maps whose rows lie along dimension `rows` and their columns along the next."""
        apart = maps.unsqueeze(rows + 1).unsqueeze(rows + 3)  # (…, H, 1, W, 1, …)
        channels, zeros = (0, 0) * (maps.dim() - rows - 2), (0, self.scale - 1)  # torch counts from the last dimension
        cells = functional.pad(apart, (*channels, *zeros, 0, 0, *zeros))  # (…, H, scale, W, scale, …)
        return cells.flatten(rows + 2, rows + 3).flatten(rows, rows + 1)

    def extra_repr(self) -> str:
        return f"scale={self.scale}"


class Switches(NamedTuple):
    """Where the maxima were: `indices` (N, C, H', W') count the places of a map row by row; `size` is its (H, W).

    `overlap` says whether windows may have chosen the same place.
    """

    indices: Tensor
    size: tuple[int, int]
    overlap: bool = True


class SwitchPool2d(Pool2d):
    """The largest value of each window, and where it was: (N, C, H, W) to (N, C, H', W') and `Switches`.

    Nothing stands outside the maps. Raises SettingsError for a window, stride or padding that makes no sense and for
    maps of truth values, SizeError for maps it does not fit on.

    >>> pooled, switches = SwitchPool2d(2)(torch.tensor([[[[6.0, 8.0], [3.0, 4.0]]]]))
    >>> pooled, switches
    (tensor([[[[8.]]]]), Switches(indices=tensor([[[[1]]]]), size=(2, 2), overlap=False))
    """

    def forward(self, maps: Tensor) -> tuple[Tensor, Switches]:
        self.expect_room(maps)
        height, width = maps.shape[-2:]
        pooled, indices = functional.max_pool2d_with_indices(maps, self.kernel_size, self.stride, self.padding)
        overlap = any(window > step for window, step in zip(self.kernel_size, self.stride, strict=True))
        return pooled, Switches(indices, (height, width), overlap)


class SwitchUnpool2d(nn.Module):
    """Each value back to where its maximum was, zeros elsewhere: (N, C, H', W') to (N, C, *switches.size).

    Several values for one place are written as their mean; that of equal ones is they, to the bit, so that unpooling
    what was pooled restores each maximum. Results are the same in every run; on a GPU, where values meet, only with
    torch.use_deterministic_algorithms.

    Raises SizeError if the maps do not have the shape of the switches, SettingsError for whole numbers where values may
    meet.

    >>> pooled, switches = SwitchPool2d(2)(torch.tensor([[[[6.0, 8.0], [3.0, 4.0]]]]))
    >>> SwitchUnpool2d()(pooled, switches)
    tensor([[[[0., 8.],
              [0., 0.]]]])
    """

    def forward(self, maps: Tensor, switches: Switches) -> Tensor:
        if maps.shape != switches.indices.shape:
            came, wanted = tuple(maps.shape), tuple(switches.indices.shape)
            raise SizeError(
                f"maps are {came} and the switches {wanted}: unpool maps of the shape that the pooling gave"
            )
        if switches.overlap:
            expect_numbers(maps)  # a mean of whole numbers is none
        if lies_channels_last(maps):
            last = switches._replace(indices=switches.indices.movedim(1, -1))
            return _put_back(maps.movedim(1, -1), last, rows=1).movedim(-1, 1)
        return _put_back(maps, switches, rows=maps.dim() - 2)


def _put_back(maps: Tensor, switches: Switches, rows: int) -> Tensor:
    """Unpool maps whose rows lie along dimension `rows` and their columns along the next."""
    values, places = maps.flatten(rows, rows + 1), switches.indices.flatten(rows, rows + 1)  # (…, H'·W', …)
    before, after = maps.shape[:rows], maps.shape[rows + 2 :]
    zeros = values.new_zeros(*before, prod(switches.size), *after)  # (…, H·W, …)
    scatter = _scatter_means if switches.overlap else torch.scatter
    return scatter(zeros, rows, places, values).view(*before, *switches.size, *after)


def _scatter_means(zeros: Tensor, dim: int, places: Tensor, values: Tensor) -> Tensor:
    """torch.scatter, where several values for one place are written as their mean."""
    sharing = zeros.scatter_add(dim, places, torch.ones_like(values)).gather(dim, places)  # values for the same place
    one = zeros.scatter(dim, places, values.detach().nan_to_num(0, 0, 0))  # of them, whichever, if it is finite
    apart = values - one.gather(dim, places)  # 0 for equal values: (v + v + v) / 3 would be rounded, v + 0 is not
    return one.scatter_add(dim, places, apart / sharing)
