"""Write any data set as WebDataset shards that `read_shards` and others read: the same bytes for the same images.

Source: the WebDataset format (T. Breuel, github.com/webdataset/webdataset). Of each image its own bytes, and beside
it .cls, .json or .mask.png, as `shard_labels` describes them; numbers of classes are places in classes.txt. Training
images are written in a drawn order that is always the same: images of one class, one after the other, would leave a
shuffle buffer nothing to mix.
"""

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from striate.datasets.dataset import PARTS, TRAIN, Dataset
from striate.datasets.layouts.class_list import FILE
from striate.datasets.layouts.files import IMAGE_ENDINGS
from striate.datasets.layouts.stored import png, stored
from striate.datasets.targets import Boxes, Classes, Tags
from striate.errors import DataError, ImageError, StorageError, expect_whole, printable
from striate.images.keyed import Draws
from striate.writing import write_whole

PER_SHARD = 1_000  # images
_FULL = 1 << 28  # bytes; a shard is put together in memory


def write_shards(
    dataset: Dataset, out: Path, *, per_shard: int = PER_SHARD, watch: Callable[[], None] = lambda: None
) -> None:
    """Make the folder `out`, whole or not at all: train-000000.tar and so on, validation- and test-, and classes.txt.

    A shard has `per_shard` images, or fewer where they fill 256 MB. `watch` is called after each image. Raises
    DataError if `out` is not empty, or for an image or a mask that cannot be read or be kept exactly; StorageError if
    the disk is full.
    """
    expect_whole("per_shard", per_shard, 10**6)
    _expect_lines(dataset)
    out = out.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is there and not empty; choose another folder, or remove it")
    unfinished = out.parent / f".{out.name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)  # left by a run that was killed
    try:
        for part in PARTS:
            for number, shard in enumerate(_shards(dataset, part, per_shard, watch)):
                write_whole(unfinished / f"{part}-{number:06d}.tar", shard)
        write_whole(unfinished / FILE, "".join(f"{name}\n" for name in dataset.classes).encode())
        unfinished.replace(out)
    except OSError as error:
        raise StorageError(f"cannot write {out}: {error.strerror}; check the folder's permissions") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _shards(dataset: Dataset, part: str, per_shard: int, watch: Callable[[], None]) -> Iterator[bytes]:
    """The archives of one part, one after the other."""
    places = dataset.members(part)
    if part == TRAIN:
        drawn = Draws(0, 0, places).uniform("order in the shards", 1).numpy()[:, 0]
        places = places[np.argsort(drawn, kind="stable")]
    keys = _Keys(dataset)
    archive, images = _Archive(), 0
    for place in map(int, places):
        key = keys.of(place)
        for ending, content in _files(dataset, place):
            archive.add(f"{key}.{ending}", content)
        images += 1
        watch()
        if images == per_shard or archive.size > _FULL:
            yield archive.closed()
            archive, images = _Archive(), 0
    if images:
        yield archive.closed()


def _files(dataset: Dataset, place: int) -> Iterator[tuple[str, bytes]]:
    """(ending, content) of the image and of what is known of it."""
    content, ending = stored(dataset.source(place), dataset.names[place])
    yield ending, content
    targets = dataset.targets
    if isinstance(targets, Classes):
        yield "cls", str(targets.numbers[place]).encode()
    elif isinstance(targets, Tags):
        yield "json", _json({"labels": targets.of(place).tolist()})
    elif isinstance(targets, Boxes):
        yield "json", _json(_record(targets, place))
    else:
        try:
            yield "mask.png", png(targets.of(place), dataset.names[place])
        except ImageError as error:
            raise DataError(printable(f"{dataset.names[place]}: {error.reason}; repair or remove it")) from error


def _record(boxes: Boxes, place: int) -> dict[str, Any]:
    span = boxes.span(place)
    record: dict[str, Any] = {"boxes": boxes.corners[span].tolist(), "labels": boxes.numbers[span].tolist()}
    if boxes.sizes[place].any():
        record["size"] = boxes.sizes[place].tolist()
    if boxes.polygons:
        record["polygons"] = [[ring.tolist() for ring in rings] for rings in boxes.polygons[span]]
    if boxes.flags:
        record["flags"] = {name: flag[span].tolist() for name, flag in boxes.flags.items()}
    return record


class _Keys:
    """The key of each image: its name without the ending and without dots, another for each image."""

    def __init__(self, dataset: Dataset) -> None:
        self._names, self._sharded = dataset.names, dataset.shards is not None
        self._used: set[str] = set()

    def of(self, place: int) -> str:
        """To be asked once for each image."""
        name = self._names[place]
        path = PurePosixPath(name.partition(".tar/")[2] or name if self._sharded else name)
        base = path.stem if path.suffix.lower() in IMAGE_ENDINGS else path.name
        folders = [folder for folder in path.parts[:-1] if folder not in ("/", "..")]
        stem = "/".join([*folders, base.replace(".", "_")]).lstrip("_") or "image"  # __names__ are passed over
        tries = (f"{stem}-{number}" for number in count(2))
        key = stem
        while key in self._used:
            key = next(tries)
        self._used.add(key)
        return key


class _Archive:
    """A tar archive in memory that tells nothing of when, where and by whom it was written."""

    def __init__(self) -> None:
        self._content = io.BytesIO()
        self._archive = tarfile.open(fileobj=self._content, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._content.tell()

    def add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o644
        self._archive.addfile(member, io.BytesIO(content))

    def closed(self) -> bytes:
        self._archive.close()
        return self._content.getvalue()


def _json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _expect_lines(dataset: Dataset) -> None:
    """Raise DataError for a name of a class that is not one line of a list."""
    for name in dataset.classes:
        if name != name.strip() or not name.isprintable() or not name:
            raise DataError(f"the class {name!r} cannot stand in a list of names; rename it")
