"""One operation as the rules see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from striate.description.fields.reach import Lost, Reach, shifted
from striate.description.operations import Arguments


@dataclass(frozen=True)
class Step:
    """An operation's arguments, those among them that depend on the image with their reach, and its first output."""

    known: Mapping[int, Reach]
    arguments: Arguments
    sources: Sequence[Tensor]
    output: Tensor

    def reach_of(self, source: Tensor) -> Reach:
        return self.known[id(source)]

    def reach(self, name: str = "self") -> Reach:
        """The reach of the one argument that may depend on the image here."""
        if any(source is not self.arguments[name] for source in self.sources):
            raise Lost
        return self.reach_of(self.arguments[name])

    def aligned(self) -> list[Reach]:
        """The reach of each source, its dimensions counted as those of the output, by broadcasting."""
        return [shifted(self.reach_of(source), self.output.dim() - source.dim()) for source in self.sources]

    def dim(self, name: str = "dim") -> int:
        """A dimension that is an argument, counted from the front."""
        dim, maps = self.arguments[name], self.arguments["self"]
        return int(dim % maps.dim())


Rule = Callable[[Step], Reach]
