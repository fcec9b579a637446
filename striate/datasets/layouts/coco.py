"""COCO instances: JSON files that list images, categories and boxes with outlines (Lin et al. 2014, arXiv:1405.0312).

Classes are the categories in the order of their ids, which may have gaps; the files of a set, and two ids of one name,
meet by name. Run lengths (RLE) leave their box and the flag "rle", so that a conversion can say what it would lose.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import PARTS, TRAIN, Dataset
from striate.datasets.layouts import coco_records
from striate.datasets.layouts.coco_files import CocoFile, coco_files
from striate.datasets.layouts.files import expect_distinct, expect_files, fetch_below, several
from striate.datasets.layouts.gathering import Gathering, join_boxes
from striate.datasets.layouts.ids import Ids
from striate.datasets.layouts.records import json_records
from striate.datasets.names import Names
from striate.datasets.targets import Boxes
from striate.errors import DataError

_LISTS = frozenset(["images", "annotations", "categories"])
_READ = frozenset(["id", "image_id", "category_id", "bbox", "segmentation", "iscrowd", "area"])  # area: recomputable


def read_coco(root: Path) -> Dataset:
    """A .json file, or a folder of them and their images. Raises DataError, naming file and record."""
    files = coco_files(root)
    taken = [_Taken(file) for file in files]
    told_by = several(file.path for file in files)
    names = Names(name for one in taken for name in one.names())
    if not len(names):
        raise DataError(f"{told_by} lists no images; expected one record for each in `images`")
    expect_distinct(names, told_by)
    expect_files(files[0].base, names, told_by)
    classes = _classes(taken)
    parts = np.array([PARTS.index(file.part or TRAIN) for file in files], np.uint8)
    return Dataset(
        name=root.resolve().name if root.is_dir() else root.stem,
        classes=classes,
        names=names,
        targets=join_boxes([one.boxes(classes) for one in taken]),
        parts=parts.repeat([len(one.file_names) for one in taken]),
        fetch=fetch_below(files[0].base, names),
        divided=files[0].part is not None,
        remarks=_remarks(taken),
    )


class _Taken:
    """What is taken from one file."""

    def __init__(self, file: CocoFile) -> None:
        self.file = file
        self.file_names: list[str] = []
        self.categories: dict[int | str, str] = {}
        self.unread: set[str] = set()
        self.run_lengths = 0
        self._image_ids, self._category_ids = Ids("images"), Ids("categories")
        self._sizes: list[tuple[int, int]] = []
        self._gathering = Gathering()
        take = {"images": self._image, "annotations": self._annotation, "categories": self._category}
        for key, number, record in json_records(file.path, _LISTS):
            take[key](record, f"{file.path}: {key}[{number}]")
        self._image_ids.expect_all()
        self._category_ids.expect_all()

    def names(self) -> list[str]:
        """The paths of the images below the base, in the folder that holds most of them."""
        below = os.path.relpath(self.file.folder(self.file_names), self.file.base)
        return [os.path.normpath(os.path.join(below, name)) for name in self.file_names]  # noqa: PTH118 - many

    def class_names(self) -> list[str]:
        """The categories by their ids, numbers before texts; two ids may have one name."""
        ids = sorted(self.categories, key=lambda identity: (isinstance(identity, str), identity))
        return list(dict.fromkeys(self.categories[identity] for identity in ids))

    def boxes(self, classes: tuple[str, ...]) -> Boxes:
        """The boxes of each image, in the order of the images' records."""
        order = np.array(self._image_ids.described, np.int64)
        by_number: list[tuple[int, int]] = [(0, 0)] * len(order)
        for number, size in zip(order, self._sizes, strict=True):
            by_number[number] = size
        return self._gathering.boxes(by_number, self._numbers(classes)).at(order)

    def _numbers(self, classes: tuple[str, ...]) -> NDArray[np.int32]:
        """The class number of each category, as they were met."""
        return np.array([classes.index(self.categories[identity]) for identity in self._category_ids.numbers], np.int32)

    def _image(self, record: dict[str, Any], where: str) -> None:
        self._image_ids.describe(coco_records.identity(record, "id", where), where)
        self.file_names.append(coco_records.text(record, "file_name", where))
        self._sizes.append(coco_records.size(record, where))

    def _category(self, record: dict[str, Any], where: str) -> None:
        identity = coco_records.identity(record, "id", where)
        self._category_ids.describe(identity, where)
        self.categories[identity] = coco_records.text(record, "name", where)

    def _annotation(self, record: dict[str, Any], where: str) -> None:
        image = self._image_ids.point(coco_records.identity(record, "image_id", where), where)
        number = self._category_ids.point(coco_records.identity(record, "category_id", where), where)
        shape = coco_records.shape(record, where)
        self._gathering.add(image, number, shape.corners, rings=shape.rings, flags=shape.flags)
        self.run_lengths += coco_records.RUN_LENGTHS in shape.flags
        self.unread |= record.keys() - _READ


def _classes(taken: list[_Taken]) -> tuple[str, ...]:
    """Those of the training file. Raises DataError if another file has one that is not among them.

    Without a training file, those of all.
    """
    classes = taken[0].class_names()
    if taken[0].file.part not in (None, TRAIN):
        classes = list(dict.fromkeys(name for one in taken for name in one.class_names()))
    if not classes:
        raise DataError(f"{taken[0].file.path} lists no categories; expected an id and a name for each class")
    for one in taken[1:]:
        if unknown := [name for name in one.class_names() if name not in classes]:
            raise DataError(
                f"{one.file.path} has the category {unknown[0]!r}, which {taken[0].file.path} has not; add or rename it"
            )
    return tuple(classes)


def _remarks(taken: list[_Taken]) -> tuple[str, ...]:
    unread = sorted(set().union(*(one.unread for one in taken)))
    run_lengths = sum(one.run_lengths for one in taken)
    remarks = []
    if run_lengths:
        remarks.append(f"outlines in run lengths (RLE), of which only the boxes are read: {run_lengths:,}")
    if unread:
        remarks.append(f"the annotations' {several(unread)} {'is' if len(unread) == 1 else 'are'} not read")
    return tuple(remarks)
