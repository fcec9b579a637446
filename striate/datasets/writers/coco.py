"""COCO instances written: annotations/instances_train.json beside train/, and so on; of one piece, beside images/.

Categories are numbered from 1 in the order of the classes. The area is that of the outline by the shoelace formula,
½ |Σ xᵢ yᵢ₊₁ − xᵢ₊₁ yᵢ| summed over its rings, or of the box where there is no outline.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.datasets.layouts.coco_records import CROWD
from striate.datasets.layouts.gathering import Rings, flag_of, outlines_of
from striate.datasets.targets import Boxes
from striate.datasets.writers.copying import Copying, boxes_of, divided_words
from striate.datasets.writers.losses import lost_flags, lost_groups
from striate.datasets.writers.numbers import tidy


def coco_loses(dataset: Dataset) -> Iterator[str]:
    """What COCO cannot hold: flags but that of a crowd, run lengths, which were not read, and groups."""
    boxes = boxes_of(dataset)
    yield from lost_flags(boxes, (CROWD,))
    yield from lost_groups(dataset)


def write_coco(dataset: Dataset, out: Path, watch: Callable[[], None]) -> tuple[str, ...]:
    """Write all images, and one file of annotations for each part."""
    words = divided_words(dataset)
    boxes = boxes_of(dataset)
    copying = Copying(dataset, out, watch, words, by_stem=False)
    for word in dict.fromkeys(words):
        members = [index for index, own in enumerate(words) if own == word]
        path = out / "annotations" / (f"instances_{word}.json" if word else "instances.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            images = (_image(boxes, index, copying.copy(index, word or "images")) for index in members)
            file.writelines(_list('{"images": ', images))
            file.writelines(_list(', "annotations": ', _annotations(boxes, members)))
            categories = ({"id": number, "name": name} for number, name in enumerate(dataset.classes, 1))
            file.writelines(_list(', "categories": ', categories))
            file.write("}\n")
    return copying.remarks()


def _list(key: str, records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A list of records, one a line; none is kept."""
    yield f"{key}["
    for number, record in enumerate(records):
        yield ("," if number else "") + "\n" + json.dumps(record, ensure_ascii=False)
    yield "\n]"


def _image(boxes: Boxes, index: int, name: str) -> dict[str, Any]:
    width, height = boxes.sizes[index].tolist()
    return {"id": index + 1, "file_name": name, "width": width, "height": height}


def _annotations(boxes: Boxes, members: Iterable[int]) -> Iterator[dict[str, Any]]:
    crowd, outlines = flag_of(boxes, CROWD), outlines_of(boxes)
    for index in members:
        span = boxes.span(index)
        for place in range(span.start, span.stop):
            left, top, right, bottom = boxes.corners[place].tolist()
            yield {
                "id": place + 1,
                "image_id": index + 1,
                "category_id": int(boxes.numbers[place]) + 1,
                "bbox": [tidy(value) for value in (left, top, right - left, bottom - top)],
                "area": tidy(_area(outlines[place]) if outlines[place] else (right - left) * (bottom - top)),
                "iscrowd": int(crowd[place]),
                "segmentation": [[tidy(value) for value in ring.ravel()] for ring in outlines[place]],
            }


def _area(rings: Rings) -> float:
    return sum(_shoelace(ring) for ring in rings)


def _shoelace(ring: NDArray[np.float64]) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return abs(float(x @ np.roll(y, -1) - np.roll(x, -1) @ y)) / 2
