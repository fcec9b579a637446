"""`digits`: 1,797 handwritten digits, 8x8 pixels, that ship inside scikit-learn; nothing is downloaded.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI repository (1998), its test set.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.datasets.dividing import divide
from striate.datasets.names import Names
from striate.datasets.targets import Classes

_DIVISION_SEED = 0  # the held-out fifth of the digits never changes


def read_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Scans (1797, 8, 8), ink white on black, and the digit that each shows (1797,)."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - a second of import that only these images need

    bunch = load_digits()
    return np.rint(bunch.images * (255 / 16)).astype(np.uint8), bunch.target.astype(np.int64)


def open_digits() -> Dataset:
    """The scans as a data set, divided once and for ever."""
    scans, digits = read_digits()
    undivided = Dataset(
        name="digits",
        classes=tuple("0123456789"),
        names=Names(f"digits/{index:04d}" for index in range(len(scans))),
        targets=Classes(digits.astype(np.int32)),
        parts=np.zeros(len(scans), np.uint8),
        fetch=lambda index: scans[index],
    )
    return replace(divide(undivided, _DIVISION_SEED), divided=True)
