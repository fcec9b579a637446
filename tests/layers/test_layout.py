"""Memory layouts: what lies channels_last, and what is laid so."""

import pytest
import torch

from striate.layers.layout import laid_as, lies_channels_last

LAST = torch.channels_last


@pytest.mark.parametrize(
    ("maps", "last"),
    [
        (torch.zeros(2, 3, 4, 5), False),
        (torch.zeros(2, 3, 4, 5).to(memory_format=LAST), True),
        (torch.zeros(2, 4, 5, 3).movedim(-1, 1), True),
        (torch.zeros(2, 1, 4, 5).to(memory_format=LAST), False),  # one channel: both at once
        (torch.zeros(2, 3, 5, 4).mT, False),
        (torch.zeros(3, 4, 5), False),
        (torch.zeros(2, 3), False),
    ],
)
def test_maps_lie_channels_last_where_their_channels_are_neighbours(maps, last):
    assert lies_channels_last(maps) is last


@pytest.mark.parametrize("made_last", [False, True])
@pytest.mark.parametrize("maps_last", [False, True])
def test_what_is_made_lies_as_its_maps_do(made_last, maps_last):
    made, maps = (
        torch.randn(2, 3, 4, 5).to(memory_format=LAST if last else torch.contiguous_format)
        for last in (made_last, maps_last)
    )
    laid = laid_as(made, maps)
    assert torch.equal(laid, made)
    assert lies_channels_last(laid) is maps_last
    assert laid.is_contiguous() is not maps_last
