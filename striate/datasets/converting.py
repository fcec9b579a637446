"""A data set written in another format: images copied byte for byte, and everything else that both can hold.

What the target cannot hold is counted and refused, unless it may be lost. The folder appears whole or not at all.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from striate.datasets.annotated import all_upright
from striate.datasets.dataset import Dataset
from striate.datasets.layouts.files import several
from striate.datasets.layouts.shard_writer import write_shards
from striate.datasets.targets import Boxes
from striate.datasets.writers.coco import coco_loses, write_coco
from striate.datasets.writers.folder import folder_loses, write_folder
from striate.datasets.writers.losses import lost_groups
from striate.datasets.writers.manifest import manifest_loses, write_manifest
from striate.datasets.writers.masks import write_masks
from striate.datasets.writers.voc import voc_loses, write_voc
from striate.datasets.writers.yolo import write_yolo, yolo_loses
from striate.errors import DataError, StorageError, UnknownNameError

Watch = Callable[[], None]  # called after each image


@dataclass(frozen=True)
class Writer:
    """How a format is written, which tasks it holds, and what of a data set of these it cannot hold."""

    write: Callable[[Dataset, Path, Watch], Iterable[str]]  # gives what a person should be told
    loses: Callable[[Dataset], Iterable[str]]
    tasks: tuple[str, ...]


def _write_webdataset(dataset: Dataset, out: Path, watch: Watch) -> Iterable[str]:
    write_shards(dataset, out, watch=watch)
    return ()


WRITERS = {
    "coco": Writer(write_coco, coco_loses, ("boxes",)),
    "folder": Writer(write_folder, folder_loses, ("classes",)),
    "manifest": Writer(write_manifest, manifest_loses, ("classes", "tags")),
    "masks": Writer(write_masks, lost_groups, ("masks",)),
    "voc": Writer(write_voc, voc_loses, ("boxes",)),
    "webdataset": Writer(_write_webdataset, lost_groups, ("classes", "tags", "boxes", "masks")),
    "yolo": Writer(write_yolo, yolo_loses, ("boxes",)),
}
_PARTIAL = ".striate-partial-"


@dataclass(frozen=True)
class Converted:
    """The new folder, the number of its images, and what a person should be told."""

    folder: Path
    images: int
    remarks: tuple[str, ...]


def convert(dataset: Dataset, out: Path, to: str, *, lossy: bool = False, watch: Watch = lambda: None) -> Converted:
    """Write a data set into the new or empty folder `out` in the format `to`, one of `WRITERS`.

    Parts and names are kept, and their order but for shards, which mix the training images; boxes to a millionth of a
    pixel, in upright frames. With `lossy` what the format cannot hold is left out, and said. Raises UnknownNameError
    for another format, DataError for what cannot be read or held, StorageError if the disk takes no more; `out` is
    then as it was.
    """
    if to not in WRITERS:
        raise UnknownNameError("format", to, WRITERS)
    writer = WRITERS[to]
    if dataset.task not in writer.tasks:
        able = several((name for name, other in WRITERS.items() if dataset.task in other.tasks), "or")
        raise DataError(f"{dataset.name} has {dataset.task}, which {to} does not hold; convert it to {able}")
    _expect_free(out)
    upright, remarks = _upright(dataset)
    if lost := list(writer.loses(upright)):
        if not lossy:
            raise DataError(f"{to} cannot hold {several(lost)}; convert to another format, or lose them with --lossy")
        remarks.append(f"lost: {several(lost)}")
    with _whole(out) as folder:
        remarks += writer.write(upright, folder, watch)
    return Converted(out, len(dataset), tuple(remarks))


def _expect_free(out: Path) -> None:
    try:
        if out.exists() and not (out.is_dir() and not any(out.iterdir())):
            what = "is not empty" if out.is_dir() else "is a file"
            raise DataError(f"{out} {what}; name a new folder, or an empty one")
    except OSError as error:
        raise StorageError(f"{out} cannot be looked into: {error.strerror}; name another folder") from error


def _upright(dataset: Dataset) -> tuple[Dataset, list[str]]:
    """The data set with its boxes in the frames that people see, and what became of them."""
    if not isinstance(dataset.targets, Boxes):
        return dataset, []
    upright = all_upright(dataset)
    remarks = []
    if upright.turned:
        remarks.append(f"images whose boxes are turned upright with them, as EXIF says: {len(upright.turned):,}")
    if upright.other:
        first = dataset.names[upright.other[0]]
        remarks.append(f"images of another size than their annotation tells: {len(upright.other):,}, as {first}")
    return replace(dataset, targets=upright.boxes), remarks


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of `out` at the end, or goes away with all that is in it."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=_PARTIAL, ignore_cleanup_errors=True) as aside:
            folder = Path(aside, out.name)
            folder.mkdir()
            try:
                yield folder
            except StorageError as error:
                raise StorageError(str(error).replace(aside, str(out.parent))) from error
            folder.replace(out)
    except OSError as error:
        raise StorageError(
            f"cannot write {out}: {error.strerror or error}; nothing is left of it: make room, or check the permissions"
        ) from error
