"""The eight ways in which a picture can be turned by right angles and mirrored, on thumbnails and on their hashes.

Way k of a picture: transposed if k & 1, then upside down if k & 2, then left to right if k & 4. WAYS[k] says what was
done to a picture that way k brings back.
"""

import numpy as np
from numpy.typing import NDArray

WAYS = (
    "",
    "mirrored and turned by 90°",
    "mirrored upside down",
    "turned by 90° to the right",
    "mirrored",
    "turned by 90° to the left",
    "turned by 180°",
    "mirrored and turned by 90°",
)


def turned(pictures: NDArray[np.generic], way: int) -> NDArray[np.generic]:
    """Way `way` of pictures (..., S, S).

    >>> picture = np.array([[1, 2], [3, 4]])
    >>> [turned(picture, way).ravel().tolist() for way in (3, 4)]
    [[2, 4, 1, 3], [2, 1, 4, 3]]
    """
    if way & 1:
        pictures = np.swapaxes(pictures, -1, -2)
    if way & 2:
        pictures = np.flip(pictures, -2)
    return np.flip(pictures, -1) if way & 4 else pictures
