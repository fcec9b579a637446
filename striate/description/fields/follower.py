"""Follow the reach from tensor to tensor, by the rules of `rules`; what has no rule is named, and never guessed."""

from typing import Any

from torch import Tensor

from striate.description.fields.reach import Lost, Reach, ReceptiveField, image_reach, joined, receptive_field, settled
from striate.description.fields.rules import rule_of
from striate.description.fields.step import Step
from striate.description.meta import tensors_in
from striate.description.operations import Arguments, plain


class Follower:
    """Holds the reach of every tensor that depends on the image; None where it is not known."""

    def __init__(self, image: Tensor) -> None:
        self._size = tuple(image.shape[2:])
        self._known: dict[int, tuple[Tensor, Reach | None]] = {}  # the tensors are kept, so that no id comes twice
        self._keep(image, image_reach(self._size))
        self.lost: dict[str, None] = {}  # operations without a rule, ordered, without repetition

    def field(self, tensor: Tensor) -> ReceptiveField | None:
        """The receptive field of the tensor's units; None if it does not depend on the image, or is not known."""
        reach = self._known.get(id(tensor), (tensor, None))[1]
        return None if reach is None else receptive_field(reach, self._size)

    def follow(self, func: Any, arguments: Arguments, result: Any) -> None:
        """Work out the reach of what an operation made."""
        sources = [tensor for tensor in tensors_in(arguments.values()) if id(tensor) in self._known]
        outputs = list(tensors_in(result if isinstance(result, list | tuple) else (result,)))
        if not sources or not outputs:
            return
        reach: Reach | None = None
        known = {id(tensor): self._known[id(tensor)][1] for tensor in sources}
        if all(source is not None for source in known.values()):
            try:
                step = Step({key: source or () for key, source in known.items()}, arguments, sources, outputs[0])
                reach = settled(rule_of(func)(step), outputs[0])
            except Lost:
                self.lost[plain(func.overloadpacket.__name__)] = None
        for output in outputs:
            self._keep(output, reach if output.dim() == outputs[0].dim() else None)
        if func._schema.is_mutable and isinstance(arguments.get("self"), Tensor):
            self._written(arguments["self"], reach)

    def _keep(self, tensor: Tensor, reach: Reach | None) -> None:
        self._known[id(tensor)] = (tensor, reach)

    def _written(self, view: Tensor, reach: Reach | None) -> None:
        """What is written into a part of a tensor becomes part of the tensor's reach."""
        base = view._base
        if base is None or base is view:
            return
        before = self._known.get(id(base), (base, reach))[1]
        try:
            together = None if before is None or reach is None or view.dim() != base.dim() else joined([before, reach])
        except Lost:
            together = None
        self._keep(base, together)
