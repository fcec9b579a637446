"""PASCAL VOC: one XML file for each image (Everingham et al. 2010, "The PASCAL Visual Object Classes Challenge").

Pixels are counted from 1 and the last one is inside, so xmin 1 is the edge 0 and xmax W the edge W: a box is
xmin - 1, ymin - 1, xmax, ymax. Classes are the names that occur, sorted; or those of classes.txt, in its order.
"""

import os
import unicodedata
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from striate.datasets.dataset import PARTS, TRAIN, Dataset
from striate.datasets.layouts.class_list import FILE, read_class_list
from striate.datasets.layouts.files import fetch_below
from striate.datasets.layouts.gathering import Gathering
from striate.datasets.layouts.voc_files import VocFile, voc_files
from striate.datasets.layouts.xml_trees import read_xml
from striate.datasets.names import Names
from striate.errors import DataError

VOC_FLAGS = ("difficult", "occluded", "truncated")
_EDGES = ("xmin", "ymin", "xmax", "ymax")


def read_voc(root: Path) -> Dataset:
    """A folder with Annotations/ and JPEGImages/. Raises DataError, naming the file, for what cannot be understood."""
    files, unlisted = voc_files(root)
    if not files:
        raise DataError(f"{root} has no images beside its annotations; expected JPEGImages/ with some")
    reader = _Reader()
    for index, file in enumerate(files):
        reader.take(index, file)
    classes = _classes(root, reader)
    rank = np.array([classes.index(name) for name in reader.places], np.int32)
    names = Names(os.path.relpath(file.image, root) for file in files)
    return Dataset(
        name=root.resolve().name,
        classes=classes,
        names=names,
        targets=reader.gathering.boxes(reader.sizes, rank),
        parts=np.array([PARTS.index(file.part or TRAIN) for file in files], np.uint8),
        fetch=fetch_below(root, names),
        divided=files[0].part is not None,
        remarks=_remarks(files, unlisted),
    )


class _Reader:
    """Boxes, sizes, and the class names with the annotation in which each first stood."""

    def __init__(self) -> None:
        self.gathering = Gathering()
        self.sizes: list[tuple[int, int]] = []
        self.places: dict[str, Path] = {}
        self._numbers: dict[str, int] = {}

    def take(self, index: int, file: VocFile) -> None:
        """The annotation of image `index`; one without has no boxes, and no size is told."""
        if file.annotation is None:
            self.sizes.append((0, 0))
            return
        root = read_xml(file.annotation)
        if root.tag != "annotation":
            raise DataError(f"{file.annotation} begins with <{root.tag}>; expected <annotation>")
        self.sizes.append((_side(root, "width", file.annotation), _side(root, "height", file.annotation)))
        for thing in root.findall("object"):
            self._box(index, thing, file.annotation)

    def _box(self, index: int, thing: Element, path: Path) -> None:
        name = unicodedata.normalize("NFC", (thing.findtext("name") or "").strip())
        if not name or not name.isprintable():
            raise DataError(f"{path}: an object has the name {name!r}; expected one that can be printed")
        left, top, right, bottom = (_edge(thing, edge, path) for edge in _EDGES)
        if not (left - 1 <= right and top - 1 <= bottom):
            raise DataError(f"{path}: the box of {name!r} ends before it begins; expected xmin ≤ xmax and ymin ≤ ymax")
        self.places.setdefault(name, path)
        number = self._numbers.setdefault(name, len(self._numbers))
        flags = [flag for flag in VOC_FLAGS if (thing.findtext(flag) or "").strip() == "1"]
        self.gathering.add(index, number, (left - 1, top - 1, right, bottom), flags=flags)


def _side(root: Element, side: str, path: Path) -> int:
    """Pixels of the image's width or height; 0 if it is not told."""
    text = (root.findtext(f"size/{side}") or "0").strip()
    if text.isdecimal() and len(text) < 10:
        return int(text)
    raise DataError(f"{path}: the {side} is {text!r:.40}; expected a whole number of pixels")


def _edge(thing: Element, edge: str, path: Path) -> float:
    text = thing.findtext(f"bndbox/{edge}")
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if isfinite(value):
        return value
    raise DataError(f"{path}: an object has {f'the {edge} {text!r:.40}' if text else f'no {edge}'}; expected a number")


def _classes(root: Path, reader: _Reader) -> tuple[str, ...]:
    listed = read_class_list(root / FILE)
    if listed is None:
        if not reader.places:
            raise DataError(f"{root} has no box in any annotation; expected at least one, or {FILE} with the names")
        return tuple(sorted(reader.places))
    for name, path in reader.places.items():
        if name not in listed:
            raise DataError(f"{path}: the class {name!r} is not among those of {root / FILE}; add it or rename it")
    return listed


def _remarks(files: Sequence[VocFile], unlisted: int) -> tuple[str, ...]:
    bare = [file.image for file in files if file.annotation is None]
    remarks = []
    if bare:
        remarks.append(f"images without an annotation, taken for images without boxes: {len(bare):,}, as {bare[0]}")
    if unlisted:
        remarks.append(f"images in none of the lists of ImageSets/Main, left out: {unlisted:,}")
    return tuple(remarks)
