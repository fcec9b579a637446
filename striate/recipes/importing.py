"""`striate import`: the weights of others as a model file, with names of classes and how images are shown to them.

What ImageNet networks are shown if nothing else is said: the shorter side resized bilinearly, the middle 7/8 of a
square of it cut out, and RGB normalised as the catalogue says, mostly by the mean and spread of ImageNet's images.
"""

import itertools
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import ZOO, architecture, declare
from striate.architectures.weights.files import few, is_model_file, read_weights
from striate.architectures.weights.loading import Loaded, declared_by, network_with
from striate.architectures.weights.needs import Needs
from striate.checkpoints.model_file import MODEL_FILE, Checkpoint, save_checkpoint
from striate.errors import SettingsError, UnknownNameError
from striate.images.preparation import Geometry, Preparation
from striate.recipes.shown import Shown

_WHITE = 3.0  # beyond it no mean and no spread lies, in units of white = 1
_SHARE, _LARGE = 0.875, 96  # of the sides of images for networks of 96 pixels and more


def preparation_of(shown: Shown, declaration: Declaration) -> Preparation:
    """What is done to images for a network that was shown them so. Raises SettingsError for what makes no sense."""
    channels, entry = declaration.in_channels, architecture(declaration.name)
    large = shown.fit == "crop" and min(entry.size) >= _LARGE
    share = (_SHARE if large else 1.0) if shown.crop_share is None else shown.crop_share
    geometry = Geometry(declaration.size, channels, shown.fit, shown.interpolation, share)
    mean = _of_channels("mean", shown.mean or _usual(entry.mean, channels), channels)
    std = _of_channels("std", shown.std or _usual(entry.std, channels), channels)
    if max(map(abs, (*mean, *std))) > _WHITE:
        raise SettingsError(
            f"mean is {_listed(mean)} and std {_listed(std)}; expected units of white = 1: divide by 255"
        )
    if min(std) <= 0:
        raise SettingsError(f"std is {_listed(std)}; expected numbers above 0, to divide by")
    return Preparation(geometry, mean, std)


def _usual(colours: tuple[float, float, float], channels: int) -> tuple[float, ...]:
    """What stands in the catalogue, or for other channels than red, green and blue its average."""
    return colours if channels == 3 else (round(sum(colours) / 3, 3),)


