"""The convolution that may be given filters which whiten small patches of the images, in place of drawn ones.

Source: Page 2018, myrtle.ai/learn/how-to-train-your-resnet; Jordan 2024, arXiv:2404.00498, section 3.2. What its
filters become is computed from images by `striate.training.whitening`; until then it is a convolution like any.
"""

from torch import nn


class Whitening(nn.Conv2d):
    """(N, C, H, W) to (N, 2·C·k², H − k + 1, W − k + 1): each direction of a patch of k×k pixels, and its opposite.

    >>> Whitening(3, 2)
    Whitening(3, 24, kernel_size=(2, 2), stride=(1, 1))
    """

    bias: nn.Parameter  # which starts at 0

    def __init__(self, in_channels: int, kernel: int) -> None:
        super().__init__(in_channels, 2 * in_channels * kernel**2, kernel)
        nn.init.zeros_(self.bias)
