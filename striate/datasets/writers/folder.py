"""One sub-folder of images for each class, inside train/, val/ and test/ if the data set is divided."""

from collections.abc import Callable, Iterator
from pathlib import Path

from striate.datasets.dataset import Dataset
from striate.datasets.writers.copying import Copying, divided_words
from striate.datasets.writers.losses import lost_classes, lost_groups
from striate.errors import DataError
from striate.images.walking import hidden

_LONGEST = 255  # bytes of a folder's name


def folder_loses(dataset: Dataset) -> Iterator[str]:
    """What folders cannot hold: classes without images, their order, and groups."""
    yield from lost_classes(dataset)
    yield from lost_groups(dataset)


def write_folder(dataset: Dataset, out: Path, watch: Callable[[], None]) -> tuple[str, ...]:
    """Write all images. Raises DataError for a class whose name cannot be a folder's."""
    _expect_names(dataset)
    folders = [f"{word}/{label}" for word, label in zip(divided_words(dataset), dataset.labels, strict=True)]
    copying = Copying(dataset, out, watch, folders, by_stem=False)
    for index, folder in enumerate(folders):
        copying.copy(index, folder.lstrip("/"))
    return copying.remarks()


def _expect_names(dataset: Dataset) -> None:
    folded: dict[str, str] = {}
    for name in dataset.classes:
        if "/" in name or hidden(name) or not name.strip() or not name.isprintable() or len(name.encode()) > _LONGEST:
            raise DataError(f"the class {name!r} cannot be the name of a folder; rename it, or convert to manifest")
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(f"the classes {other!r} and {name!r} are one folder where case does not count; rename one")
