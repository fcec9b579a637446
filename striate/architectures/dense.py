"""The ancestors: the linear classifier f = Wx + b and the two-layer network f = W2 max(0, W1 x + b1) + b2.

Source: the lectures' "Neural networks" (3072 -> 100 -> 10 on 32x32 colour images), after the papers in the catalogue,
whose units answer yes or no (Rosenblatt) or have the sigmoid (Rumelhart et al.). They have no stages, only a head.
"""

from functools import partial

from torch import nn

from striate.architectures.architecture import Architecture, Declaration, Paper
from striate.architectures.blocks import layers
from striate.architectures.network import Network


def dense(asked: Declaration, hidden: int = 0) -> Network:
    """A template as large as the image for every class, or for every hidden unit; without the maximum, one matrix."""
    values = asked.in_channels * asked.size[0] * asked.size[1]
    inner = {"hidden": nn.Linear(values, hidden), "relu": nn.ReLU()} if hidden else {}  # (N, hidden)
    head = layers(
        flatten=nn.Flatten(),  # (N, C*H*W)
        **inner,
        score=nn.Linear(hidden or values, asked.num_classes),  # (N, K)
    )
    return Network(nn.Sequential(), head)


_ROSENBLATT = Paper(
    "Rosenblatt",
    1958,
    "The perceptron: a probabilistic model for information storage and organization in the brain",
    "Psychological Review 65",
)
_RUMELHART = Paper("Rumelhart et al.", 1986, "Learning representations by back-propagating errors", "Nature 323")
_entry = partial(Architecture, num_classes=10, size=(32, 32))

NETWORKS = {
    "linear": _entry(dense, _ROSENBLATT, note="f = Wx + b, as in the lectures"),
    "mlp": _entry(
        partial(dense, hidden=100), _RUMELHART, note="ReLU, as in the lectures: f = W2 max(0, W1 x + b1) + b2"
    ),
}
