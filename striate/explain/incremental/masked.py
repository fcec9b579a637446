"""A network run on the changed part of its maps, as it is written: torch hands operations to a tensor that knows it.

The network is called with a tensor that says it is a batch of images and holds a `Patch`. Operations with a rule
(`rules`) give such tensors again; any other gets the full maps, and what it makes of them is an ordinary tensor.
Modules, functions, in-place operations and modules used twice are all the same to that.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from striate.explain.incremental.boxes import Places
from striate.explain.incremental.convolving import Convolved, Kernel, Prepared
from striate.explain.incremental.patches import Patch, Reference, hidden

Rule = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
Kept = TypeVar("Kept", Reference, Prepared)


class NotFollowed(Exception):  # noqa: N818 - no error: the masked images are then run whole
    """Something that a network does with its maps that patches cannot."""


class Follower:
    """What is known of one network and one image from batch to batch: weights laid out, maps without a mask."""

    def __init__(self, network: nn.Module, rules: Mapping[Any, Rule]) -> None:
        self.rules = rules
        self._own = {id(tensor) for tensor in (*network.parameters(), *network.buffers())}
        self._weights: dict[Hashable, Prepared] = {}
        self._maps: dict[Hashable, Reference] = {}
        self._known = set(self._own)  # the ids of what stays as it is, and is held
        self.dense_from = ""  # the first operation without a rule

    def masked(self, image: Tensor, low: Places, high: Places, fill: float) -> "Masked":
        """The image (1, C, H, W) under B masks from `low` up to `high` (B, 2), rows and columns."""
        if id(image) not in self._known:
            self._maps, self._known = {}, self._own | set(map(id, self._weights.values())) | {id(image)}
        patch = hidden(self.reference(lambda: image, image), low, high, fill)
        return Masked(patch, image, self)

    def reference(self, compute: Callable[[], Tensor], *about: object) -> Reference:
        """A map without a mask that is made of these; kept for the next batch where they are the same then."""
        return self._kept(self._maps, lambda: Reference(compute), about)

    def prepared(self, make: Callable[[], Kernel], *about: object) -> Prepared:
        """A kernel made of these."""
        return self._kept(self._weights, lambda: Prepared(make()), about)

    def _kept(self, store: dict[Hashable, Kept], make: Callable[[], Kept], about: object) -> Kept:
        if not self._stays(about):
            return make()
        key = _key(about)
        if key not in store:
            store[key] = make()
            self._known.add(id(store[key]))
        return store[key]

    def _stays(self, value: object) -> bool:
        if isinstance(value, list | tuple):
            return all(map(self._stays, value))
        return not isinstance(value, Tensor | Reference | Prepared) or id(value) in self._known


def _key(value: object) -> Hashable:
    if isinstance(value, list | tuple):
        return tuple(map(_key, value))
    return id(value) if isinstance(value, Tensor | Reference | Prepared) else (type(value), value)


class Masked(Tensor):
    """Says that it is maps (B, C, H, W) under B masks, and holds a patch of them."""

    follower: Follower
    _held: Patch | Convolved | None
    _opened: Tensor | None  # the full maps, once something has asked for them

    @staticmethod
    def __new__(cls: type["Masked"], held: Patch | Convolved | None, like: Tensor, follower: Follower) -> "Masked":
        if held is None:
            size = like.shape
        else:
            size = torch.Size((len(held.rows.start), held.channels, held.rows.length, held.columns.length))
        kind = held.crops.dtype if isinstance(held, Patch) else like.dtype
        made: Masked = Tensor._make_wrapper_subclass(cls, size, dtype=kind, device=like.device)
        made._held, made._opened, made.follower = held, None, follower
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def become(self, held: Patch | Convolved | None, *, in_place: bool = False) -> "Masked":
        """Other maps made of these, or these themselves changed; None for what is not followed."""
        if not in_place:
            return Masked(held, self, self.follower)
        self._held = held
        return self

    @property
    def opened(self) -> bool:
        return self._opened is not None

    @property
    def held(self) -> Patch | Convolved:
        if self._held is None:
            raise NotFollowed("it asks where the maxima of pooling were")
        return self._held

    @property
    def patch(self) -> Patch:
        """What it holds, computed."""
        held = self.held
        if isinstance(held, Convolved):
            held = self._held = held.computed()
        return held

    @property
    def reference(self) -> Reference | None:
        return self.held.without_masks if isinstance(self.held, Convolved) else self.held.reference

    def full(self) -> Tensor:
        """The maps (B, C, H, W) as an ordinary tensor, the same from now on: views of it are views of these."""
        if self._opened is None:
            self._opened, self._held = self.patch.full(), None
        return self._opened

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        maps = list(masked_in((*args, *kwargs.values())))
        rules = maps[0].follower.rules
        rule = rules.get(func.overloadpacket, rules.get(_kind(func)))
        opened = any(one.opened for one in maps)  # and perhaps written to by a view of it
        made = NotImplemented if rule is None or opened else rule(func, args, kwargs)
        return _on_full_maps(func, args, kwargs) if made is NotImplemented else made


def masked_in(values: Iterable[Any]) -> Iterator[Masked]:
    """Those among arguments, also in lists."""
    for value in values:
        if isinstance(value, Masked):
            yield value
        elif isinstance(value, list | tuple):
            yield from masked_in(value)


def _kind(func: Any) -> torch.Tag | None:
    return torch.Tag.pointwise if torch.Tag.pointwise in func.tags else None


def _on_full_maps(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    owners: dict[int, Masked] = {}

    def opened(value: Any) -> Any:
        if isinstance(value, Masked):
            value.follower.dense_from = value.follower.dense_from or func.overloadpacket.__name__
            full = value.full()
            owners[id(full)] = value
            return full
        return type(value)(map(opened, value)) if isinstance(value, list | tuple) else value

    made = func(*opened(args), **{name: opened(value) for name, value in kwargs.items()})
    return owners.get(id(made), made)  # an operation in place gives its own argument
