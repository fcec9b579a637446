"""The classic operations by name, as the command line takes them."""

from collections.abc import Callable

from striate.errors import SettingsError, UnknownNameError
from striate.filters.answer import Answer
from striate.filters.classic.edges import canny
from striate.filters.classic.flow import optical_flow
from striate.filters.classic.hog import hog
from striate.filters.classic.keypoints import orb, sift
from striate.filters.classic.lines import hough_lines
from striate.filters.classic.smoothing import smooth_bilateral, smooth_gaussian, smooth_median
from striate.filters.classic.threshold import threshold
from striate.filters.classic.tracks import lucas_kanade
from striate.images.reading import ImageSource

OF_ONE: dict[str, Callable[[ImageSource], Answer]] = {
    "threshold": threshold,
    "smooth_gaussian": smooth_gaussian,
    "smooth_median": smooth_median,
    "smooth_bilateral": smooth_bilateral,
    "canny": canny,
    "hough_lines": hough_lines,
    "hog": hog,
    "sift": sift,
    "orb": orb,
}
OF_TWO: dict[str, Callable[[ImageSource, ImageSource], Answer]] = {
    "optical_flow": optical_flow,
    "lucas_kanade": lucas_kanade,
}


def apply_operation(source: ImageSource, operation: str = "canny", second: ImageSource | None = None) -> Answer:
    """What a classic operation with its usual settings finds on an image, or between two.

    For other settings call the operation's own function, as `striate.filters.classic.edges.canny`. Raises
    UnknownNameError for another name, SettingsError for an image too few or too many, and what the operation raises.

    >>> from PIL import Image
    >>> apply_operation(Image.linear_gradient("L"), "threshold").findings()
    {'level': 127.0, 'found': True, 'white': 0.5}
    """
    if operation in OF_TWO:
        if second is None:
            raise SettingsError(f"{operation} follows what moves from one image to the next; give a second image")
        return OF_TWO[operation](source, second)
    if operation not in OF_ONE:
        raise UnknownNameError("operation", operation, OF_ONE | OF_TWO)
    if second is not None:
        raise SettingsError(f"{operation} takes one image and a second one came; leave it out")
    return OF_ONE[operation](source)
