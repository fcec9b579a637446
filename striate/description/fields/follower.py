"""Follow the reach from tensor to tensor, by the rules of `rules`; what has no rule is named, and never guessed."""

from typing import Any

from torch import Tensor

from striate.description.fields.reach import Lost, Reach, ReceptiveField, image_reach, joined, receptive_field, settled
from striate.description.fields.rules import rule_of
from striate.description.fields.step import Step
from striate.description.meta import tensors_in
from striate.description.operations import Arguments, plain

_FRESH = {f"new_{what}" for what in ("empty", "empty_strided", "zeros", "ones", "full")}  # they take a shape alone
_FRESH |= {f"{what}_like" for what in ("empty", "zeros", "ones", "full", "rand", "randn", "randint")}


class Follower:
    """Holds the reach of every tensor that depends on the image; None where it is not known."""

    def __init__(self, image: Tensor) -> None:
        self._size = tuple(image.shape[2:])
        self._known: dict[int, tuple[Tensor, Reach | None]] = {}  # the tensors are kept, so that no id comes twice
        self._sharing: dict[int, list[int]] = {}  # tensors by their storage
        self._stale: dict[int, str] = {}  # tensors whose storage was written to otherwise, and by what
        self._fields: dict[Reach, ReceptiveField] = {}  # many tensors see alike
        self.lost: dict[str, None] = {}  # operations without a rule, ordered, without repetition
        self._keep(image, image_reach(self._size))

    def field(self, tensor: Tensor) -> ReceptiveField | None:
        """The receptive field of the tensor's units; None if it does not depend on the image, or is not known."""
        reach = self.reach(tensor)
        if reach is None:
            return None
        if reach not in self._fields:
            self._fields[reach] = receptive_field(reach, self._size)
        return self._fields[reach]

    def reach(self, tensor: Tensor) -> Reach | None:
        """The same, axis by axis, with the spans of all units."""
        return self._known.get(id(tensor), (tensor, None))[1]

    def follow(self, func: Any, arguments: Arguments, result: Any) -> None:
        """Work out the reach of what an operation made."""
        sources = [tensor for tensor in tensors_in(arguments.values()) if id(tensor) in self._known]
        outputs = tensors_in(result if isinstance(result, list | tuple) else (result,))
        if not sources or not outputs or func.overloadpacket.__name__ in _FRESH:
            return
        self.lost.update((self._stale[id(tensor)], None) for tensor in sources if id(tensor) in self._stale)
        reach: Reach | None = None
        known = {id(tensor): self._known[id(tensor)][1] for tensor in sources}
        if all(source is not None for source in known.values()):
            try:
                step = Step({key: source or () for key, source in known.items()}, arguments, sources, outputs[0])
                reach = settled(rule_of(func)(step), outputs[0])
            except Lost:
                self.lost[plain(func.overloadpacket.__name__)] = None
        written = arguments.get("self") if func._schema.is_mutable else None
        before = self.reach(written) if isinstance(written, Tensor) else None
        for output in outputs:
            self._keep(output, reach if output.dim() == outputs[0].dim() else None)
        if isinstance(written, Tensor) and before != reach:
            self._written(written, reach, plain(func.overloadpacket.__name__))

    def overwritten(self, tensor: Tensor, name: str) -> None:
        """The tensor stands for one that was written to before it came here."""
        self._keep(tensor, None)
        self._stale[id(tensor)] = name

    def _keep(self, tensor: Tensor, reach: Reach | None) -> None:
        if id(tensor) not in self._known:
            self._sharing.setdefault(tensor.untyped_storage()._cdata, []).append(id(tensor))
        self._known[id(tensor)] = (tensor, reach)
        self._stale.pop(id(tensor), None)

    def _written(self, target: Tensor, reach: Reach | None, name: str) -> None:
        """What is written to a tensor is written to its views and its base too: they see it beside what they saw.

        Where the units of the one do not lie as those of the other, it is not known what they see from here on.
        """
        base = target._base
        others = [self._known[key] for key in self._sharing.get(target.untyped_storage()._cdata, [])]
        if base is not None and id(base) not in self._known:
            others.append((base, reach))
        for other, before in others:
            if other is target:
                continue
            together = None
            try:
                if before is not None and reach is not None:
                    together = joined([before, _written_over(other, target, reach)])
            except Lost:
                pass
            self._keep(other, together)
            if together is None:
                self._stale[id(other)] = name


def _written_over(base: Tensor, view: Tensor, reach: Reach) -> Reach:
    """The reach of the one in the other. Raises Lost where one leaves out some of the places of the units."""
    dims = {part.dim for axis in reach for part in axis.parts}
    if view.dim() != base.dim() or any(view.shape[dim] != base.shape[dim] for dim in dims):
        raise Lost
    return reach
