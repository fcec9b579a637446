"""Images copied as they are, byte for byte, under names that no two share."""

import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from striate.datasets.dataset import PARTS, Dataset
from striate.datasets.layouts.files import IMAGE_ENDINGS
from striate.datasets.layouts.stored import stored
from striate.datasets.targets import Boxes
from striate.errors import DataError, printable

WORDS = dict(zip(PARTS, ("train", "val", "test"), strict=True))  # what the folders and lists of the parts are called


class Copying:
    """Copies the images of a data set to a folder; images of one scope have different names.

    `scopes` (N,) says which images share a folder; with `by_stem` names differ without their endings too, since what
    belongs to an image is called by them. `watch` is called after each image.
    """

    def __init__(
        self, dataset: Dataset, out: Path, watch: Callable[[], None], scopes: Sequence[Hashable], *, by_stem: bool
    ) -> None:
        self._dataset, self._out, self._watch = dataset, out, watch
        self._names = distinct_names(list(dataset.names), scopes, by_stem=by_stem)

    def copy(self, index: int, folder: str) -> str:
        """Copy image `index` into a folder below the root; its name there. Raises DataError if it cannot be read."""
        name = self._names[index]
        content, ending = stored(self._dataset.source(index), self._dataset.names[index])
        if _ending(name) is None:
            name = f"{name}.{ending}"
        write(self._out / folder / name, content)
        self._watch()
        return name

    def remarks(self) -> tuple[str, ...]:
        """That files have other names than before, if some have."""
        pairs = zip(self._dataset.names, self._names, strict=True)
        renamed = [(before, after) for before, after in pairs if PurePosixPath(before).name != after]
        if not renamed:
            return ()
        before, after = map(printable, renamed[0])
        return (f"files with new names, since others are called alike: {len(renamed):,}, as {before}, now {after}",)


def distinct_names(names: Sequence[str], scopes: Sequence[Hashable], *, by_stem: bool) -> list[str]:
    """A file name for each path, different from all others of its scope, also where case does not count.

    A file keeps its own name; those that would share one get the names of their folders in front.

    >>> distinct_names(["cat/1.png", "dog/1.png", "dog/2.png"], [0, 0, 0], by_stem=False)
    ['cat_1.png', 'dog_1.png', '2.png']
    """
    plain = [printable(PurePosixPath(name).name).strip() or "image" for name in names]
    keys = [(scope, _key(name, by_stem)) for scope, name in zip(scopes, plain, strict=True)]
    counts = Counter(keys)
    taken = {key for key, count in counts.items() if count == 1}
    return [
        plain[index] if counts[keys[index]] == 1 else _free(_with_folders(name), scopes[index], taken, by_stem)
        for index, name in enumerate(names)
    ]


def boxes_of(dataset: Dataset) -> Boxes:
    """The boxes of a data set. Raises DataError if it has something else."""
    if isinstance(dataset.targets, Boxes):
        return dataset.targets
    raise DataError(f"{dataset.name} has {dataset.task}; expected boxes")


def divided_words(dataset: Dataset) -> list[str]:
    """The word of each image's part, or nothing if the data set is all of one piece."""
    if not dataset.divided and not dataset.parts.any():
        return [""] * len(dataset)
    words = [WORDS[part] for part in PARTS]
    return [words[part] for part in dataset.parts]


def write(path: Path, content: bytes) -> None:
    """Put a file into a folder, which is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Put a file of lines into a folder, which is made."""
    write(path, "".join(f"{line}\n" for line in lines).encode())


def _key(name: str, by_stem: bool) -> str:
    """What must differ: a name without an ending gets one, so of those the stem counts."""
    return (os.path.splitext(name)[0] if by_stem and _ending(name) else name).casefold()  # noqa: PTH122 - a million


def _ending(name: str) -> str | None:
    ending = os.path.splitext(name)[1].lower()  # noqa: PTH122
    return ending if ending in IMAGE_ENDINGS else None


def _with_folders(name: str) -> str:
    return "_".join(part.strip() for part in PurePosixPath(printable(name)).parts if part not in ("/", "..", "."))


def _free(name: str, scope: Hashable, taken: set[tuple[Hashable, str]], by_stem: bool) -> str:
    """The name, or else with the first number that nobody has; it is taken from then on."""
    stem, ending = os.path.splitext(name) if _ending(name) else (name, "")  # noqa: PTH122
    number, tried = 1, name
    while (key := (scope, _key(tried, by_stem))) in taken:
        number += 1
        tried = f"{stem}_{number}{ending}"
    taken.add(key)
    return tried
