"""Which images a call of `ImageClassifier` is about, and their labels in the caller's own kind."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import TEST, Dataset
from striate.datasets.handed import column_of, handed_over, is_frame
from striate.datasets.layouts.files import image_files
from striate.datasets.opening import open_layout
from striate.datasets.targets import Classes, Tags
from striate.errors import DataError
from striate.recipes.estimator_labels import split_texts, understood


class Labelled(NamedTuple):
    """Images of K classes, and what the caller calls the classes (K,), sorted."""

    dataset: Dataset
    classes: NDArray[Any]

    @property
    def labels(self) -> NDArray[Any]:
        """Those of the images: the class of each (N,), or 0 and 1 for each tag (N, K)."""
        targets = self.dataset.targets
        assert isinstance(targets, Classes | Tags)
        if isinstance(targets, Tags):
            return targets.matrix(len(self.classes))
        return np.asarray(self.classes[targets.numbers])


def labelled(images: Any, labels: Any, *, testing: bool = False) -> Labelled:
    """Images with their labels: all of them, to train on, or those to test on.

    Raises DataError for labels that are missing, given twice, or of another number; ValueError, as all of
    scikit-learn, for numbers that are no classes.
    """
    if _is_place(images):
        if labels is not None:
            raise DataError(f"{_shown(images)} brings its own labels; leave out y, or give a list of paths with it")
        return _brought(images, testing=testing)
    if labels is None and not is_frame(images):
        raise DataError("there are images without labels; give y, one label for each, or a folder or table with labels")
    dataset = handed_over(images)
    return _with_labels(dataset, split_texts(column_of(images, "label")) if labels is None else labels)


def images_asked(images: Any) -> Dataset:
    """The images to say something of: of a folder all below it, of other places their test part, or all of them."""
    if not _is_place(images):
        return handed_over(images)
    if isinstance(images, str | os.PathLike) and Path(images).is_dir():
        return handed_over(image_files(Path(images)))
    return _to_test(open_layout(images))


def _is_place(images: object) -> bool:
    return isinstance(images, str | os.PathLike | Dataset)


def _shown(place: "str | os.PathLike[str] | Dataset") -> str:
    return place.name if isinstance(place, Dataset) else os.fspath(place)


def _brought(place: "str | os.PathLike[str] | Dataset", *, testing: bool) -> Labelled:
    """Data with the labels that they bring; only validation images are still to be drawn of them."""
    dataset = open_layout(place)
    if not isinstance(dataset.targets, Classes | Tags):
        raise DataError(
            f"{_shown(place)} has {dataset.task} for its images; expected one class for each image, or tags"
        )
    names, ranks = np.unique(np.array(dataset.classes), return_inverse=True)
    targets = replace(dataset.targets, numbers=ranks[dataset.targets.numbers].astype(np.int32))
    chosen = replace(dataset, classes=tuple(names.tolist()), targets=targets, divided=True)
    return Labelled(_to_test(chosen) if testing else chosen, names)


def _to_test(dataset: Dataset) -> Dataset:
    members = dataset.members(TEST)
    return dataset.at(members) if len(members) else dataset


def _with_labels(dataset: Dataset, labels: Any) -> Labelled:
    classes, targets = understood(labels)
    if len(targets) != len(dataset):
        raise DataError(f"there are {len(targets):,} labels for {len(dataset):,} images; expected one for each")
    return Labelled(replace(dataset, classes=tuple(map(str, classes)), targets=targets, divided=True), classes)