def _of_channels(name: str, numbers: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """A number for each channel. Raises SettingsError if there are others than one or as many, or one is no number."""
    if len(numbers) not in (1, channels) or not all(map(math.isfinite, numbers)):
        given = ", ".join(map(str, numbers))
        raise SettingsError(
            f"{name} is {given}; expected one number, or one for each of {channels} channels, white = 1"
        )
    return tuple(map(float, numbers)) * (channels if len(numbers) == 1 else 1)


@dataclass(frozen=True)
class Imported:
    """A model file of imported weights, and what was done for it."""

    path: Path
    loaded: Loaded
    checkpoint: Checkpoint = field(repr=False)
    notes: tuple[str, ...]  # on channels and classes

    def sentences(self) -> list[str]:
        """All of it, a line each."""
        preparation, classes = self.checkpoint.preparation, self.checkpoint.classes
        geometry = preparation.geometry
        share = f" of the middle {geometry.share:g} of each side" if geometry.share < 1 else ""
        return [
            *self.loaded.sentences(),
            *self.notes,
            f"classes: {len(classes):,}, from {classes[0]!r} to {classes[-1]!r}",
            f"images: {geometry.size[0]}×{geometry.size[1]}, {geometry.fit}{share}, {geometry.interpolation}; "
            f"mean {_listed(preparation.mean)}; std {_listed(preparation.std)}",
            f"model file: {self.path}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "model": str(self.path),
            **asdict(self.loaded),
            "notes": self.notes,
            "classes": self.checkpoint.classes,
            "preparation": self.checkpoint.preparation.to_dict(),
        }


def import_weights(
    file: str | os.PathLike[str],
    model: str,
    *,
    classes: str | os.PathLike[str] | Sequence[str] | None = None,
    without: Sequence[str] = (),
    shown: Shown = Shown(),  # noqa: B008 - it is frozen
    part: str | None = None,
    out: str | os.PathLike[str] = MODEL_FILE,
) -> Imported:
    """Write the weights of others as a model file, which predicts, evaluates and is described as any other.

    Args:
        file: safetensors, a state dict of torch.save, or an .npz, for as many classes and channels as it says.
        model: the network of the catalogue, or the layer pattern, whose weights they are.
        classes: the names of the outputs, in their order: a text file of one a line, or the names themselves.
        without: names of outputs to cut off, as the `background` of TensorFlow's networks.
        shown: how the network was shown images.
        part: which state dict, if the file has several; the largest if not given, of equals the first.
        out: the model file to write.

    Raises:
        WeightsError: the file cannot be read, or is of another network.
        SettingsError: names, preparation or place make no sense.
    """
    source, place = Path(file), Path(out)
    if place.exists():
        raise SettingsError(f"{place} exists; choose another --out, or remove it")
    if architecture(model).gives != "scores":
        raise SettingsError(f"{model} gives maps; a model file is of a network that gives scores of classes")
    if is_model_file(source):
        raise SettingsError(f"{source} is a model file already: use it as it is")
    weights = read_weights(source, part)
    declaration = declared_by(weights, declare(model, size=shown.size), ZOO)
    network, loaded = network_with(weights, declaration, ZOO)
    _expect_grey_or_colour(declaration, source)
    names, notes = _names(classes, declaration, source)
    kept = _kept(names, without)
    preparation = preparation_of(shown, declaration)
    needed, tensors = Needs(declaration, ZOO), network.state_dict()
    if shown.channel_order == "bgr":
        notes.append("input channels: turned round, so that the model takes red, green, blue")
        tensors |= _turned_round(tensors, needed)
    if without:
        notes.append(f"outputs cut off: {', '.join(without)}")
        tensors |= _with_rows(tensors, needed, kept)
    checkpoint = Checkpoint(
        task="classification",
        declaration=replace(declaration, num_classes=len(kept)),
        preparation=preparation,
        classes=tuple(names[number] for number in kept),
        recipe={"imported": source.name, "dialect": loaded.dialect},
        measured={},
        weights=tensors,
        seen=torch.zeros(0, dtype=torch.int64),
    )
    save_checkpoint(place, checkpoint)
    return Imported(place, loaded, checkpoint, tuple(notes))


def _expect_grey_or_colour(declaration: Declaration, source: Path) -> None:
    name, classes, channels = declaration.name, declaration.num_classes, declaration.in_channels
    if channels not in (1, 3):
        raise SettingsError(
            f"{source} is for images of {channels} channels, and a model file for 1 or 3; save the state dict of "
            f"striate.create_model({name!r}, num_classes={classes}, in_channels=3, weights=…), and import that"
        )


def _names(
    classes: str | os.PathLike[str] | Sequence[str] | None, declaration: Declaration, source: Path
) -> tuple[list[str], list[str]]:
    """A name of its own for each output, and a sentence on those that had one twice."""
    count = declaration.num_classes
    if classes is None:
        raise SettingsError(
            f"the {count:,} outputs of {source} have no names; give them with --classes FILE, a text file of one name "
            "a line in the order of the outputs"
        )
    names = _read_lines(Path(classes)) if isinstance(classes, str | os.PathLike) else list(classes)
    if len(names) != count or not all(names):
        raise SettingsError(
            f"there are {sum(map(bool, names)):,} names in {len(names):,} lines of classes, but {source} has {count:,} "
            "outputs; expected one name a line for each, in their order"
        )
    distinct = _distinct(names)
    changed = [name for name, before in zip(distinct, names, strict=True) if name != before]
    return distinct, [f"names that came again, made distinct: {few(changed)}"] if changed else []


def _read_lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").rstrip().split("\n")]
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path} cannot be read ({error}); expected a text file of one class name a line"
        ) from error


def _distinct(names: Iterable[str]) -> list[str]:
    """Names with a number behind each that stood there before.

    >>> _distinct(["crane", "owl", "crane", "crane (2)", "crane"])
    ['crane', 'owl', 'crane (2)', 'crane (2) (2)', 'crane (3)']
    """
    taken: dict[str, None] = {}
    for name in names:
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        taken[next(one for one in itertools.chain([name], numbered) if one not in taken)] = None
    return list(taken)


def _kept(names: list[str], without: Sequence[str]) -> list[int]:
    """The outputs that stay. Raises UnknownNameError for a name that none has."""
    for name in without:
        if name not in names:
            raise UnknownNameError("class", name, names)
    kept = [number for number, name in enumerate(names) if name not in without]
    if not kept:
        raise SettingsError("no class is left; cut off fewer with --without")
    return kept


def _with_rows(tensors: dict[str, Tensor], needed: Needs, kept: list[int]) -> dict[str, Tensor]:
    """What has a row for each class, with the rows of some."""
    rows = torch.tensor(kept)
    return {name: tensors[name].index_select(axis, rows) for name, axis in needed.classes.items()}


def _turned_round(tensors: dict[str, Tensor], needed: Needs) -> dict[str, Tensor]:
    """What is laid on blue, green, red, so that it is laid on red, green, blue."""
    if needed.declaration.in_channels != 3:
        raise SettingsError(f"bgr is an order of three colours, but the network takes {needed.declaration.in_channels}")
    return {
        name: tensors[name].reshape(len(tensors[name]), 3, -1).flip(1).reshape(tensors[name].shape)
        for name in needed.channels
    }


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
