"""The receptive fields of Araujo, Norris, Sim, "Computing receptive fields of convolutional neural networks", Distill
2019: AlexNet 195, VGG-16 212, ResNet-50 483 where its strides are TF-slim's. Where they are torchvision's, by
hand: 11 + 6·4 after the first block, + 8 + 3·16 after the second, + 16 + 5·32 and + 32 + 2·64, are 427.
"""

import pytest
from torch import nn

from striate.description.describing import describe


def chain(*windows):
    """Convolutions of one map, each (size, stride), padded to keep what the stride leaves."""
    return nn.Sequential(*(nn.Conv2d(1, 1, size, stride, size // 2) for size, stride in windows))


class Bottleneck(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.residual = chain((1, 1), (3, stride), (1, 1))
        self.shortcut = nn.Conv2d(1, 1, 1, stride)

    def forward(self, maps):
        shortcut = self.shortcut(maps)
        return shortcut + self.residual(maps)


def resnet50(*, stride_last):
    """Blocks of 3, 4, 6 and 3 units; each halves the map in the 3x3 of its first unit, or of the one before."""
    units = [Bottleneck(1) for _ in range(16)]
    for first in (3, 7, 13):
        units[first - stride_last] = Bottleneck(2)
    return nn.Sequential(chain((7, 2), (3, 2)), *units)


ALEXNET = ((11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2))
VGG16 = (*((3, 1), (3, 1), (2, 2)) * 2, *((3, 1), (3, 1), (3, 1), (2, 2)) * 3)
NETWORKS = {
    "three 3x3 convolutions": (chain((3, 1), (3, 1), (3, 1)), 7, 1),
    "AlexNet": (chain(*ALEXNET), 195, 32),
    "VGG-16": (chain(*VGG16), 212, 32),
    "ResNet-50, the stride in the 3x3 of a block's first unit": (resnet50(stride_last=False), 427, 32),
    "ResNet-50 of TF-slim, the stride in the 3x3 of a block's last unit": (resnet50(stride_last=True), 483, 32),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_published_network_sees_as_many_pixels_as_its_paper_says(name):
    network, size, stride = NETWORKS[name]
    seen = describe(network, size=512, in_channels=1).rows[-1].field
    assert (seen.size, seen.stride, seen.whole) == ((size, size), (stride, stride), False)


@pytest.mark.parametrize(("name", "size"), [("alexnet", 195), ("vgg16", 212), ("resnet50", 427)])
def test_the_catalogue_has_the_same_networks(name, size):
    rows = describe(name, size=512).rows
    assert max(row.field.size[0] for row in rows if len(row.output) == 3 and not row.field.whole) == size
