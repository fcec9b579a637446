"""Fit a file of weights to a network, load it, and say what was done; or refuse it, and leave everything as it was."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from striate.architectures.architecture import Declaration
from striate.architectures.weights import adapting
from striate.architectures.weights.adapting import sides
from striate.architectures.weights.files import WeightFile, few
from striate.architectures.weights.matching import Match, is_counter, match
from striate.architectures.weights.needs import Needs, Zoo
from striate.architectures.weights.recognising import called, candidates
from striate.errors import WeightsError


@dataclass(frozen=True, repr=False)
class Loaded:
    """What was done with a file: by whose names its tensors were found, which were loaded, changed, and left out."""

    path: str
    dialect: str
    loaded: tuple[str, ...]  # our names
    adapted: tuple[str, ...]  # a sentence each
    left_out: tuple[str, ...]

    @property
    def as_it_is(self) -> bool:
        return not self.adapted and not self.left_out

    def sentences(self) -> list[str]:
        """All of it, a line each."""
        return [
            f"{self.path}: {len(self.loaded):,} tensors loaded, found by the names of {self.dialect}",
            *(f"adapted: {sentence}" for sentence in self.adapted),
            *(f"left out: {sentence}" for sentence in self.left_out),
        ]

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    __repr__ = __str__


@dataclass(frozen=True)
class Fit:
    """The tensors of a network as a file gives them, and what stands in the way of loading them."""

    loaded: Loaded
    tensors: dict[str, Tensor] = field(repr=False)
    misfits: tuple[str, ...]  # names and shapes
    bad_values: tuple[str, ...]

    def copy_into(self, network: nn.Module) -> None:
        """Give a network its values, where it is and in its number format."""
        own = network.state_dict()
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                own[name].copy_(tensor)


def network_with(file: WeightFile, asked: Declaration, zoo: Zoo) -> tuple[nn.Module, Loaded]:
    """A declared network on the CPU with the weights of a file. Raises WeightsError before a random number is drawn."""
    needed = Needs(asked, zoo)
    with torch.device("cpu"):  # even where another is the usual one: meta would have no values
        fitting = expect_fit(file, needed)
        network = needed.network
        if fitting.tensors.keys() >= {name for name, _ in (*network.named_parameters(), *network.named_buffers())}:
            network.to_empty(device="cpu")  # nothing is left to chance
        else:
            network = zoo.build(asked)
        fitting.copy_into(network)
    return network, fitting.loaded


def load_into(network: nn.Module, file: WeightFile, asked: Declaration, zoo: Zoo) -> Loaded:
    """Give a network that was built as declared the weights of a file. Raises WeightsError, and leaves it as it was."""
    needed, own = Needs(asked, zoo), network.state_dict()
    if _shapes(own) != _shapes(needed.tensors):
        raise WeightsError(
            f"the network is not the {asked.name} that is declared; give the declaration it was built of"
        )
    if any(tensor.is_meta for tensor in own.values()):
        raise WeightsError('the network is on the meta device, without values; first network.to_empty(device="cpu")')
    with torch.device("cpu"):
        fitting = expect_fit(file, needed, own)
    fitting.copy_into(network)
    return fitting.loaded


def declared_by(file: WeightFile, asked: Declaration, zoo: Zoo) -> Declaration:
    """The declaration with the classes and channels that a file is for, as far as it says."""
    needed = Needs(asked, zoo)
    tensors = _pairs(match(list(needed.tensors), file.tensors, needed.dialects), file)
    classes, channels = adapting.classes_in(tensors, needed), adapting.channels_in(tensors, needed)
    return replace(asked, num_classes=classes or asked.num_classes, in_channels=channels or asked.in_channels)


def expect_fit(file: WeightFile, needed: Needs, own: adapting.Tensors | None = None) -> Fit:
    """How a file fits a declared network. Raises WeightsError with all that does not, and whose weights they are."""
    fitting, name = fit(file, needed, own), needed.declaration.name
    if not fitting.misfits and not fitting.bad_values:
        return fitting
    repair = f"expected those of {name}"
    if fitting.misfits:
        others = (other.declaration for other in candidates(file, needed.zoo) if not fit(file, other).misfits)
        repair = next((f"these are the weights of {called(other, needed.declaration)}" for other in others), repair)
    what = "; ".join([*fitting.misfits, *fitting.bad_values])
    raise WeightsError(f"{file.path} does not fit {name}: {what}; {repair}")


def fit(file: WeightFile, needed: Needs, own: adapting.Tensors | None = None) -> Fit:
    """Find, adapt and check the tensors of a network: in the number formats of its own, if it exists already."""
    found = match(list(needed.tensors), file.tensors, needed.dialects)
    missing, headless = _without_head(found, needed)
    unplaced, auxiliary = _without_auxiliary(found, needed)
    tensors, left_out, adapted = _pairs(found, file), [*file.left_out, *headless, *auxiliary], list[str]()
    if _shapes(tensors) != {name: needed.tensors[name].shape for name in tensors}:
        tensors, sentences = adapting.without_other_classes(tensors, needed)
        left_out += sentences
        for adapt in (adapting.with_our_channels, adapting.in_our_form):
            tensors, sentences = adapt(tensors, needed)
            adapted += sentences
    tensors, sentences = adapting.in_format_of(own or needed.tensors, tensors)
    adapted += sentences
    misfits = tuple(_misfits(tensors, found._replace(missing=missing, unplaced=unplaced), needed, file))
    counters = {name: torch.zeros_like(t, device="cpu") for name, t in needed.tensors.items() if is_counter(name)}
    loaded = Loaded(str(file.path), found.dialect, tuple(tensors), tuple(adapted), tuple(left_out))
    return Fit(loaded, {**counters, **tensors}, misfits, tuple(_bad_values(tensors, needed)))


def _pairs(found: Match, file: WeightFile) -> dict[str, Tensor]:
    return {ours: file.tensors[theirs] for ours, theirs in found.pairs.items()}


def _shapes(tensors: adapting.Tensors) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _without_head(found: Match, needed: Needs) -> tuple[list[str], list[str]]:
    """The missing names, but not those of a head that starts afresh in any case, and a sentence on it."""
    usual = needed.zoo.architecture(needed.declaration.name).num_classes
    if not found.missing or usual == needed.declaration.num_classes or set(found.missing) != needed.classes.keys():
        return found.missing, []
    return [], [f"{few(found.missing)}: not in the file; drawn afresh"]


def _without_auxiliary(found: Match, needed: Needs) -> tuple[list[str], list[str]]:
    """The unplaced names that are not those of auxiliary heads which another entry has, and a sentence on those."""
    name = f"{needed.declaration.name}_aux"
    if not found.unplaced or name not in needed.zoo.entries:
        return found.unplaced, []
    size = needed.zoo.entries[name].size  # on which the heads fit; their names are the same on any
    other = Needs(replace(needed.declaration, name=name, size=size), needed.zoo)
    known = set(other.dialects.get(found.dialect, list)(list(other.tensors)))
    auxiliary = [their for their in found.unplaced if their in known]
    others = [their for their in found.unplaced if their not in known]
    return others, [f"{few(auxiliary)}: auxiliary heads, which {name} has"] if auxiliary else []


def _misfits(tensors: adapting.Tensors, found: Match, needed: Needs, file: WeightFile) -> Iterator[str]:
    """What the network lacks, what it has no place for, and what has another shape."""
    expected = needed.tensors
    if found.missing:
        named = [f"{name} {sides(expected[name].shape)}" for name in found.missing]
        yield f"{_counted(named)} of {len(expected):,} not in it ({few(named)})"
    if found.unplaced:
        named = [f"{name} {sides(file.tensors[name].shape)}" for name in found.unplaced]
        yield f"{_counted(named)} of its {len(file.tensors):,} without a place ({few(named)})"
    other = [name for name in tensors if tensors[name].shape != expected[name].shape]
    if other:
        given = {name: file.tensors[found.pairs[name]].shape for name in other}
        named = [f"{name} is {sides(given[name])}, not {sides(expected[name].shape)}" for name in other]
        yield f"{_counted(other)} of another shape ({few(named)})"


def _bad_values(tensors: adapting.Tensors, needed: Needs) -> Iterator[str]:
    """What no network can compute with, in tensors that have its shapes."""
    whole = [name for name in tensors if not is_counter(name) and not tensors[name].is_floating_point()]
    if whole:
        yield f"{_counted(whole)} of {tensors[whole[0]].dtype} in place of floating point ({few(whole)})"
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    fitting = {name: tensor for name, tensor in floats.items() if tensor.shape == needed.tensors[name].shape}
    formats = " or ".join(dict.fromkeys(adapting.format_of(tensor.dtype) for tensor in fitting.values()))
    variances = {name: tensor for name, tensor in fitting.items() if name.endswith("running_var")}
    yield from _broken(
        f"infinite or no number in {formats}", {name: ~tensor.isfinite() for name, tensor in fitting.items()}
    )
    yield from _broken("below 0 in place of a variance", {name: tensor < 0 for name, tensor in variances.items()})


def _broken(how: str, wrong: adapting.Tensors) -> Iterator[str]:
    counts = {name: int(values.sum()) for name, values in wrong.items()}
    broken = [f"{count:,} in {name}" for name, count in counts.items() if count]
    if broken:
        values = sum(counts.values())
        yield f"{_counted(broken)} with {values:,} value{'s' * (values > 1)}, {how} ({few(broken)})"


def _counted(tensors: list[str]) -> str:
    return f"{len(tensors):,} tensor{'s' * (len(tensors) > 1)}"
