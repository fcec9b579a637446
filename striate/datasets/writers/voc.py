"""PASCAL VOC written: Annotations/ and JPEGImages/, the lists of the parts in ImageSets/Main, and classes.txt.

VOC lists no classes, so classes.txt keeps their order. A box is xmin = left + 1, ymin = top + 1, xmax = right,
ymax = bottom; edges between pixels are written as fractions, as VOC 2012 has some.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np
from PIL import Image

from striate.datasets.dataset import Dataset
from striate.datasets.layouts.class_list import FILE
from striate.datasets.layouts.gathering import flag_of
from striate.datasets.layouts.voc import VOC_FLAGS
from striate.datasets.targets import Boxes
from striate.datasets.writers.copying import Copying, boxes_of, divided_words, write, write_lines
from striate.datasets.writers.losses import lost_flags, lost_groups, lost_outlines
from striate.datasets.writers.numbers import tidy
from striate.images.reading import FORMATS


def voc_loses(dataset: Dataset) -> Iterator[str]:
    """What VOC cannot hold: outlines, flags that are not its own, and groups."""
    boxes = boxes_of(dataset)
    yield from lost_outlines(boxes)
    yield from lost_flags(boxes, VOC_FLAGS)
    yield from lost_groups(dataset)


def write_voc(dataset: Dataset, out: Path, watch: Callable[[], None]) -> tuple[str, ...]:
    """Write all images, an annotation for each, and the lists."""
    boxes = boxes_of(dataset)
    copying = Copying(dataset, out, watch, [0] * len(dataset), by_stem=True)
    lists: dict[str, list[str]] = defaultdict(list)
    for index, word in enumerate(divided_words(dataset)):
        name = copying.copy(index, "JPEGImages")
        stem = Path(name).stem
        lists[word].append(stem)
        write(out / "Annotations" / f"{stem}.xml", _annotation(dataset, boxes, index, out / "JPEGImages" / name))
    for word, stems in lists.items():
        if word:
            write_lines(out / "ImageSets" / "Main" / f"{word}.txt", stems)
    write_lines(out / FILE, dataset.classes)
    return (*copying.remarks(), *_between(boxes))


def _annotation(dataset: Dataset, boxes: Boxes, index: int, image: Path) -> bytes:
    root = Element("annotation")
    _add(root, "folder", image.parent.name)
    _add(root, "filename", image.name)
    size = SubElement(root, "size")
    for side, pixels in zip(("width", "height"), boxes.sizes[index].tolist(), strict=True):
        _add(size, side, pixels)
    _add(size, "depth", _depth(image))
    _add(root, "segmented", 0)
    span = boxes.span(index)
    for place in range(span.start, span.stop):
        _add_object(root, dataset.classes[boxes.numbers[place]], boxes, place)
    indent(root)
    return b"%s\n" % tostring(root, encoding="utf-8")


def _add_object(root: Element, name: str, boxes: Boxes, place: int) -> None:
    thing = SubElement(root, "object")
    _add(thing, "name", name)
    for flag in VOC_FLAGS:
        _add(thing, flag, int(flag_of(boxes, flag)[place]))
    left, top, right, bottom = boxes.corners[place].tolist()
    box = SubElement(thing, "bndbox")
    for edge, value in (("xmin", left + 1), ("ymin", top + 1), ("xmax", right), ("ymax", bottom)):
        _add(box, edge, tidy(value))


def _add(parent: Element, tag: str, value: object) -> None:
    SubElement(parent, tag).text = str(value)


def _depth(image: Path) -> int:
    """Channels as the header tells; 3 where it cannot be read, which is what readers expect."""
    try:
        with Image.open(image, formats=FORMATS) as opened:
            return 1 if opened.mode in ("1", "L", "LA", "I", "F") or opened.mode.startswith("I;") else 3
    except Exception:  # on broken bytes decoders raise anything
        return 3


def _between(boxes: Boxes) -> Iterator[str]:
    count = int((np.round(boxes.corners, 9) % 1 != 0).any(1).sum())
    if count:
        yield f"boxes with edges between pixels, written as fractions, which some readers refuse: {count:,}"
