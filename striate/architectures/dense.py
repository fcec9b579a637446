"""The ancestors: the linear classifier f = Wx + b and the two-layer network f = W2 max(0, W1 x + b1) + b2.

Source: the lectures' "Neural networks" (3072 -> 100 -> 10 on 32x32 colour images). They have no stages, only a head.
"""

from torch import nn

from striate.architectures.architecture import Architecture, Declaration, Paper
from striate.architectures.blocks import layers
from striate.architectures.network import Network


def linear(asked: Declaration) -> Network:
    """Linear, f = Wx + b: one template as large as the image for every class."""
    head = layers(
        flatten=nn.Flatten(),  # (N, C*H*W)
        score=nn.Linear(_values(asked), asked.num_classes),  # (N, K)
    )
    return Network(nn.Sequential(), head)


def mlp(asked: Declaration) -> Network:
    """Two layers, f = W2 max(0, W1 x + b1) + b2 with 100 hidden units; without the maximum, one matrix."""
    head = layers(
        flatten=nn.Flatten(),  # (N, C*H*W)
        hidden=nn.Linear(_values(asked), 100),  # (N, 100)
        relu=nn.ReLU(),
        score=nn.Linear(100, asked.num_classes),  # (N, K)
    )
    return Network(nn.Sequential(), head)


def _values(asked: Declaration) -> int:
    return asked.in_channels * asked.size[0] * asked.size[1]


_FISHER = Paper("Fisher", 1936, "The use of multiple measurements in taxonomic problems", "Annals of Eugenics 7")
_RUMELHART = Paper("Rumelhart et al.", 1986, "Learning representations by back-propagating errors", "Nature 323")

NETWORKS = {
    "linear": Architecture(linear, _FISHER, 10, 3, (32, 32), "f = Wx + b"),
    "mlp": Architecture(mlp, _RUMELHART, 10, 3, (32, 32), "f = W2 max(0, W1 x + b1) + b2"),
}
