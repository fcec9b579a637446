"""images/ and labels.csv with a row for each: path, label, and split and group where there are any."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

from striate.datasets.dataset import Dataset
from striate.datasets.targets import Classes, Tags
from striate.datasets.writers.copying import Copying, divided_words, write
from striate.datasets.writers.losses import lost_classes
from striate.errors import DataError

_BETWEEN = ";"  # the labels of one image


def manifest_loses(dataset: Dataset) -> Iterator[str]:
    """What a manifest cannot hold: classes without images, and their order."""
    yield from lost_classes(dataset)


def write_manifest(dataset: Dataset, out: Path, watch: Callable[[], None]) -> tuple[str, ...]:
    """Write all images and the table. Raises DataError for a class whose name cannot stand in it."""
    for name in dataset.classes:
        if _BETWEEN in name or name != name.strip() or not name.isprintable() or not name:
            raise DataError(
                f"the class {name!r} cannot stand in labels.csv, where {_BETWEEN} separates labels; rename it"
            )
    words = divided_words(dataset)
    copying = Copying(dataset, out, watch, [0] * len(dataset), by_stem=False)
    columns = ["path", "label", *["split"] * any(words), *["group"] * (dataset.groups is not None)]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for index, word in enumerate(words):
        group = [] if dataset.groups is None else [dataset.group(index)]
        split = [word] if word else []
        table.writerow([f"images/{copying.copy(index, 'images')}", _label(dataset, index), *split, *group])
    write(out / "labels.csv", text.getvalue().encode())
    return copying.remarks()


def _label(dataset: Dataset, index: int) -> str:
    """The class; or all tags, each closed by a semicolon, so that one alone is known for a tag too."""
    if isinstance(dataset.targets, Classes):
        return dataset.classes[int(dataset.targets.numbers[index])]
    if isinstance(dataset.targets, Tags):
        return "".join(f"{dataset.classes[number]}{_BETWEEN}" for number in dataset.targets.of(index))
    raise DataError(f"{dataset.name} has {dataset.task}; expected classes or tags")
