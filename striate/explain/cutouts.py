"""What lies in a unit's box, cut out of a picture: padding, which the unit sees as nothing, is left as paper."""

import numpy as np

from striate.explain.boxes import Box
from striate.explain.drawing import Picture

PAPER = (237, 232, 220)  # where there is no image


def cutout(picture: Picture, box: Box) -> Picture:
    """The part of a picture (H, W, 3) in an uncut box, with paper beside the image.

    Along an axis where the box is longer than the image, only as much of it as the image is long, and of that the part
    with most of the image in it. A box of nothing is one pixel of paper.
    """
    height, width = picture.shape[:2]
    top, tall = _shown(box.top, box.bottom, height)
    left, wide = _shown(box.left, box.right, width)
    paper: Picture = np.full((tall, wide, 3), PAPER, np.uint8)
    inside = box.cut((height, width)).cut((top + tall, left + wide))
    rows, columns = slice(max(top, inside.top), inside.bottom), slice(max(left, inside.left), inside.right)
    part = picture[rows, columns]
    if part.size:
        paper[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = part
    return paper


def _shown(start: int, end: int, length: int) -> tuple[int, int]:
    """Where what is shown begins, and how long it is."""
    shown = max(1, min(end - start, length))
    return min(max(0, start), end - shown) if end > start else 0, shown
