"""`striate filter`: which kernel or operation was asked for, where its picture goes, and what is printed."""

from pathlib import Path
from typing import TYPE_CHECKING

import striate
from striate.cli.grid import show
from striate.errors import SettingsError
from striate.filters.kernels import KERNELS

if TYPE_CHECKING:
    from striate.filters.answer import Answer

KERNEL_HELP = f"{', '.join(KERNELS)}; sobel if nothing is asked for."
OPERATION_HELP = (
    "threshold, smooth_gaussian, smooth_median, smooth_bilateral, canny, hough_lines, hog, sift, orb; "
    "of two images optical_flow, lucas_kanade."
)


def ask(image: Path, second: Path | None, *, kernel: str | None, operation: str | None, border: str | None) -> "Answer":
    """The answer of a kernel, or of an operation. Raises SettingsError for both, and for what goes with neither."""
    if operation is not None:
        if kernel is not None or border is not None:
            extra = "--kernel" if kernel is not None else "--border"
            raise SettingsError(f"--operation does not go with {extra}; give one of the two")
        return striate.apply_operation(image, operation, second)
    name = "sobel" if kernel is None else kernel
    if second is not None:
        raise SettingsError(f"the kernel {name} takes one image; leave {second} out, or give --operation optical_flow")
    return striate.filter_image(image, name, border="edge" if border is None else border)


def place_of(picture: Path | None, answer: "Answer", image: Path, second: Path | None, border: str | None) -> Path:
    """Where the picture goes: here and by the names of image, answer and border if no place is given.

    Raises SettingsError if it would take the place of an image that was asked about.
    """
    place = picture or Path("_".join([image.stem, answer.name, *([border] if border else [])]) + ".png")
    if place.exists() and any(place.samefile(given) for given in (image, second) if given is not None):
        raise SettingsError(f"the picture would take the place of the image {place}; give another --picture")
    return place


def print_answer(answer: "Answer", picture: Path, *, replaced: bool) -> None:
    """What was applied, what came out, and where it is drawn, `replaced` if a file stood there before."""
    show(*answer.sentences(), f"picture: {picture}{' (replaced)' * replaced}")
