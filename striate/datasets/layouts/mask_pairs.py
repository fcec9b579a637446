"""Which mask belongs to which image: the one of the same path but the ending, or with _mask before the ending."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from striate.datasets.dataset import PARTS
from striate.datasets.layouts.files import IMAGE_ENDINGS, PART_NAMES, holds_file, image_files, part_called
from striate.errors import DataError
from striate.images.walking import entries

_IMAGES = ("images", "image", "imgs", "img", "jpegimages")
_MASKS = ("masks", "mask", "segmentationclass", "annotations", "labels")
_ENDING = "_mask"


@dataclass(frozen=True)
class Pairs:
    """Images and their masks, the part of each (none: not divided), and what has no partner."""

    images: list[Path] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    parts: list[str | None] = field(default_factory=list)
    bare: list[Path] = field(default_factory=list)  # images without a mask
    alone: list[Path] = field(default_factory=list)  # masks without an image


def recognises_masks(root: Path) -> bool:
    """Whether it is a folder with images/ beside masks/, or folders of parts with both, and images lie in masks/."""
    return root.is_dir() and any(_holds_images(masks) for _, _, masks in _folders(root))


def find_pairs(root: Path) -> Pairs:
    """All pairs below a folder. Raises DataError for two masks, or two images, of one name."""
    pairs = Pairs()
    for part, images, masks in _folders(root):
        of = _by_name(masks)
        for name, image in _by_name(images).items():
            mask = of.pop(name, None) or of.pop(name + _ENDING, None)
            if mask is None:
                pairs.bare.append(image)
                continue
            pairs.images.append(image)
            pairs.masks.append(mask)
            pairs.parts.append(part)
        pairs.alone.extend(of.values())
    return pairs


def _folders(root: Path) -> Iterator[tuple[str | None, Path, Path]]:
    """(part, folder of images, folder of masks), in the order of the parts."""
    own = _two(root)
    if own is None:
        for part, words in PART_NAMES.items():
            for two in (_two(root / word) for word in words if (root / word).is_dir()):
                if two:
                    yield (part, *two)
        return
    images, masks = own
    below = [path for path in entries(images) if path.is_dir()]
    inside = {called: path for path in below if (called := part_called(path.name))}
    if not inside or len(inside) < len(below):
        yield (None, images, masks)
        return
    for part in sorted(inside, key=PARTS.index):
        yield (part, inside[part], masks / inside[part].name)


def _two(folder: Path) -> tuple[Path, Path] | None:
    """The folders of images and of masks, if it has both."""
    folders = {path.name.lower(): path for path in entries(folder) if path.is_dir()}
    images = next((folders[name] for name in _IMAGES if name in folders), None)
    masks = next((folders[name] for name in _MASKS if name in folders), None)
    return (images, masks) if images and masks else None


def _holds_images(folder: Path) -> bool:
    """Whether an image lies in a folder or one below."""
    if not folder.is_dir():
        return False
    folders = [folder, *(path for path in entries(folder) if path.is_dir())]
    return any(holds_file(one, IMAGE_ENDINGS) for one in folders)


def _by_name(folder: Path) -> dict[str, Path]:
    """Image files by their path below the folder, without the ending."""
    found: dict[str, Path] = {}
    for path in image_files(folder) if folder.is_dir() else ():
        name = os.path.relpath(path.with_suffix(""), folder)
        if name in found:
            raise DataError(f"{path} and {found[name].name} have one name; remove one of them")
        found[name] = path
    return found
