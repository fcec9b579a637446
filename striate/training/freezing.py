"""Transfer: the first stages of a network that has learnt elsewhere stay as they are, the rest learns on.

Yosinski et al. 2014, arXiv:1411.1792: early features are general, late ones are of their task. Frozen batch
normalisation keeps the statistics it came with: a layer none of whose parameters learns is in test mode.
"""

from collections import OrderedDict
from itertools import takewhile

from torch import Tensor, nn

from striate.architectures.network import Network
from striate.errors import SettingsError
from striate.training.recipe import ALL, NONE, STAGES


def parse_freeze(words: str, stages: int) -> int:
    """How many of a network's stages are frozen by `all`, `none` or `stages:N`. Raises SettingsError.

    >>> parse_freeze("stages:2", 5), parse_freeze("all", 5)
    (2, 5)
    """
    if words in (ALL, NONE):
        return stages if words == ALL else 0
    number = words.removeprefix(STAGES)
    if not words.startswith(STAGES) or not number.isdecimal() or not 0 < int(number) < stages:
        raise SettingsError(f"freeze is {words!r}; expected all, none, or stages:N with N from 1 to {stages - 1}")
    return int(number)


def freeze(network: Network, stages: int) -> None:
    """Let the first `stages` learn no more."""
    network.stages[:stages].requires_grad_(False)


def set_training(network: nn.Module) -> None:
    """Training mode, but for layers all of whose parameters are frozen."""
    network.train()
    for layer in network.modules():
        parameters = list(layer.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            layer.eval()


class Divided:
    """A network whose stages are all frozen, as what gives features (N, ...) and what learns to read them.

    What comes first in the head and is the same for an image each time, as pooling, belongs to the features.
    """

    def __init__(self, network: Network) -> None:
        layers = list(network.head.named_children()) if isinstance(network.head, nn.Sequential) else []
        fixed = OrderedDict(takewhile(lambda named: _fixed(named[1]), layers))
        self._network = network
        self.features = nn.Sequential(network.stages, nn.Sequential(fixed))
        self.head: nn.Module = nn.Sequential(OrderedDict(layers[len(fixed) :])) if layers else network.head

    def whole(self, head: nn.Module) -> dict[str, Tensor]:
        """The weights of the network with those of a head that has learnt."""
        return self._network.state_dict() | {f"head.{name}": tensor for name, tensor in head.state_dict().items()}


def _fixed(layer: nn.Module) -> bool:
    """Whether a layer does the same to an image whatever has been learnt."""
    return not any(True for _ in layer.parameters()) and not isinstance(layer, nn.modules.dropout._DropoutNd)
