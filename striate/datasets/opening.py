"""The one door: whatever people have, opened as a `Dataset`; nothing is decoded yet."""

import os
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from striate.datasets.dataset import Dataset
from striate.datasets.dividing import divide
from striate.datasets.layouts.arrays import read_npz, recognises_npz
from striate.datasets.layouts.cifar import read_cifar, recognises_cifar
from striate.datasets.layouts.coco import read_coco
from striate.datasets.layouts.coco_files import recognises_coco
from striate.datasets.layouts.folders import read_folders
from striate.datasets.layouts.idx import read_idx, recognises_idx
from striate.datasets.layouts.manifest import read_manifest, recognises_manifest
from striate.datasets.layouts.mask_pairs import recognises_masks
from striate.datasets.layouts.masks import read_masks
from striate.datasets.layouts.shard_paths import recognises_shards
from striate.datasets.layouts.shards import read_shards
from striate.datasets.layouts.voc import read_voc
from striate.datasets.layouts.voc_files import recognises_voc
from striate.datasets.layouts.yolo import read_yolo
from striate.datasets.layouts.yolo_files import recognises_yolo
from striate.datasets.named import open_named
from striate.datasets.published import NAMED
from striate.errors import DataError, UnknownNameError


class Layout(NamedTuple):
    """A way to lay out images: how it is known, and how it is read."""

    recognises: Callable[[Path], bool]
    read: Callable[[Path], Dataset]


LAYOUTS = {  # the first that recognises a place reads it; a folder that none of them does has a folder for each class
    "manifest": Layout(recognises_manifest, read_manifest),
    "coco": Layout(recognises_coco, read_coco),
    "voc": Layout(recognises_voc, read_voc),
    "yolo": Layout(recognises_yolo, read_yolo),
    "masks": Layout(recognises_masks, read_masks),
    "shards": Layout(recognises_shards, read_shards),
    "idx": Layout(recognises_idx, read_idx),
    "cifar": Layout(recognises_cifar, read_cifar),
    "npz": Layout(recognises_npz, read_npz),
}


def open_dataset(data: "str | os.PathLike[str] | Dataset", *, seed: int = 0) -> Dataset:
    """A name, a file, a folder, or a data set made in Python, divided into its parts.

    What is not divided is: a fifth of each class for the test, a tenth for validation, drawn with `seed`; groups stay
    together. The digits' division is fixed. Raises DataError if it is not laid out in any way that is known.
    """
    return divide(open_layout(data), seed)


def open_layout(data: "str | os.PathLike[str] | Dataset") -> Dataset:
    """The same as it came: what is not divided is not, and counts as training."""
    if isinstance(data, Dataset):
        return data
    if data in NAMED:
        return open_named(str(data))
    root = Path(data)
    if os.fspath(data):
        for layout in LAYOUTS.values():
            if layout.recognises(root):
                return layout.read(root)
        if root.is_dir():
            return read_folders(root)
    _refuse(os.fspath(data), root)
    raise AssertionError


def _refuse(data: str, root: Path) -> None:
    """Raise what says best why there is nothing to open."""
    if not root.exists() and get_close_matches(data, NAMED, cutoff=0.6):
        raise UnknownNameError("data set", data, NAMED)
    what = f"{data or 'an empty name'} is {'a file of no known layout' if data and root.exists() else 'not there'}"
    raise DataError(
        f"{what}; expected a folder with one sub-folder of images for each class, a .csv or .parquet of paths and "
        f"labels, COCO, VOC or YOLO annotations, images with masks, .tar shards, or a name: {', '.join(NAMED)}"
    )
