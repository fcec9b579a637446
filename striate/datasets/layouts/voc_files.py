"""Where the files of a VOC data set lie: annotations, images, and the lists of the parts.

Known: Annotations/ beside JPEGImages/ or images/, with ImageSets/Main/train.txt, val.txt, test.txt or without; and
train/, valid/, test/ with each image beside its annotation (Roboflow).
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from striate.datasets.dataset import PARTS, TRAIN
from striate.datasets.layouts.files import PART_NAMES, holds_file, image_files
from striate.errors import DataError, printable
from striate.images.walking import entries

_ANNOTATIONS = ("annotations",)
_IMAGES = ("jpegimages", "images")
_LISTS = ("ImageSets", "Main")
_BOTH = "trainval.txt"


@dataclass(frozen=True)
class VocFile:
    """An image, its annotation if it has one, and its part; no part stands for data that are not divided."""

    image: Path
    annotation: Path | None
    part: str | None = None


def recognises_voc(root: Path) -> bool:
    """Whether it is a folder with .xml files in Annotations/ beside an image folder, or in train/ among images."""
    return root.is_dir() and bool(_pair(root) or _mixed(root))


def voc_files(root: Path) -> tuple[list[VocFile], int]:
    """Every image of the data set, and how many lie there that no list names."""
    pair = _pair(root)
    if pair is None:
        folders = _mixed(root).items()
        return [file for part, folder in folders for file in _matched(folder, folder, part).values()], 0
    files = _matched(*pair, None)
    lists = _lists(root)
    if not lists:
        return list(files.values()), 0
    if TRAIN not in lists and root.joinpath(*_LISTS, _BOTH).is_file():
        raise DataError(f"{root / Path(*_LISTS)} has {_BOTH} and no train.txt; divide it into train.txt and val.txt")
    parts = dict(_listed(lists, files))
    named = [VocFile(files[stem].image, files[stem].annotation, part) for stem, part in parts.items()]
    return named, len(files) - len(named)


def _pair(root: Path) -> tuple[Path, Path] | None:
    """The folder of annotations, with at least one, and that of images."""
    folders = {path.name.lower(): path for path in entries(root) if path.is_dir()}
    annotations = next((folders[name] for name in _ANNOTATIONS if name in folders), None)
    images = next((folders[name] for name in _IMAGES if name in folders), None)
    return (annotations, images) if annotations and images and holds_file(annotations, (".xml",)) else None


def _mixed(root: Path) -> dict[str | None, Path]:
    """The folders of the parts, if annotations lie in them, and in that of training if there is one."""
    inside = [(part, root / word) for part, words in PART_NAMES.items() for word in words]
    found: dict[str | None, Path] = {
        part: folder for part, folder in inside if folder.is_dir() and holds_file(folder, (".xml",))
    }
    training = any((root / word).is_dir() for word in PART_NAMES[TRAIN])
    return found if TRAIN in found or not training else {}


def _matched(annotations: Path, images: Path, part: str | None) -> dict[str, VocFile]:
    """Images by their stem. Raises DataError for two of one stem, and for an annotation without an image."""
    xmls = {path.stem: path for path in entries(annotations) if path.suffix.lower() == ".xml"}
    files: dict[str, VocFile] = {}
    for image in image_files(images):
        stem = os.path.relpath(image.with_suffix(""), images)
        if stem in files:
            raise DataError(
                f"{image} and {files[stem].image.name} share one annotation, {stem}.xml; rename one of them"
            )
        files[stem] = VocFile(image, xmls.pop(stem, None), part)
    if xmls:
        stem, path = next(iter(xmls.items()))
        raise DataError(
            f"annotations without an image in {images}: {len(xmls):,}, as {path}; add {stem}.jpg, or remove it"
        )
    return files


def _lists(root: Path) -> dict[str, Path]:
    folder = root.joinpath(*_LISTS)
    inside = [(part, folder / f"{word}.txt") for part, words in PART_NAMES.items() for word in words]
    return {part: path for part, path in inside if path.is_file()}


def _listed(lists: Mapping[str, Path], files: Mapping[str, VocFile]) -> Iterator[tuple[str, str]]:
    """(stem, part) of every line. Raises DataError for a line without an image, or an image in two lists."""
    seen: dict[str, Path] = {}
    for part in sorted(lists, key=PARTS.index):
        for line, stem in _stems(lists[part]):
            if stem not in files:
                raise DataError(f"{lists[part]}, line {line}: there is no image {printable(stem)!r}; remove the line")
            if stem in seen:
                raise DataError(
                    f"{lists[part]}, line {line}: {printable(stem)!r} is in {seen[stem].name} too; keep one"
                )
            seen[stem] = lists[part]
            yield stem, part


def _stems(path: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; expected one image name a line") from error
    return ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
