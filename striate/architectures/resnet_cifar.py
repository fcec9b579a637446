"""ResNets for images of 32x32: one 3x3 convolution, three stages, and the average of 8x8 places.

Sources: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, arXiv:1512.03385, section 4.2 and
Table 6: 6n + 2 layers of 16, 32 and 64 maps, n units of two in each stage; 0.27 to 19.4 million parameters. Xie,
Girshick, Dollár, Tu, He, "Aggregated residual transformations for deep neural networks", 2016, arXiv:1611.05431,
section 5.3 and Table 7: 29 layers, 34.4 and 68.1 million. Sides from 32: 32, 32, 16, 8, 1; any other size works too.

Where we differ, and why: the zeros that fill up a shortcut stand half before and half after its channels, as in the
published weights of Y. Idelbayev (github.com/akamaster/pytorch_resnet_cifar10); the paper does not say where. ResNeXt
halves and projects as in `resnet`, which is its authors' code.
"""

from functools import partial

from torch import Tensor, nn
from torch.nn.functional import pad

from striate.architectures.architecture import Accuracy, Architecture
from striate.architectures.names import renamed
from striate.architectures.network import Network
from striate.architectures.resnet import DEEP, GROUPED, RULES, Part, basic, grouped, residual, resnet, small_stem


class Padding(nn.Module):
    """Every `stride`-th pixel of each row and column, and zeros for the channels that are missing: option A."""

    def __init__(self, channels: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = (outputs - channels) // 2
        self.after = outputs - channels - self.before

    def forward(self, maps: Tensor) -> Tensor:
        kept = maps[:, :, :: self.stride, :: self.stride]  # (N, channels, H/stride, W/stride)
        return pad(kept, (0, 0, 0, 0, self.before, self.after))  # (N, outputs, H/stride, W/stride)


_next = partial(resnet, depths=(3, 3, 3), width=256, stem=small_stem)
_entry = partial(Architecture, num_classes=10, size=(32, 32), note="for CIFAR")
_PEERS = {"akamaster": renamed(*RULES, (r"^fc\.", "linear."))}


def _thin(depth: int, shortcut: Part | None) -> partial[Network]:
    """A network of so many layers, two in each unit."""
    depths = 3 * ((depth - 2) // 6,)
    return partial(resnet, unit=residual(basic, shortcut), depths=depths, width=16, stem=small_stem, stem_width=16)


def _plain(depth: int) -> Architecture:
    return _entry(_thin(depth, None), DEEP, note="without shortcuts, for CIFAR")


def _residual(depth: int, error: float, of: str = "") -> Architecture:
    accuracy = Accuracy(100 - error, f"He et al. 2015, Table 6{of}", data="CIFAR-10")
    return _entry(_thin(depth, Padding), DEEP, accuracy=accuracy, names=_PEERS)


def _grouped(groups: int, error: float) -> Architecture:
    accuracy = Accuracy(100 - error, "Xie et al. 2016, Table 7, mean of 10 runs", data="CIFAR-10")
    return _entry(partial(_next, unit=residual(grouped(groups, 64))), GROUPED, accuracy=accuracy)


NETWORKS = {
    **{f"plain{depth}": _plain(depth) for depth in (20, 32, 44, 56)},
    "resnet20": _residual(20, 8.75),
    "resnet32": _residual(32, 7.51),
    "resnet44": _residual(44, 7.17),
    "resnet56": _residual(56, 6.97),
    "resnet110": _residual(110, 6.43, ", best of five"),
    "resnet1202": _residual(1202, 7.93),
    "resnext29_8x64d": _grouped(8, 3.65),
    "resnext29_16x64d": _grouped(16, 3.58),
}
