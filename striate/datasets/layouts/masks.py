"""Pairs of images and masks of the same name: images/ beside masks/, whole or in train/, val/, test/ in or above both.

A mask has a value for each pixel of its image; which value is which class is chosen when the data are opened, from
classes.txt or a sample of masks, and said in the remarks. Images are not opened then.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import PARTS, TRAIN, Dataset
from striate.datasets.frames import read_frame
from striate.datasets.layouts.files import fetch_below
from striate.datasets.layouts.mask_files import different, read_values, shown
from striate.datasets.layouts.mask_names import read_mask_names
from striate.datasets.layouts.mask_pairs import Pairs, find_pairs
from striate.datasets.layouts.mask_values import Meaning, understand
from striate.datasets.names import Names
from striate.datasets.targets import Masks
from striate.errors import DataError, ImageError, printable
from striate.images.orientation import upright

SAMPLE = 32  # masks whose values are looked at; more only while all of them hold one value


def read_masks(root: Path) -> Dataset:
    """A folder of pairs. Raises DataError if nothing matches, or the masks' values cannot be classes."""
    pairs = find_pairs(root)
    if not pairs.images:
        raise DataError(
            f"{root} has {len(pairs.bare):,} images and {len(pairs.alone):,} masks, and no two of one name; expected "
            "images/a.jpg and masks/a.png"
        )
    names = Names(os.path.relpath(path, root) for path in pairs.images)
    masks = Names(os.path.relpath(path, root) for path in pairs.masks)
    meaning, looked = _choose(root, masks)

    def read(index: int) -> NDArray[np.uint8]:
        return _read(os.path.join(root, names.raw(index)), os.path.join(root, masks.raw(index)), meaning)  # noqa: PTH118

    return Dataset(
        name=root.resolve().name,
        classes=meaning.classes,
        names=names,
        targets=Masks(read, np.arange(len(names))),
        parts=np.array([PARTS.index(part or TRAIN) for part in pairs.parts], np.uint8),
        fetch=fetch_below(root, names),
        divided=pairs.parts[0] is not None,
        remarks=(f"{meaning.remark()} (looked at {looked:,} of {len(masks):,} masks)", *_remarks(pairs)),
    )


def unmatched(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths below `root` of the images without a mask, and of the masks without an image."""
    pairs = find_pairs(root)
    bare, alone = (tuple(os.path.relpath(path, root) for path in paths) for paths in (pairs.bare, pairs.alone))
    return bare, alone


def _choose(root: Path, masks: Names) -> tuple[Meaning, int]:
    """The meaning of the masks' values, and how many masks were looked at."""
    names = read_mask_names(root)
    seen: dict[bool, dict[int, int]] = {False: {}, True: {}}  # greys, colours: the mask that showed it first
    looked = 0
    for place in _sample(len(masks)):
        if looked >= SAMPLE and len(seen[False].keys() | seen[True].keys()) > 1:
            break
        try:
            values, coloured = read_values(root / masks.raw(place), coloured=names.coloured or None if names else None)
        except ImageError:
            continue  # whoever reads it gets the reason
        for value in different(values):
            seen[coloured].setdefault(value, place)
        looked += 1
    if not looked:
        raise DataError(f"{root} has no mask that can be read, as {masks[0]}; expected PNG files")
    coloured = bool(seen[True])
    if coloured:
        seen[True] |= {grey * 0x010101: place for grey, place in seen[False].items()}  # no colour but black, perhaps

    def where(value: int) -> str:
        return _where(root, masks, seen[coloured][value], value, coloured=coloured)

    return understand(list(seen[coloured]), where, coloured=coloured, names=names), looked


def _where(root: Path, masks: Names, place: int, value: int, *, coloured: bool) -> str:
    """'masks/a.png has 7 at pixel (2, 1)': the first pixel of a value, in the first mask that showed it."""
    values, _ = read_values(root / masks.raw(place), coloured=coloured)
    y, x = np.unravel_index(int((values == value).argmax()), values.shape)
    return f"{printable(masks[place])} has {shown(value, coloured=coloured)} at pixel ({x}, {y})"


def _sample(count: int) -> Iterator[int]:
    """Places spread evenly, then all others."""
    first = sorted({place * count // SAMPLE for place in range(SAMPLE)})
    yield from first
    yield from sorted(set(range(count)).difference(first))


def _read(image: str, mask: str, meaning: Meaning) -> NDArray[np.uint8]:
    """The mask (H, W) in class numbers, turned upright if it was drawn on an image that was not."""
    values, _ = read_values(mask, coloured=meaning.coloured)
    try:
        numbers = meaning.numbers(values)
    except ImageError as error:
        raise ImageError(error.reason, mask) from error
    frame = read_frame(image)
    height, width = numbers.shape
    if (width, height) == frame.upright:
        return numbers
    if (width, height) == (frame.width, frame.height):
        return upright(numbers[:, :, None], frame.orientation)[:, :, 0]
    raise ImageError(
        f"its mask has {width}×{height} pixels and the image {frame.upright[0]}×{frame.upright[1]}; make them alike",
        mask,
    )


def _remarks(pairs: Pairs) -> Iterable[str]:
    if pairs.bare:
        yield f"images without a mask, left out: {len(pairs.bare):,}, as {pairs.bare[0]}"
    if pairs.alone:
        yield f"masks without an image, left out: {len(pairs.alone):,}, as {pairs.alone[0]}"
