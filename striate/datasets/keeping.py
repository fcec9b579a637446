"""Where the prepared images of a run are kept: in memory if they fit, else mapped from the cache, else nowhere.

The survey of a pass (what cannot be read, facts, fingerprints) is kept in the cache too, by the content of the files,
so that the next run on the same images need not decode them to know it.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.datasets import cache
from striate.datasets.dataset import Dataset
from striate.datasets.keep import Keep
from striate.datasets.loading import (
    ImageSet,
    Loading,
    Skipped,
    Survey,
    expect_readable,
    image_set,
    load_images,
    pixel_type,
    room_of,
    settle_channels,
    survey,
)
from striate.datasets.pool import Note, read_many
from striate.datasets.stack import Prepared
from striate.errors import ImageError
from striate.images.facts import Facts
from striate.images.preparation import Geometry
from striate.images.sources import open_source

_FORMAT = 1  # of an entry
_DECODERS = ("pillow", "simplejpeg", "torch", "imagecodecs")  # whose versions may change a pixel
_PIXELS, _SURVEY, _MARKS = "pixels.npy", "survey.json", "marks.npy"
_WITH_PIXELS, _ALONE = "-pixels", "-survey"  # two kinds of entries
_FILES_TOGETHER = 32
_SURVEYED = 64  # bytes at the most of what a pass keeps of an image beside its pixels


@dataclass(frozen=True)
class Kept:
    """Images, what was left out, and in one sentence where the pixels are."""

    images: ImageSet
    skipped: tuple[Skipped, ...]
    where: str


def bytes_needed(count: int, geometry: Geometry) -> int:
    """Of the prepared pixels of so many images."""
    return count * int(np.prod(room_of(geometry))) * pixel_type(geometry).itemsize


def keep_images(
    dataset: Dataset, geometry: Geometry, classes: Sequence[str], keep: Keep, loading: Loading | None = None
) -> Kept:
    """Read all images and keep them as `keep` says; "auto" has been settled by whoever knows the memory.

    What the cache cannot take is told and decoded each time instead. Raises DataError as `load_images` does.
    """
    how = loading or Loading()
    settled = settle_channels(dataset, geometry)
    needed = bytes_needed(len(dataset), settled)
    size = f"{needed / 1e6:,.0f} MB"
    if keep in ("auto", "memory"):
        return Kept(*load_images(dataset, settled, classes, how), f"in memory, {size}")
    key = content_key(dataset, settled, how)
    wanted = _has_room(needed if keep == "disk" else len(dataset) * _SURVEYED, how) and keep == "disk"
    entry = _look_up(key, dataset, how, wanted)
    told = "found there"
    if entry is None:
        found, wanted = _fill(key, dataset, settled, how, wanted)
        pixels = cache.open_pixels(cache.cache_folder() / (key + _WITH_PIXELS) / _PIXELS) if wanted else None
        entry, told = _Entry(found, pixels), "put there now"
    where = f"decoded anew each time ({size} not kept)"
    if entry.pixels is not None:
        where = f"mapped from {cache.cache_folder()}, {size}, {told}"
    return Kept(*image_set(dataset, settled, classes, entry.found, entry.pixels, how), where)


class _Entry(NamedTuple):
    """What the cache holds of a set: pixels only where they were wanted."""

    found: Survey
    pixels: NDArray[Any] | None


def _look_up(key: str, dataset: Dataset, how: Loading, wanted: bool) -> _Entry | None:
    """The entry of these images, if there is one; another process may remove it while we look."""
    with suppress(FileNotFoundError):
        folder = cache.find_entry(key + _WITH_PIXELS) or (None if wanted else cache.find_entry(key + _ALONE))
        if folder is not None:
            entry = _Entry(_read_survey(folder), cache.open_pixels(folder / _PIXELS) if wanted else None)
            expect_readable(dataset, entry.found, how)
            how.watch.advance(len(dataset))
            return entry
    return None


def content_key(dataset: Dataset, geometry: Geometry, how: Loading) -> str:
    """A name for these very images prepared in this very way, by these versions of what decodes them."""
    starts = range(0, len(dataset), _FILES_TOGETHER)
    parts = [range(start, min(start + _FILES_TOGETHER, len(dataset))) for start in starts]

    def digest(places: range, note: Note) -> bytes:
        return b"".join(_digest(dataset, place, note) for place in places)

    versions = (_FORMAT, *map(_version, _DECODERS))
    whole = hashlib.blake2b(repr((versions, geometry)).encode(), digest_size=16)
    reading = read_many(parts, digest, workers=how.workers, ahead=2 * how.workers, slow=how.watch.slow)
    with closing(reading):
        for part in reading:
            whole.update(part)
    return whole.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _digest(dataset: Dataset, place: int, note: Note) -> bytes:
    """Of a file's bytes, or of why there are none."""
    note(dataset.names[place])
    source = dataset.source(place)
    if isinstance(source, str | os.PathLike):
        try:
            with open_source(source) as file:
                return hashlib.file_digest(file, _hash).digest()  # type: ignore[arg-type]
        except (ImageError, OSError) as error:
            source = str(error).encode(errors="replace")
    elif isinstance(source, np.ndarray):
        source = repr((source.shape, source.dtype)).encode() + source.tobytes()
    elif not isinstance(source, bytes):
        source = repr((source.mode, source.size)).encode() + source.tobytes()
    return hashlib.blake2b(source, digest_size=16).digest()


