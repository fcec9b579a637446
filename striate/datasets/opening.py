"""The one door: whatever people have, opened as a `Dataset`; nothing is decoded yet."""

import os
from collections.abc import Callable
from pathlib import Path

from striate.datasets.dataset import Dataset
from striate.datasets.digits import open_digits
from striate.datasets.dividing import divide
from striate.datasets.layouts.folders import read_folders
from striate.errors import DataError

NAMED: dict[str, Callable[[], Dataset]] = {"digits": open_digits}


def open_dataset(data: "str | os.PathLike[str] | Dataset", *, seed: int = 0) -> Dataset:
    """A name, a file, a folder, or a data set made in Python.

    What is not divided is: a fifth of each class for the test, a tenth for validation, drawn with `seed`. The digits'
    division is fixed. Raises DataError if it is not laid out in any way that is known.
    """
    if isinstance(data, Dataset):
        return divide(data, seed)
    if data in NAMED:
        return NAMED[str(data)]()
    root = Path(data)
    if not os.fspath(data) or not root.is_dir():
        what = "a file" if os.fspath(data) and root.exists() else "not there"
        raise DataError(
            f"{os.fspath(data) or 'an empty name'} is {what}; "
            "expected `digits` or a folder with one sub-folder of images for each class"
        )
    return divide(read_folders(root), seed)
