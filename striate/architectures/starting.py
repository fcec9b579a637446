"""How trained layers start: weights drawn from the distribution that a paper names, biases at zero.

Weights on the meta device have no values to draw: they are passed over, since the first draw there costs a second.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

by_fan_out = partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu")  # He et al. 2015, equation 14


def start(
    network: nn.Module, draw: Callable[[Tensor], Tensor] = nn.init.kaiming_normal_, *, linear: bool = True
) -> None:
    """Let `draw` fill the weights of all convolutions, and of the fully connected layers if `linear`.

    If none is given, they start as in He et al. 2015 (arXiv:1502.01852), for ReLU and by their fan-in.

    >>> layer = nn.Linear(2, 2)
    >>> start(layer, nn.init.ones_)
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[1.0, 1.0], [1.0, 1.0]], [0.0, 0.0])
    """
    kinds = (nn.Conv2d, nn.Linear) if linear else (nn.Conv2d,)
    for layer in network.modules():
        if isinstance(layer, kinds) and not layer.weight.is_meta:
            draw(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
