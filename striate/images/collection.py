"""A collection: images that can be read one by one, each with its name, its label and its part in the division."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from striate.errors import DataError
from striate.images.digits import read_digits
from striate.images.reading import Pixels, read_image
from striate.images.walking import entries, files_below

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = {  # how people call the folders of the three parts
    TRAIN: ("train", "training"),
    VALIDATION: ("val", "valid", "validation"),
    TEST: ("test", "testing"),
}
_DIGITS_DIVISION_SEED = 0  # the held-out fifth of the digits never changes


@dataclass(frozen=True)
class Collection:
    """`names`, `labels` and `parts` have one entry an image; `read(i)` decodes image i or raises ImageError.

    `divided` says whether the parts are the data's own, or were drawn here.
    """

    name: str
    names: Sequence[str]
    labels: Sequence[str]
    parts: Sequence[str]
    read: Callable[[int], Pixels]
    divided: bool

    def members(self, part: str) -> list[int]:
        """Indices of the images of a part."""
        return [index for index, own in enumerate(self.parts) if own == part]


def open_collection(data: str | os.PathLike[str], *, seed: int = 0) -> Collection:
    """`digits`, or a folder with one sub-folder for each class, perhaps inside train/, val/ and test/.

    What is not divided is: a fifth of each class for the test, a tenth for validation, drawn with `seed`. The digits'
    division is fixed. Raises DataError if the folder is not laid out so.
    """
    if data == "digits":
        return _digits()
    root = Path(data)
    if not os.fspath(data) or not root.is_dir():
        what = "a file" if os.fspath(data) and root.exists() else "not there"
        raise DataError(
            f"{os.fspath(data) or 'an empty name'} is {what}; "
            "expected `digits` or a folder with one sub-folder of images for each class"
        )
    return _folder(root, seed)


def _digits() -> Collection:
    scans, values = read_digits()
    labels = [str(value) for value in values]
    parts = _divide(labels, _DIGITS_DIVISION_SEED, test=True, validation=True)
    names = [f"digits/{index:04d}" for index in range(len(labels))]
    return Collection("digits", names, labels, parts, lambda index: scans[index][:, :, None], divided=True)


def _folder(root: Path, seed: int) -> Collection:
    given = _part_folders(root)
    files: list[tuple[Path, str, str]] = []
    for part, folder in (given or {TRAIN: root}).items():
        files += [(path, label, part) for label, path in _class_files(folder)]
    labels = [label for _, label, _ in files]
    _check_classes(files)
    parts = [part for _, _, part in files]
    undivided = [index for index, part in enumerate(parts) if part == TRAIN]
    drawn = _divide(
        [labels[i] for i in undivided],
        seed,
        test=not given,  # people who bring a validation folder but no test folder want all the rest to be trained on
        validation=VALIDATION not in given,
    )
    for index, part in zip(undivided, drawn, strict=True):
        parts[index] = part
    names = [str(path.relative_to(root)).encode(errors="backslashreplace").decode() for path, _, _ in files]
    return Collection(root.resolve().name, names, labels, parts, lambda index: read_image(files[index][0]), bool(given))


def _part_folders(root: Path) -> dict[str, Path]:
    """The folders of the parts, if the collection comes divided: if train/ holds folders (else it shows trains)."""
    folders = {path.name.lower(): path for path in entries(root) if path.is_dir()}
    found = {part: [folders[name] for name in names if name in folders] for part, names in PARTS.items()}
    divided = [
        part for part, same in found.items() if any(path.is_dir() for folder in same for path in entries(folder))
    ]
    if TRAIN not in divided:
        if divided:
            raise DataError(f"{root} has a folder for the {' and the '.join(divided)}, but no train folder; add one")
        return {}
    parts = [folder for same in found.values() for folder in same]
    if beside := [path.name for path in folders.values() if path not in parts]:
        raise DataError(f"{root} has {', '.join(beside)} beside its parts; move it into train, val or test, or away")
    for part, same in found.items():
        if len(same) > 1:
            names = " and ".join(path.name for path in same)
            raise DataError(f"{root} has more than one folder for {part}, {names}; merge them or remove all but one")
    return {part: same[0] for part, same in found.items() if same}


def _class_files(folder: Path) -> list[tuple[str, Path]]:
    """(label, file) of every file in the class folders, sorted; folders inside a class folder are looked into."""
    classes = [path for path in entries(folder) if path.is_dir()]
    if not classes:
        loose = sum(path.is_file() for path in entries(folder))
        raise DataError(
            f"{folder} has no sub-folders{f', but {loose} files' if loose else ''}; "
            "expected one sub-folder of images for each class"
        )
    found = []
    for path in classes:
        if not path.name.isprintable():
            raise DataError(f"the class folder {str(path)!r} has a name that cannot be printed; rename it")
        files = files_below(path)
        if not files:
            raise DataError(f"the class folder {path} is empty; put images into it or remove it")
        found += [(unicodedata.normalize("NFC", path.name), file) for file in files]
    return found


def _check_classes(files: Sequence[tuple[Path, str, str]]) -> None:
    known = {label for _, label, part in files if part == TRAIN}
    for path, label, _ in files:
        if label not in known:
            raise DataError(
                f"the class {label!r} of {path.parent} is not among the training classes; rename or remove it"
            )


def _divide(labels: Sequence[str], seed: int, *, test: bool, validation: bool) -> list[str]:
    """A part for each image: of each class a fifth to the test and a tenth to validation, at least one of three."""
    generator = np.random.default_rng(seed)
    groups: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        groups[label].append(index)
    parts = np.full(len(labels), TRAIN, dtype=object)
    for _, group in sorted(groups.items()):
        order, count = generator.permutation(group), len(group)
        fifth = round(count / 5) if test else 0
        tenth = max(round(count / 10), count >= 2) if validation else 0
        parts[order[:fifth]] = TEST
        parts[order[fifth : fifth + tenth]] = VALIDATION
    return list(parts)
