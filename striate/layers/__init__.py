"""The modules and transformations that torch.nn does not have: ordinary nn.Modules, (N, C, H, W) in any layout."""

from striate.layers.activations import Maxout, Softmax
from striate.layers.folding import fold
from striate.layers.fully_connected import as_convolution
from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.pairs import Pair, foldable
from striate.layers.pooling import L2Pool2d, MinPool2d
from striate.layers.separable import DepthwiseSeparableConv2d, SpatiallySeparableConv2d
from striate.layers.splitting import LowRank, low_rank
from striate.layers.squeeze import SqueezeExcitation
from striate.layers.unpooling import BedOfNails, Switches, SwitchPool2d, SwitchUnpool2d

__all__ = [
    "BedOfNails",
    "DepthwiseSeparableConv2d",
    "L2Pool2d",
    "LocallyConnected2d",
    "LowRank",
    "Maxout",
    "MinPool2d",
    "Pair",
    "Softmax",
    "SpatiallySeparableConv2d",
    "SqueezeExcitation",
    "SwitchPool2d",
    "SwitchUnpool2d",
    "Switches",
    "as_convolution",
    "fold",
    "foldable",
    "low_rank",
]
