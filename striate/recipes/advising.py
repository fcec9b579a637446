"""`striate train … --advise`: how much of a pretrained network to freeze, by the number of images of a class.

Few images can teach a head, not millions of weights, which learn them by heart instead. With more, the late stages pay
back first, which are of the task that they were learnt for; the early ones are much the same for all photographs
(Yosinski et al. 2014, arXiv:1411.1792; Kornblith et al. 2018, arXiv:1805.08974). The two borders are rules of thumb.
"""

import os
from dataclasses import asdict, dataclass
from shlex import quote
from typing import Any

from torch import nn

from striate.architectures.catalogue import build
from striate.architectures.network import Network
from striate.datasets.dataset import TRAIN, Dataset
from striate.datasets.opening import open_dataset
from striate.datasets.targets import Classes, Tags
from striate.description.describing import describe_network
from striate.errors import DataError, SettingsError
from striate.recipes.given import settings_for
from striate.recipes.pretrained import declaration_of, read_pretrained
from striate.recipes.settings import Settings
from striate.training.recipe import ALL, NONE, STAGES

FEW, MANY = 100, 1_000  # images of a class: below the one freeze all, from the other on nothing
_BACKWARD = 2  # multiplies of the way back for each of the way there: the gradients of the values and of the weights


@dataclass(frozen=True)
class Way:
    """One way to train: what learns, and what an image of an epoch costs."""

    freeze: str
    parameters: int  # that learn
    multiplies: int  # there and back, for an image of every epoch after the first
    advised: bool


@dataclass(frozen=True)
class TrainingAdvice:
    """The ways, one of them advised, and why."""

    images: int
    classes: int
    smallest: int  # images of the rarest class
    ways: tuple[Way, ...]
    reason: str
    command: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def advise_training(data: str | os.PathLike[str] | Dataset | None = None, **settings: Any) -> TrainingAdvice:
    """Whether to freeze all stages of `weights`, half of them, or none. Only names and labels are read, no image.

    Raises SettingsError without weights, and what `train` raises for data and weights.
    """
    chosen, given = settings_for(data, settings)
    pretrained = read_pretrained(chosen)
    if pretrained is None:
        raise SettingsError("advice is about what to freeze of --weights FILE; give one")
    dataset = open_dataset(chosen.data if given is None else given, seed=chosen.seed)
    targets = dataset.targets
    if not isinstance(targets, Classes | Tags):
        raise DataError(f"{chosen.data} has {dataset.task} for its images; expected one class for each, or tags")
    members = dataset.members(TRAIN)
    counts = targets.at(members).counts(len(dataset.classes))
    counts = counts[counts > 0]
    if len(counts) < 2:
        raise DataError(f"{chosen.data} has {len(counts)} class to learn; a classifier needs at least two")
    declaration = declaration_of(chosen, pretrained, len(dataset.classes))
    network = build(declaration)
    if not isinstance(network, Network):
        raise SettingsError(f"{declaration.name} has no stages to freeze")
    stages = len(network.stages)
    half, smallest = f"{STAGES}{(stages + 1) // 2}", int(counts.min())
    advised = ALL if smallest < FEW else half if smallest < MANY else NONE
    rows = [(row.layer, row.multiplies) for row in describe_network(declaration).rows]
    ways = tuple(
        _way(words, frozen, network, rows, words == advised)
        for words, frozen in ((ALL, stages), (half, (stages + 1) // 2), (NONE, 0))
    )
    kept = ("weights", "model", "size", "stem", "channels", "seed")
    given_words = [f"--{name} {quote(str(getattr(chosen, name)))}" for name in kept if _is_set(chosen, name)]
    command = " ".join(["striate train", quote(chosen.data), *given_words, f"--freeze {advised}"])
    return TrainingAdvice(len(members), len(counts), smallest, ways, _reason(smallest), command)


def _way(words: str, frozen: int, network: Network, rows: list[tuple[str, int]], advised: bool) -> Way:
    """Frozen stages are run forward alone; when all are frozen, once for all epochs."""
    names = [name for name, _ in network.stages.named_children()]
    kept = set(names[:frozen])
    learning = sum(_parameters(network.get_submodule(name)) for name in [*names[frozen:], "head"])
    there = sum(multiplies for layer, multiplies in rows if layer.split(".")[0] in kept)
    rest = sum(multiplies for _, multiplies in rows) - there
    once = frozen == len(names)
    return Way(words, learning, (0 if once else there) + (1 + _BACKWARD) * rest, advised)


def _is_set(chosen: Settings, name: str) -> bool:
    return bool(getattr(chosen, name) != getattr(Settings(), name))


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _reason(smallest: int) -> str:
    what = f"the rarest class has {smallest:,} training images"
    if smallest < FEW:
        return f"{what}, fewer than {FEW}: enough for a head on the features as they are; its epochs cost little"
    if smallest < MANY:
        return f"{what}, {FEW} to {MANY:,}: enough for the later stages, which are of the task, with small rates"
    return f"{what}, {MANY:,} or more: enough to let every stage learn, the early ones slowly"