def _hash() -> "hashlib._Hash":
    return hashlib.blake2b(digest_size=16)  # type: ignore[return-value]


def _has_room(needed: int, how: Loading) -> bool:
    try:
        if cache.make_room(needed):
            return True
        how.watch.say(f"the disk of {cache.cache_folder()} has no room for {needed / 1e6:,.0f} MB of prepared images")
    except OSError as error:
        how.watch.say(f"prepared images cannot be kept in {cache.cache_folder()}: {error.strerror or error}")
    return False


def _fill(key: str, dataset: Dataset, geometry: Geometry, how: Loading, wanted: bool) -> tuple[Survey, bool]:
    """Make the entry while reading. If the cache fails, that is told, and the images are read without it."""
    try:
        with cache.filling(key + (_WITH_PIXELS if wanted else _ALONE)) as partial, ExitStack() as opened:
            put = _putter(partial, dataset, geometry, opened) if wanted else _nowhere
            found = survey(dataset, geometry, how, put)
            _write_survey(partial, found)
        return found, wanted
    except OSError as error:
        how.watch.say(
            f"prepared images cannot be kept in {cache.cache_folder()}: {error.strerror or error}; they are decoded "
            "anew each time"
        )
        return survey(dataset, geometry, how, _nowhere), False


def _nowhere(_place: int, _image: Prepared) -> None: ...


def _putter(partial: Path, dataset: Dataset, geometry: Geometry, opened: ExitStack) -> Callable[[int, Prepared], None]:
    """What writes an image to its place in the entry's file; from several threads, without a map."""
    shape = room_of(geometry)
    dtype = pixel_type(geometry)
    descriptor, begin = cache.new_pixels(partial / _PIXELS, (len(dataset), *shape), dtype)
    opened.callback(os.close, descriptor)
    room = int(np.prod(shape)) * dtype.itemsize

    def put(place: int, image: Prepared) -> None:
        whole = np.ascontiguousarray(np.broadcast_to(image, shape))
        os.pwrite(descriptor, whole.data, begin + place * room)

    return put


def _write_survey(folder: Path, found: Survey) -> None:
    kinds = {facts: number for number, facts in enumerate(dict.fromkeys(found.facts))}
    document = {
        "reasons": found.reasons,
        "kinds": [None if facts is None else list(facts) for facts in kinds],
        "facts": [kinds[facts] for facts in found.facts],
        "coloured": found.coloured.tolist(),
    }
    (folder / _SURVEY).write_text(json.dumps(document), encoding="utf-8")
    np.save(folder / _MARKS, found.marks)


def _read_survey(entry: Path) -> Survey:
    document = json.loads((entry / _SURVEY).read_text(encoding="utf-8"))
    kinds = [None if values is None else Facts(*values) for values in document["kinds"]]
    return Survey(
        {int(place): reason for place, reason in document["reasons"].items()},
        [kinds[number] for number in document["facts"]],
        np.array(document["coloured"], bool),
        np.load(entry / _MARKS, allow_pickle=False),
    )
