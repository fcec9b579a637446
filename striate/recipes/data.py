"""The images of a run: opened, divided, read once, measured, and known again when the run goes on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import architecture, build, declare
from striate.architectures.patterns.pattern import is_pattern, parse
from striate.datasets.dataset import TEST, TRAIN, VALIDATION, Dataset
from striate.datasets.loading import ImageSet, Skipped, fingerprints, load_images
from striate.datasets.opening import open_dataset
from striate.errors import DataError, SettingsError
from striate.images.preparation import Geometry, Preparation
from striate.machine.choice import memory_limit
from striate.recipes.progress import Display
from striate.recipes.settings import Settings

_COPIES = 4  # of every parameter while training: itself, its gradient, its momentum, and the file that is being written


@dataclass(frozen=True)
class RunData:
    """What a run is trained, chosen and tested on; `parts` has a test only if the dataset has one."""

    name: str
    classes: tuple[str, ...]
    declaration: Declaration
    preparation: Preparation
    parts: dict[str, ImageSet]
    skipped: tuple[Skipped, ...]

    @property
    def final(self) -> str:
        """The part that the final figures are of: the test, or the validation where there is none."""
        return TEST if TEST in self.parts else VALIDATION

    @cached_property
    def seen(self) -> NDArray[np.int64]:
        """Sorted fingerprints of the images that weights are trained or chosen on."""
        return np.unique(np.concatenate([fingerprints(self.parts[part].images) for part in (TRAIN, VALIDATION)]))

    @property
    def digest(self) -> str:
        """Changes when any image of any part does, or its class or place."""
        content = hashlib.blake2b(repr(self.classes).encode(), digest_size=16)
        for images in self.parts.values():
            content.update(fingerprints(images.images).tobytes())
            content.update(images.targets.tobytes())
        return content.hexdigest()

    @property
    def leaked(self) -> tuple[str, ...]:
        """Names of test images whose very pixels are among those trained or chosen on."""
        test = self.parts.get(TEST)
        if test is None:
            return ()
        return tuple(np.array(test.names)[np.isin(fingerprints(test.images), self.seen)].tolist())


def read_run_data(settings: Settings, display: Display) -> RunData:
    """Open and read the data of a run. Raises DataError, UnknownName-, Settings- or SizeError, early if it can."""
    settings.recipe()  # a number that makes no sense is found before the images are read
    dataset = open_dataset(settings.data, seed=settings.seed)
    classes = dataset.classes
    if len(classes) < 2:
        raise DataError(f"{settings.data} has one class, {classes[0]!r}; a classifier needs at least two class folders")
    if settings.data == "digits" and Path("digits").is_dir():
        display.say("taking the digits that ship with scikit-learn; for the folder here write ./digits")
    declaration = declare(settings.model, num_classes=len(classes), size=settings.size, stem=settings.stem)
    _check_network(declaration)  # so is a network that cannot be built
    channels = parse(settings.model).in_channels if is_pattern(settings.model) else None  # fixed, or as the images are
    geometry = Geometry(declaration.size, channels, settings.fit)
    check_memory(len(dataset.names), geometry)
    with display.reading(len(dataset.names)) as advance:
        members = dataset.members(TRAIN)
        train, skipped = load_images(dataset, members, geometry, classes, strict=settings.strict, advance=advance)
        _check_classes(dataset, train, classes, skipped)
        preparation = Preparation.measured(geometry, train.images)
        parts = {TRAIN: train}
        for part in (VALIDATION, TEST):
            if len(members := dataset.members(part)):
                parts[part], more = load_images(
                    dataset, members, preparation.geometry, classes, strict=settings.strict, advance=advance
                )
                skipped += more
    parts = {part: images for part, images in parts.items() if len(images)}
    if VALIDATION not in parts:
        raise DataError(f"{settings.data} leaves no image to validate on; expected two in a class")
    channels = train.images.shape[1]
    declaration = replace(declaration, in_channels=channels)
    return RunData(dataset.name, classes, declaration, preparation, parts, skipped)


def _check_network(declaration: Declaration) -> None:
    """Raise SettingsError if it gives maps, SizeError for an unsuitable size, DataError if it needs much memory."""
    if architecture(declaration.name).gives != "scores":
        raise SettingsError(
            f"{declaration.name} gives a map of every class, and the images here have one class each; use a --model "
            "that gives scores, as resnet18"
        )
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in build(declaration).parameters())
    needed, limit = _COPIES * 4 * parameters, memory_limit() // 2
    if needed > limit:
        raise DataError(
            f"training {parameters:,} parameters takes {needed / 1e9:.1f} GB and half of this machine's memory is "
            f"{limit / 1e9:.1f} GB; use a smaller --size or another --model"
        )


def check_memory(count: int, geometry: Geometry) -> None:
    """Raise DataError if `count` images of this geometry would take more than half of the memory."""
    needed = count * (geometry.channels or 3) * geometry.size[0] * geometry.size[1]
    limit = memory_limit() // 2
    if needed > limit:
        raise DataError(
            f"{count:,} images of {geometry.size[0]}×{geometry.size[1]} need {needed / 1e9:.1f} GB and half of this "
            f"machine's memory is {limit / 1e9:.1f} GB; use a smaller --size or fewer images"
        )


def _check_classes(dataset: Dataset, train: ImageSet, classes: Sequence[str], skipped: Sequence[Skipped]) -> None:
    for number, label in enumerate(classes):
        if not (train.targets == number).any():
            first = f"; for example {skipped[0].name}: {skipped[0].reason}" if skipped else ""
            raise DataError(f"no image of the class {label!r} of {dataset.name} can be read{first}")
