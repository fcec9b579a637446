"""`striate evaluate`: trained models on labelled images that they were not trained on, alone or averaged."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import TEST, Dataset
from striate.datasets.keep import Keep
from striate.datasets.keeping import Kept, bytes_needed, keep_images
from striate.datasets.loading import ImageSet, Loading, Skipped
from striate.datasets.opening import open_dataset
from striate.datasets.stack import Decoded, Stack
from striate.errors import DataError
from striate.images.geometry import Geometry
from striate.recipes.data import settle_keep
from striate.recipes.evaluate_tags import TagResult, evaluate_tags
from striate.recipes.progress import Display
from striate.tasks.classification import Evaluation
from striate.tasks.ensemble import Comparison, Ensemble
from striate.tasks.gains import Gain, wilson
from striate.tasks.loading import Place, Places, load
from striate.tasks.looks import Looks
from striate.tasks.tagger import Tagger


@dataclass(frozen=True)
class Member:
    """How one of the models did, with the same looks at the same images; `seen` ones are left out for all."""

    model: str
    n: int
    right: int
    loss: float
    seen: int

    @property
    def accuracy(self) -> float:
        return self.right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Where the accuracy on all such images lies, with 95 % confidence (Wilson 1927)."""
        return wilson(self.right, self.n)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "accuracy": self.accuracy, "interval_95": self.interval}


@dataclass(frozen=True)
class Result:
    """An evaluation, and which images it is of: those `seen` by any model, known by their pixels, are left out."""

    evaluation: Evaluation
    part: str
    seen: int
    skipped: tuple[Skipped, ...]
    members: tuple[Member, ...]
    looks: Looks
    gains: tuple[Gain, ...]  # of averaging, if there is anything to average

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **self.evaluation.to_dict(),
            "part": self.part,
            "left_out_as_seen": self.seen,
            "skipped": [asdict(file) for file in self.skipped],
            "looks": str(self.looks),
            "members": [member.to_dict() for member in self.members],
            "gains": [one.to_dict() for one in self.gains],
        }


class _Shown(NamedTuple):
    """The images that every model can read, and their pixels as each is shown them."""

    sets: Mapping[Geometry, ImageSet]
    dataset: Dataset
    skipped: tuple[Skipped, ...]

    def only(self, keep: NDArray[np.bool_]) -> "_Shown":
        """The images where `keep` (N,) is true."""
        sets = {geometry: images.subset(keep) for geometry, images in self.sets.items()}
        return _Shown(sets, self.dataset.at(np.flatnonzero(keep)), self.skipped)


def evaluate(
    model: Place | Places,
    data: str | os.PathLike[str] | Dataset,
    *,
    looks: str = "one",
    device: str = "auto",
    strict: bool = False,
    quiet: bool = False,
) -> Result | TagResult:
    """How a model file does on `digits` or a folder: on its test part, else on all images; of several, their average.

    Images whose pixels a model was trained or chosen on are left out for all and counted. Classes meet by name.

    Args:
        model: a model file or run directory, or a list of several.
        data: whatever `open_dataset` opens, or a data set made in Python.
        looks: how often each image is looked at, as `load` takes it: flip, crops, ten, scales:0.875,1,1.143.
        device: auto, cpu, cuda or cuda:N.
        strict: stop at the first image that cannot be read.
        quiet: show no progress.

    Raises:
        SettingsError: the models have other classes than the first, or one cannot look so.
        DataError: the data have a class that the models do not know, or no image is left.
    """
    paths = (model,) if isinstance(model, str | os.PathLike) else tuple(model)
    ensemble = _loaded(paths, looks, device)
    dataset = open_dataset(data)
    shown = dataset.name if isinstance(data, Dataset) else os.fspath(data)
    part = TEST if dataset.divided and len(dataset.members(TEST)) else "all"
    chosen = dataset.at(dataset.members(TEST)) if part == TEST else dataset
    display = Display(quiet=quiet)
    if isinstance(ensemble, Tagger):
        return evaluate_tags(ensemble, chosen, shown=shown, part=part, strict=strict, display=display)
    _expect_known(dataset, ensemble.classes, shown)
    readable = _read(chosen, ensemble, strict, display, shown)
    seen = _seen(readable, ensemble, shown)
    fresh = readable.only(np.asarray(~seen.any(axis=0)))
    comparison = _look(fresh, ensemble, display)
    return Result(
        comparison.evaluation,
        part,
        len(readable.dataset) - len(fresh.dataset),
        readable.skipped,
        tuple(
            Member(os.fspath(path), len(fresh.dataset), standing.right, standing.loss, int(own.sum()))
            for path, standing, own in zip(paths, comparison.members, seen, strict=True)
        ),
        ensemble.looks,
        tuple(comparison.gains),
    )


