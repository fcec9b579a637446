"""A folder with one sub-folder of images for each class, perhaps inside train/, val/ and test/."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from striate.datasets.dataset import PARTS, TRAIN, Dataset
from striate.datasets.layouts.files import IMAGE_ENDINGS, PART_NAMES
from striate.datasets.names import Names
from striate.datasets.targets import Classes
from striate.errors import DataError
from striate.images.walking import entries, files_below


def read_folders(root: Path) -> Dataset:
    """Classes are the folders' names, in order. Raises DataError if the folder is not laid out so."""
    given = part_folders(root)
    names, numbers, parts = [], [], []
    known: dict[str, int] = {}
    for part, folder in (given or {TRAIN: root}).items():
        for label, path in _class_files(folder):
            if part != TRAIN and TRAIN in given and label not in known:
                raise DataError(
                    f"the class {label!r} of {path.parent} is not among the training classes; rename or remove it"
                )
            names.append(os.path.relpath(path, root))
            numbers.append(known.setdefault(label, len(known)))
            parts.append(PARTS.index(part))
    classes = sorted(known)
    order = np.empty(len(known), np.int32)
    order[[known[label] for label in classes]] = np.arange(len(known))
    found = Names(names)
    return Dataset(
        name=root.resolve().name,
        classes=tuple(classes),
        names=found,
        targets=Classes(order[np.array(numbers, np.int64)]),
        parts=np.array(parts, np.uint8),
        fetch=lambda index: os.path.join(root, found.raw(index)),  # noqa: PTH118 - a million of them
        divided=bool(given),
        remarks=tuple(_loose(folder) for folder in (given or {TRAIN: root}).values() if _loose(folder)),
    )


def _loose(folder: Path) -> str:
    """What is said of files beside the class folders; nothing where there are none."""
    files = [path for path in entries(folder) if path.is_file() and path.suffix.lower() in IMAGE_ENDINGS]
    if not files:
        return ""
    return f"images beside the class folders of {folder.name}, which are not read: {len(files):,}, as {files[0].name}"


def part_folders(root: Path) -> dict[str, Path]:
    """The folders of the parts, if the data come divided: if train/ holds folders (else it shows trains).

    Data to evaluate on may have a test alone.
    """
    folders = {path.name.lower(): path for path in entries(root) if path.is_dir()}
    found = {part: [folders[name] for name in names if name in folders] for part, names in PART_NAMES.items()}
    divided = [
        part for part, same in found.items() if any(path.is_dir() for folder in same for path in entries(folder))
    ]
    if not divided:
        return {}
    parts = [folder for same in found.values() for folder in same]
    if beside := [path.name for path in folders.values() if path not in parts]:
        raise DataError(f"{root} has {', '.join(beside)} beside its parts; move it into train, val or test, or away")
    for part, same in found.items():
        if len(same) > 1:
            names = " and ".join(path.name for path in same)
            raise DataError(f"{root} has more than one folder for {part}, {names}; merge them or remove all but one")
    return {part: same[0] for part, same in found.items() if same}


def _class_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(label, file) of every file in the class folders, sorted; folders inside a class folder are looked into."""
    classes = [path for path in entries(folder) if path.is_dir()]
    if not classes:
        loose = sum(path.is_file() for path in entries(folder))
        raise DataError(
            f"{folder} has no sub-folders{f', but {loose} files' if loose else ''}; "
            "expected one sub-folder of images for each class"
        )
    for path in classes:
        if not path.name.isprintable():
            raise DataError(f"the class folder {str(path)!r} has a name that cannot be printed; rename it")
        files = files_below(path)
        if not files:
            raise DataError(f"the class folder {path} is empty; put images into it or remove it")
        for file in files:
            yield unicodedata.normalize("NFC", path.name), file
