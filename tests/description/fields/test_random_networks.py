"""Networks of random form: a span is never too small, and exact wherever it ends inside the image.

At the border it may be too large: where a stride leaves the last pixels out, the arithmetic counts those of the window
that would come next, which is padding.
"""

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from torch import nn

SIZE = 24
small, rate = some.integers(1, 4), some.integers(1, 2)


class Together(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.meet = nn.Conv2d(len(branches), 1, 1)

    def forward(self, maps):
        return self.meet(torch.cat([branch(maps) for branch in self.branches], 1))


def same(size, dilation):
    """A convolution of odd size that keeps the map as large as it is."""
    return nn.Conv2d(1, 1, 2 * size - 1, padding=dilation * (size - 1), dilation=dilation)


def window(size, stride, padding):
    return nn.Conv2d(1, 1, size, stride, min(padding, size - 1))


convolutions = some.builds(same, some.integers(1, 2), rate)
branches = some.lists(convolutions, min_size=1, max_size=3).map(lambda layers: nn.Sequential(*layers))
layers = some.one_of(
    convolutions,
    some.builds(window, small, rate, some.integers(0, 2)),
    some.builds(nn.AvgPool2d, small, rate),
    some.builds(lambda size, stride: nn.ConvTranspose2d(1, 1, size, stride), small, rate),
    some.builds(lambda mode: nn.Upsample(scale_factor=2, mode=mode), some.sampled_from(["nearest", "bilinear"])),
    some.builds(Together, branches, branches),
)


def agree(by_gradient, by_arithmetic):
    """Whether the gradient's span is in the other, and ends where it does unless that is at the border."""
    if by_gradient is None or by_arithmetic is None:
        return by_gradient is None
    (first, last), (low, high) = by_gradient, by_arithmetic
    return (first == low or low == 0 <= first) and (last == high or last <= high == SIZE - 1)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=some.lists(layers, min_size=1, max_size=4).map(lambda chosen: nn.Sequential(*chosen)))
def test_a_random_network_sees_what_its_gradient_reaches(network, compare):
    for unit, by_gradient, by_arithmetic in compare(network, (1, SIZE, SIZE)):
        assert all(map(agree, by_gradient, by_arithmetic)), (unit, by_gradient, by_arithmetic)
