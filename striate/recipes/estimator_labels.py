"""Labels as scikit-learn has them: one for each image (N,), or several: a matrix (N, K) of 0 and 1, or N sets."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import LabelEncoder, MultiLabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from striate.datasets.layouts.manifest import BETWEEN
from striate.datasets.targets import Classes, Tags
from striate.errors import DataError

_SEVERAL = "multilabel-indicator"


def understood(labels: Any) -> tuple[NDArray[Any], Classes | Tags]:
    """What the caller calls the classes (K,), sorted, and the targets; the columns of a matrix are called 0 to K − 1.

    Raises ValueError, as all of scikit-learn, for numbers that are no classes.
    """
    if _are_sets(labels):
        binarizer = MultiLabelBinarizer()
        return binarizer.fit(labels).classes_, Tags.of_matrix(binarizer.transform(labels))
    check_classification_targets(labels)
    if type_of_target(labels) == _SEVERAL:
        table = _dense(labels)
        return np.arange(table.shape[1]), Tags.of_matrix(table)
    encoder = LabelEncoder()
    numbers = encoder.fit_transform(column_or_1d(labels, warn=True))
    return encoder.classes_, Classes(numbers.astype(np.int32))


def as_predicted(labels: Any, classes: NDArray[Any]) -> Any:
    """Labels to compare with predictions: sets become a matrix with a column for each of the classes."""
    if not _are_sets(labels):
        return labels
    known = set(classes.tolist())
    if unknown := sorted({label for one in labels for label in one} - known):
        raise DataError(f"y has {unknown[0]!r}, which was not in the y of fit; expected labels of {classes.tolist()}")
    return MultiLabelBinarizer(classes=classes).fit_transform(labels)


def split_texts(labels: NDArray[Any]) -> Any:
    """Texts as cat;dog as sets, if one of them is so; else as they are, as a manifest has it."""
    if not any(isinstance(text, str) and BETWEEN in text for text in labels):
        return labels
    return [{part.strip() for part in text.split(BETWEEN) if part.strip()} for text in labels]


def _are_sets(labels: Any) -> bool:
    """Whether each image has a set, or a list of names; lists of equal length of 0 and 1 are rows of a matrix."""
    if (getattr(labels, "ndim", 1) != 1) or not isinstance(labels, Iterable):
        return False
    rows = list(labels)
    if not rows or not all(isinstance(row, set | frozenset | list | tuple) for row in rows):
        return False
    table = len({len(row) for row in rows}) == 1 and all(value in (0, 1) for row in rows for value in row)
    return not table or any(isinstance(row, set | frozenset) for row in rows)


def _dense(labels: Any) -> NDArray[Any]:
    return np.asarray(labels.toarray() if hasattr(labels, "toarray") else labels)
