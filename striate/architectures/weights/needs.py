"""What a declared network needs of a file: names, shapes, and on which axis a shape depends on classes or channels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from striate.architectures.architecture import Architecture, Declaration
from striate.architectures.names import Dialect, renamed
from striate.errors import PatternError

_VERSION_1 = renamed(  # model files of version 1 had no stages in front of the names, and GoogLeNet had others
    (r"^[^.]+\.", ""),
    (r"^(conv1)\.conv", r"\1"),
    (r"^conv2\.conv", "conv2_reduce"),
    (r"^conv3\.conv", "conv2"),
    (r"^inception(..)\.branch1\.conv", r"inception_\1.branch_1x1.0"),
    (r"^inception(..)\.branch2\.0\.conv", r"inception_\1.branch_3x3.0"),
    (r"^inception(..)\.branch2\.1\.conv", r"inception_\1.branch_3x3.2"),
    (r"^inception(..)\.branch3\.0\.conv", r"inception_\1.branch_5x5.0"),
    (r"^inception(..)\.branch3\.1\.conv", r"inception_\1.branch_5x5.2"),
    (r"^inception(..)\.branch4\.1\.conv", r"inception_\1.branch_pool.0"),
    (r"^fc\.", "linear."),
)
_VERSION_1_OF_VGG = renamed(
    (r"^stage\d", "features"),
    *((f"^head.fc{layer}", f"classifier.{place}") for layer, place in ((6, 0), (7, 3), (8, 6))),
)


class Zoo(NamedTuple):
    """All networks by name, what builds a declared one, and what is said of any that can be declared."""

    entries: Mapping[str, Architecture]
    build: Callable[[Declaration], nn.Module]
    architecture: Callable[[str], Architecture]


@dataclass(frozen=True)
class Needs:
    """Tensors of a declared network, without values, and what their shapes depend on."""

    declaration: Declaration
    zoo: Zoo = field(repr=False)

    @cached_property
    def network(self) -> nn.Module:
        """The network on the meta device."""
        return declared_on_meta(self.declaration, self.zoo)

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Its state, by our names."""
        return dict(self.network.state_dict())

    @property
    def dialects(self) -> dict[str, Dialect]:
        """All names under which its tensors are known, ours first."""
        published = self.zoo.architecture(self.declaration.name).names
        first = {"striate's version 1": _VERSION_1, "striate's version 1 of VGG": _VERSION_1_OF_VGG}
        return {"striate": list, **published, **first}

    @cached_property
    def classes(self) -> dict[str, int]:
        """The axis along which a tensor has a row for each class, of those that have."""
        return self._changed(num_classes=_other(self.declaration.num_classes))

    @cached_property
    def channels(self) -> dict[str, int]:
        """The axis along which a tensor has as many values for each channel of the images, of those that have."""
        return self._changed(in_channels=_other(self.declaration.in_channels))

    def _changed(self, **count: int) -> dict[str, int]:
        """The one axis on which each tensor is longer or shorter in the network that is declared otherwise."""
        try:
            others = declared_on_meta(replace(self.declaration, **count), self.zoo).state_dict()  # type: ignore[arg-type]
        except PatternError:  # its text says how many there are: nothing depends on the declaration
            return {}
        axes = {
            name: [axis for axis, length in enumerate(tensor.shape) if length != others[name].shape[axis]]
            for name, tensor in self.tensors.items()
        }
        return {name: found[0] for name, found in axes.items() if len(found) == 1}


def declared_on_meta(asked: Declaration, zoo: Zoo) -> nn.Module:
    """A declared network without values, for which no random number is drawn."""
    with torch.device("meta"):
        return zoo.build(asked)


def _other(count: int) -> int:
    return count - 1 if count > 1 else 2
