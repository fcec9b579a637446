"""The images of a run: opened, divided, read once, measured, and known again when the run goes on."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import architecture, build
from striate.architectures.network import Network, on_meta
from striate.architectures.patterns.pattern import is_pattern, parse
from striate.datasets.checking.cheap import cheap_findings
from striate.datasets.checking.finding import Finding
from striate.datasets.dataset import PARTS, TEST, TRAIN, VALIDATION, Dataset
from striate.datasets.excluding import read_excluded
from striate.datasets.keep import Keep
from striate.datasets.keeping import Kept, bytes_needed, keep_images
from striate.datasets.loading import ImageSet, Loading, Skipped, numbered
from striate.datasets.names import Names
from striate.datasets.opening import open_dataset
from striate.datasets.pool import usual_workers
from striate.datasets.targets import targets_of
from striate.errors import DataError, SettingsError, SizeError
from striate.images.preparation import Geometry, Preparation
from striate.images.ranges import parse_range
from striate.machine.choice import memory_limit
from striate.recipes.augmenting import check_augmentation
from striate.recipes.pretrained import Pretrained, declaration_of, frozen_stages, read_pretrained, with_weights
from striate.recipes.progress import Display
from striate.recipes.settings import Settings
from striate.training.progressive import size_at

_COPIES = 4  # of every parameter while training: itself, its gradient, its momentum, and the file that is being written
MEASURED = 5_000  # images at the least that mean and spread are taken of, if there are so many


@dataclass(frozen=True)
class RunData:
    """What a run is trained, chosen and tested on; `parts` has a test only if the data set has one."""

    dataset: Dataset
    declaration: Declaration
    preparation: Preparation
    parts: dict[str, ImageSet]
    skipped: tuple[Skipped, ...]
    where: str  # the pixels are
    pretrained: Pretrained | None = None

    @property
    def name(self) -> str:
        return self.dataset.name

    @property
    def classes(self) -> tuple[str, ...]:
        return self.dataset.classes

    @property
    def final(self) -> str:
        """The part that the final figures are of: the test, or the validation where there is none."""
        return TEST if TEST in self.parts else VALIDATION

    @cached_property
    def seen(self) -> NDArray[np.int64]:
        """Sorted fingerprints of the images that weights are trained or chosen on, here or before."""
        before = [] if self.pretrained is None else [self.pretrained.seen.numpy()]
        return np.unique(np.concatenate([*(self.parts[part].marks for part in (TRAIN, VALIDATION)), *before]))

    @property
    def digest(self) -> str:
        """Changes when any image of any part does, or its class or place, or the weights that the run begins with."""
        content = hashlib.blake2b(repr(self.classes).encode(), digest_size=16)
        for images in self.parts.values():
            content.update(images.marks.tobytes())
            content.update(images.targets.tobytes())
        if self.pretrained is not None:
            content.update(self.pretrained.digest)
        return content.hexdigest()

    @cached_property
    def findings(self) -> list[Finding]:
        """What is to be said of the data, from what reading them has shown."""
        sets = self.parts.values()
        codes = [np.full(len(images), PARTS.index(part), np.uint8) for part, images in self.parts.items()]
        return cheap_findings(
            [facts for images in sets for facts in images.facts],
            np.concatenate([images.marks for images in sets]),
            np.concatenate(codes),
            np.concatenate([images.targets for images in sets]),
            names=Names(name for images in sets for name in images.names),
            classes=self.classes,
            geometry=self.preparation.geometry,
        )

    @property
    def leaked(self) -> tuple[str, ...]:
        """Names of test images whose very pixels are among those trained or chosen on."""
        if TEST not in self.parts:
            return ()
        test = self.parts[TEST]
        return tuple(test.names[int(place)] for place in np.flatnonzero(np.isin(test.marks, self.seen)))


def read_run_data(settings: Settings, display: Display, given: Dataset | None = None) -> RunData:
    """Open and read the data of a run. Raises DataError, UnknownName-, Settings- or SizeError, early if it can."""
    recipe = settings.to_recipe()  # a number that makes no sense is found before the images are read
    pretrained = read_pretrained(settings)
    dataset = _open(settings, display, given)
    declaration = declaration_of(settings, pretrained, len(dataset.classes))
    channels = _channels(settings, declaration, pretrained)
    _check_network(declaration, pretrained, settings)  # so is a network that cannot be built
    check_augmentation(recipe.augment, declaration, channels)
    geometry = Geometry(declaration.size, channels) if pretrained is None else pretrained.preparation.geometry
    geometry = replace(
        geometry,
        size=declaration.size,
        channels=channels,
        fit=settings.fit or geometry.fit,
        range=geometry.range if settings.range is None else parse_range(settings.range),
    )
    keep = settle_keep(settings.cache, len(dataset), geometry)
    workers = usual_workers() if settings.workers is None else settings.workers
    with display.reading(len(dataset)) as watch:
        loading = Loading(settings.strict, workers, watch)
        train = keep_images(dataset.at(dataset.members(TRAIN)), geometry, dataset.classes, keep, loading)
        _check_classes(dataset, train)
        preparation = _measure(geometry, train.images)
        if pretrained is not None:
            preparation = pretrained.prepared(preparation)
        kept = {TRAIN: train}
        for part in (VALIDATION, TEST):
            if len(members := dataset.members(part)):
                kept[part] = keep_images(dataset.at(members), preparation.geometry, dataset.classes, keep, loading)
    parts = {part: own.images for part, own in kept.items() if len(own.images)}
    if VALIDATION not in parts:
        raise DataError(f"{settings.data} leaves no image to validate on; expected two in a class")
    declaration = replace(declaration, in_channels=train.images.images.shape[1])
    skipped = tuple(file for own in kept.values() for file in own.skipped)
    return RunData(dataset, declaration, preparation, parts, skipped, train.where, pretrained)


def settle_keep(asked: Keep, count: int, geometry: Geometry) -> Keep:
    """Where prepared images go: into half of the memory if they fit there, else to the disk.

    Raises DataError if memory was asked for and is too small.
    """
    needed, limit = bytes_needed(count, geometry), memory_limit() // 2
    if asked == "memory" and needed > limit:
        raise DataError(
            f"{count:,} images of {geometry.size[0]}×{geometry.size[1]} need {needed / 1e9:.1f} GB and half of this "
            f"machine's memory is {limit / 1e9:.1f} GB; use --cache auto, a smaller --size or fewer images"
        )
    if asked == "auto":
        return "memory" if needed <= limit else "disk"
    return asked


def _channels(settings: Settings, declaration: Declaration, pretrained: Pretrained | None) -> int | None:
    """Channels that are asked for or that a pattern or weights fix; None if they are as the images are."""
    if pretrained is not None:
        return declaration.in_channels
    fixed = parse(declaration.name).in_channels if is_pattern(declaration.name) else None
    if fixed is not None and settings.channels not in (None, fixed):
        raise SettingsError(f"channels is {settings.channels}, but the pattern takes {fixed}; leave out --channels")
    return settings.channels if fixed is None else fixed


def _open(settings: Settings, display: Display, given: Dataset | None) -> Dataset:
    """The data set, without what is excluded. Raises DataError if a classifier cannot be trained on it."""
    dataset = open_dataset(settings.data if given is None else given, seed=settings.seed)
    if settings.exclude is not None:
        dataset = dataset.without(read_excluded(Path(settings.exclude)))
    if not len(dataset.members(TRAIN)):
        raise DataError(f"{settings.data} has no training images, only a test or validation part; `evaluate` takes it")
    for remark in dataset.remarks:
        display.say(f"data     {remark}")
    if dataset.task not in ("classes", "tags"):
        raise DataError(
            f"{settings.data} has {dataset.task} for its images, and `train` learns one class for each image, or tags; "
            "expected a folder for each class, or a manifest with labels"
        )
    if dataset.task == "classes" and len(dataset.classes) < 2:
        raise DataError(
            f"{settings.data} has one class, {dataset.classes[0]!r}; a classifier needs at least two class folders"
        )
    if settings.data == "digits" and Path("digits").is_dir():
        display.say("taking the digits that ship with scikit-learn; for the folder here write ./digits")
    return dataset


def _measure(geometry: Geometry, train: ImageSet) -> Preparation:
    """Mean and spread of images spread evenly over the set: the same ones wherever they are kept."""
    return Preparation.measured(geometry, train.images[:: max(1, len(train) // MEASURED)])


def _check_network(declaration: Declaration, pretrained: Pretrained | None, settings: Settings) -> None:
    """Raise SettingsError if it gives maps or has no such stages, SizeError, WeightsError, or DataError for memory."""
    if architecture(declaration.name).gives != "scores":
        raise SettingsError(
            f"{declaration.name} gives a map of every class, and the images here have one class each; use a --model "
            "that gives scores, as resnet18"
        )
    with torch.device("meta"):
        network = build(declaration)
    frozen_stages(settings, network)
    if pretrained is not None:
        with_weights(declaration, pretrained)
    recipe = settings.to_recipe()
    if recipe.checkpointing and not isinstance(network, Network):
        raise SettingsError(f"{declaration.name} has no stages that could run twice; leave out --checkpointing")
    if (first := recipe.progressive) is not None:
        _check_smaller(network, declaration, size_at(declaration.size, first, 0, 1))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    needed, limit = _COPIES * 4 * parameters, memory_limit() // 2
    if needed > limit:
        raise DataError(
            f"training {parameters:,} parameters takes {needed / 1e9:.1f} GB and half of this machine's memory is "
            f"{limit / 1e9:.1f} GB; use a smaller --size or another --model"
        )


def _check_smaller(network: nn.Module, declaration: Declaration, size: tuple[int, int]) -> None:
    """Raise SettingsError for a network that does not take the images of the first epochs."""
    try:
        on_meta(network, torch.empty(2, declaration.in_channels, *size, device="meta"))
    except (RuntimeError, SizeError) as error:
        raise SettingsError(
            f"{declaration.name} takes no images of {size[0]}×{size[1]}, with which --progressive begins; leave it "
            "out, or begin with a larger share"
        ) from error


def _check_classes(dataset: Dataset, train: Kept) -> None:
    """Raise DataError for a class of which no training image is left, with why."""
    shown = targets_of(train.images.targets).counts(len(dataset.classes))
    for number in np.flatnonzero(shown == 0):
        label, reasons = dataset.classes[number], {file.name: file.reason for file in train.skipped}
        borne = numbered(dataset, (label,))  # (N,) 0 or -1, or (N, 1)
        bears = borne == 0 if borne.ndim == 1 else borne[:, 0] == 1
        own = [place for place in dataset.members(TRAIN).tolist() if bears[place]]
        if not own:
            raise DataError(f"{dataset.name} has no training image of the class {label!r}; add some, or take it out")
        name = dataset.names[own[0]]
        raise DataError(
            f"no training image of the class {label!r} of {dataset.name} can be used; for example {name}: "
            f"{reasons[name]}"
        )
