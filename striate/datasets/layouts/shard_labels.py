"""What the files beside the images of shards tell: a class, several, boxes, or a mask; of all images the same.

* `.cls` or `.txt`: a class, as a number or as a name;
* `.json`: {"label": 3} or {"label": "cat"}, a class; {"labels": ["cat", "dog"]}, tags; {"boxes": [[left, top, right,
  bottom], …], "labels": [one for each box], "size": [width, height], "polygons": [[[[x, y], …], …rings], …boxes],
  "flags": {"crowd": [false, …]}}, of which boxes and labels must be there;
* `.mask.png` or `.seg.png`: grey values or palette places that are class numbers, 255 where a pixel does not count.
"""

import json
import unicodedata
from array import array
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from striate.datasets.layouts.class_list import FILE, Token, settle
from striate.datasets.layouts.shard_boxes import BoxRecords, tokens_of
from striate.datasets.layouts.shard_index import Sample
from striate.datasets.targets import Classes, Masks, Tags, Targets
from striate.errors import DataError, printable

_LONGEST_NAME = 200  # characters; what is longer describes the image


class Labels:
    """Takes in one sample after the other; `targets` then gives all of them."""

    def __init__(self) -> None:
        self._kind, self._first = "", ""
        self._known: dict[Token, int] = {}  # what was met, in that order
        self._numbers: array[int] = array("i")
        self._starts: array[int] = array("q", [0])
        self._boxes = BoxRecords()

    def add(self, sample: Sample, where: str) -> None:
        """The next sample. Raises DataError, naming it, for one without a label, or with one of another kind."""
        kind, told = _told(sample, where)
        if kind != (self._kind or kind):
            raise DataError(
                printable(f"{where} has {kind} and {self._first} has {self._kind}; expected the same of all images")
            )
        if not self._kind:
            self._kind, self._first = kind, where
        if kind == "boxes":
            told = self._boxes.add(told, where)
        self._numbers.extend(self._known.setdefault(token, len(self._known)) for token in told)
        self._starts.append(len(self._numbers))

    def targets(
        self, names: tuple[str, ...] | None, source: str, read_mask: Callable[[int, int], NDArray[np.uint8]]
    ) -> tuple[tuple[str, ...], Targets]:
        """The classes, and what is known of each image; `names` are those of a list, `source` is named if they fail.

        `read_mask` is asked for a sample's place and the number of classes.
        """
        starts = np.array(self._starts, np.int64)
        if self._kind == "masks":
            if names is None:
                raise DataError(f"{source} has masks and no list of classes; write {FILE} beside, one name a line")
            return names, Masks(lambda place: read_mask(place, len(names)), np.arange(len(starts) - 1))
        classes, table = settle(tuple(self._known), names, source)
        numbers = table[np.array(self._numbers, np.int64)]
        if self._kind == "boxes":
            return classes, self._boxes.targets(starts, numbers)
        return classes, Tags(starts, numbers) if self._kind == "tags" else Classes(numbers)


def _told(sample: Sample, where: str) -> tuple[str, Any]:
    """The kind of target, and what is told: the classes' numbers or names, or of boxes the whole record."""
    if sample.mask is not None:
        return "masks", ()
    record = _record(sample.texts["json"], where) if "json" in sample.texts else {}
    if "boxes" in record:
        return "boxes", record
    if "labels" in record:
        return "tags", dict.fromkeys(tokens_of(record["labels"], where))
    if "label" in record:
        return "classes", tokens_of([record["label"]], where)
    for ending in ("cls", "txt"):
        if ending in sample.texts:
            return "classes", [_token(sample.texts[ending], f"{where}.{ending}")]
    raise DataError(
        printable(
            f"{where} has no label; expected beside it .cls, .txt, .json with label, labels or boxes, or .mask.png: "
            "add one, or take the image out"
        )
    )


def _record(content: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(printable(f"{where}.json is not JSON: {error}; write it again")) from error
    if not isinstance(record, dict):
        raise DataError(printable(f'{where}.json holds no object; expected one as {{"label": …}}'))
    return record


def _token(content: bytes, where: str) -> Token:
    """A whole number, or the name of a class: one line, not long."""
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        _refuse(where, "is no UTF-8 text; expected the number or the name of a class")
    if text.removeprefix("-").isdecimal() and text.isascii():
        return int(text)
    if not text or not text.isprintable() or len(text) > _LONGEST_NAME:
        _refuse(where, "is empty" if not text else f"holds {len(text)} characters, which are no name of a class")
    return unicodedata.normalize("NFC", text)


def _refuse(where: str, what: str) -> NoReturn:
    raise DataError(printable(f"{where} {what}"))
