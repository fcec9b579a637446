"""Tensors that share their values: what is written to one is seen in the others, whenever they were taken.

A field that is shown is never smaller than the true one, which is that of the larger window; not known is no lie.
"""

import pytest
import torch
from torch import nn

from striate.description.describing import describe

SMALL, LARGE = 3, 9


class Written(nn.Module):
    """Maps of a small and of a large window; a function writes one into the other, and the head looks at a part."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.small, self.large, self.head = self.window(SMALL), self.window(LARGE), nn.Conv2d(4, 2, 1)

    @staticmethod
    def window(size):
        return nn.Conv2d(3, 8, size, padding=size // 2)

    def forward(self, images):
        return self.head(self.function(self.small(images), self.large(images)))


def added_to_the_whole(small, large):
    part = small[:, :4]
    small.add_(large)
    return part


def added_to_a_part(small, large):
    small[:, :4].add_(large[:, :4])
    return small[:, :4]


def added_to_another_part(small, large):
    first, last = small[:, :6], small[:, 2:]
    last += large[:, 2:]
    return first[:, 2:]


def copied_into(small, large):
    buffer = torch.zeros_like(small)
    part = buffer[:, :4]
    buffer.copy_(small)
    buffer += large
    return part


def put_by_index(small, large):
    flat = small.flatten(2)
    small[:, :4] = large[:, :4]
    return flat.unflatten(2, small.shape[2:])[:, :4]


def given_to_out(small, large):
    part = small[:, :4]
    torch.mul(small, large, out=small)
    return part


def through_detach(small, large):
    part = small.detach()[:, :4]
    small.mul_(large)
    return part


def twice(small, large):
    part = small[:, :4]
    small.mul_(2)
    small.add_(large)
    small.relu_()
    return part


WAYS = (
    *(added_to_the_whole, added_to_a_part, added_to_another_part, copied_into),
    *(put_by_index, given_to_out, through_detach, twice),
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_is_written_later_never_shows_too_small_a_field(way):
    network = Written(way)
    image = torch.rand(1, 3, 24, 24, requires_grad=True)
    with torch.no_grad():
        changed = network(image)[0, :, 12, 12]
        for column, seen in ((12 + LARGE // 2, True), (12 + LARGE // 2 + 1, False)):  # torch's own word
            other = image.clone()
            other[..., column] += 100
            assert torch.equal(network(other)[0, :, 12, 12], changed) is not seen
    last = describe(network, 24).rows[-1]
    assert last.layer == "head"
    assert last.field is None or min(last.field.size) >= LARGE


def test_what_is_written_before_a_view_is_taken_is_followed():
    network = Written(lambda small, large: (small + large)[:, :4])
    assert describe(network, 24).rows[-1].field.size == (LARGE, LARGE)
