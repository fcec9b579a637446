"""A table that names each image and its label, perhaps its part and its group: labels.csv, or any .csv, .tsv, .parquet.

Columns go by the names in `COLUMNS`, in any case. Several labels of one image stand as `cat;dog`: one such row makes
all rows tags. A Hugging Face image folder is this too: metadata.csv in it, or one in each of train/ and test/.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import PARTS, TRAIN, Dataset
from striate.datasets.layouts.files import PART_NAMES, expect_distinct, expect_files, fetch_below, part_called, several
from striate.datasets.layouts.manifest_rows import COLUMNS, Rows, Source, take_rows
from striate.datasets.layouts.tables import TABLE_ENDINGS, columns_of
from striate.datasets.names import Names
from striate.datasets.targets import Classes, Tags
from striate.errors import DataError, printable

BETWEEN = ";"  # the labels of one image


def recognises_manifest(root: Path) -> bool:
    """Whether it is a table, or a folder with labels.csv, or with a metadata.csv that names images and labels."""
    if root.is_dir():
        return bool(_sources(root))
    return root.is_file() and root.suffix.lower() in TABLE_ENDINGS


def read_manifest(root: Path) -> Dataset:
    """Classes are the labels, sorted. Raises DataError, naming file and line, for what cannot be understood."""
    sources = _sources(root) if root.is_dir() else [Source(root)]
    if not sources:
        raise DataError(f"{root} has no table of its images; expected labels.csv or metadata.csv")
    base = root if root.is_dir() else root.parent
    rows = Rows()
    names = Names(path for source in sources for path in take_rows(source, base, rows))
    told_by = several(source.file for source in sources)
    if not len(names):
        raise DataError(f"{told_by} has no rows; expected one for each image")
    expect_distinct(names, told_by)
    classes, targets = _targets(rows)
    if not classes:
        raise DataError(f"{told_by} has no label in any row; name at least one")
    parts, divided = _parts(rows)
    _expect_training(classes, targets, parts, told_by)
    expect_files(base, names, told_by)
    groups = np.array(rows.groups.numbers, np.int32) if rows.groups.numbers else None
    name = base.resolve().name if root.is_dir() else root.stem
    fetch, called = fetch_below(base, names), tuple(rows.groups.known)
    return Dataset(name, classes, names, targets, parts, fetch, divided, groups, group_names=called)


def _sources(root: Path) -> list[Source]:
    """The table of a folder, or those in the folders of its parts."""
    if own := _table(root):
        return [Source(own)]
    inside = [(part, root / word) for part, words in PART_NAMES.items() for word in words]
    return [Source(table, part) for part, folder in inside if (table := _table(folder))]


def _table(folder: Path) -> Path | None:
    """labels.* as it is; metadata.* only if it has the columns, since other things are called so too."""
    labels = [path for ending in TABLE_ENDINGS if (path := folder / f"labels{ending}").is_file()]
    metadata = [path for ending in TABLE_ENDINGS if (path := folder / f"metadata{ending}").is_file()]
    tables = labels + [path for path in metadata if _tells_labels(path)]
    if len(tables) > 1:
        raise DataError(f"{folder} has {several(path.name for path in tables)}; keep one")
    return tables[0] if tables else None


def _tells_labels(path: Path) -> bool:
    try:
        header = {name.lower() for name in columns_of(path)}
    except DataError:
        return False
    return all(header & set(COLUMNS[meaning]) for meaning in ("path", "label"))


def _targets(rows: Rows) -> tuple[tuple[str, ...], Classes | Tags]:
    texts = list(rows.labels.known)
    numbers = np.array(rows.labels.numbers, np.int32)
    if any(BETWEEN in text for text in texts):
        return _tags([_split(text) for text in texts], numbers)
    if "" in rows.labels.known:
        raise DataError(
            f"{rows.labels.place('')}: the label is empty; name a class, or remove the row: images without a label "
            f"are understood where others have several, as 'cat{BETWEEN}dog'"
        )
    classes = tuple(sorted(texts))
    rank = {label: number for number, label in enumerate(classes)}
    return classes, Classes(np.array([rank[text] for text in texts], np.int32)[numbers])


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(label.strip() for label in text.split(BETWEEN) if label.strip()))


def _tags(kinds: list[list[str]], numbers: NDArray[np.int32]) -> tuple[tuple[str, ...], Tags]:
    """Tags from the different sets of labels, and the number (N,) of the set that each image has."""
    classes = tuple(sorted({label for kind in kinds for label in kind}))
    rank = {label: number for number, label in enumerate(classes)}
    starts = np.cumsum([0, *map(len, kinds)]).astype(np.int64)
    members = np.array([number for kind in kinds for number in sorted(rank[label] for label in kind)], np.int32)
    return classes, Tags(starts, members).at(numbers.astype(np.int64))


def _parts(rows: Rows) -> tuple[NDArray[np.uint8], bool]:
    """The part (N,) of each image, and whether the table tells it."""
    known = rows.splits.known
    if list(known) == [""]:
        return np.zeros(len(rows.splits.numbers), np.uint8), False
    if "" in known:
        raise DataError(f"{rows.splits.place('')}: the split is empty, and others are not; fill in all of them or none")
    table = []
    for text in known:
        part = part_called(text)
        if part is None:
            accepted = several((word for words in PART_NAMES.values() for word in words), "or")
            raise DataError(f"{rows.splits.place(text)}: the split is {printable(text)!r}; expected {accepted}")
        table.append(PARTS.index(part))
    return np.array(table, np.uint8)[np.array(rows.splits.numbers)], True


def _expect_training(classes: tuple[str, ...], targets: Classes | Tags, parts: NDArray[np.uint8], told_by: str) -> None:
    """Raise DataError if a class has images, but none to train on, where there are some of other classes."""
    training = np.flatnonzero(parts == PARTS.index(TRAIN))
    if not len(training):
        return  # data to evaluate on
    missing = np.flatnonzero(targets.at(training).counts(len(classes)) == 0)
    if len(missing):
        images = int(targets.counts(len(classes))[missing[0]])
        raise DataError(
            f"{told_by}: all images of the class {classes[missing[0]]!r} ({images:,}) are for validation or test; move "
            "some to train, or rename it"
        )
