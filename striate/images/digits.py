"""`digits`: 1,797 handwritten digits, 8x8 pixels, that ship inside scikit-learn; nothing is downloaded.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI repository (1998), its test set.
"""

import numpy as np
from numpy.typing import NDArray


def read_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Scans (1797, 8, 8), ink white on black, and the digit that each shows (1797,)."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - a second of import that only these images need

    bunch = load_digits()
    return np.rint(bunch.images * (255 / 16)).astype(np.uint8), bunch.target.astype(np.int64)