def _loaded(paths: tuple[Place, ...], looks: str, device: str) -> Ensemble | Tagger:
    """One that tells tags as it is, all others as an ensemble."""
    if len(paths) == 1 and looks == "one":
        alone = load(paths[0], device=device)
        return alone if isinstance(alone, Tagger) else Ensemble((alone,))
    return load(paths, device=device, looks=looks)


def _expect_known(dataset: Dataset, classes: Sequence[str], shown: str) -> None:
    unknown = sorted(set(dataset.labels) - set(classes))
    if unknown:
        raise DataError(
            f"{shown} has {'the class' if len(unknown) == 1 else 'the classes'} {', '.join(map(repr, unknown))}, which "
            f"the model does not know; it knows {', '.join(map(repr, classes))}: rename or remove"
        )


def _read(dataset: Dataset, ensemble: Ensemble, strict: bool, display: Display, shown: str) -> _Shown:
    """Read the images once for each way in which models are shown them; one that a model cannot read is left out."""
    geometries = ensemble.shown
    largest = max(geometries, key=lambda geometry: bytes_needed(1, geometry))
    room = settle_keep("auto", len(dataset) * len(geometries), largest)
    keep: Keep = "memory" if room == "memory" else "none"
    kept: dict[Geometry, Kept] = {}
    with display.reading(len(dataset) * len(geometries)) as watch:
        for geometry in geometries:
            kept[geometry] = keep_images(dataset, geometry, ensemble.classes, keep, Loading(strict, watch=watch))
    skipped = {file.name: file for own in kept.values() for file in own.skipped}
    readable = np.array([name not in skipped for name in dataset.names], bool)
    if not readable.any():
        first = next(iter(skipped.values()))
        raise DataError(f"no image of {shown} can be read; for example {first.name}: {first.reason}")
    sets = {
        geometry: own.images.subset(np.array([name not in skipped for name in own.images.names], bool))
        for geometry, own in kept.items()
    }
    return _Shown(sets, dataset.at(np.flatnonzero(readable)), tuple(skipped.values()))


def _seen(shown: _Shown, ensemble: Ensemble, name: str) -> NDArray[np.bool_]:
    """Which images (M, N) each member was trained or chosen on. Raises DataError if there are no others."""
    seen = np.array(
        [
            np.isin(shown.sets[member.preparation.geometry].marks, member.checkpoint.seen.numpy())
            for member in ensemble.members
        ]
    )
    if seen.any(axis=0).all():
        which = "this model" if len(seen) == 1 else "one of these models or another"
        raise DataError(
            f"of the {len(shown.dataset):,} readable images of {name} every one was used to train {which}; "
            "expected images that it has not seen"
        )
    return seen


def _look(shown: _Shown, ensemble: Ensemble, display: Display) -> Comparison:
    """Take all looks. What windows are cut from, and other sizes, is decoded as they are taken, and not kept."""
    with display.reading(ensemble.count * len(shown.dataset), "looking at images") as watch:
        stacks: dict[Geometry, Stack] = {geometry: images.images for geometry, images in shown.sets.items()}
        for geometry in ensemble.geometries:
            if geometry not in stacks:
                stacks[geometry] = Decoded(shown.dataset, geometry, Loading().workers, watch.slow)
        return ensemble.evaluate(next(iter(shown.sets.values())), stacks, watch.advance)
