"""The records of boxes that lie beside the images of shards: checked one by one, gathered end to end."""

import unicodedata
from array import array
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from striate.datasets.layouts.class_list import Token
from striate.datasets.targets import Boxes
from striate.errors import DataError, printable

_LARGEST = 2**31 - 1  # pixels of a side
_Rings = tuple[NDArray[np.float64], ...]  # each (P, 2)


class BoxRecords:
    """Takes in one image's record after the other."""

    def __init__(self) -> None:
        self._corners: array[float] = array("d")
        self._sizes: array[int] = array("i")
        self._polygons: dict[int, _Rings] = {}  # by the number of the box
        self._flags: dict[str, list[int]] = {}  # the boxes that have one

    def add(self, record: dict[str, Any], where: str) -> list[Token]:
        """The class of each of its boxes. Raises DataError, naming the image, for a record that makes no sense."""
        before = len(self._corners) // 4
        tokens = tokens_of(record.get("labels"), where)
        corners = _numbers(record["boxes"], (len(tokens), 4), f"{where}: boxes")
        if (corners[:, 2:] < corners[:, :2]).any():
            _refuse(f"{where}: a box ends before it begins; expected left, top, right, bottom")
        self._corners.extend(corners.ravel().tolist())
        self._sizes.extend(_size(record, where))
        for box, rings in enumerate(_of_each_box(record.get("polygons"), len(tokens), f"{where}: polygons")):
            if rings:
                self._polygons[before + box] = _rings(rings, where)
        for name, flags in _flags(record, where).items():
            marked = self._flags.setdefault(name, [])
            marked += [
                before + box for box, flag in enumerate(_of_each_box(flags, len(tokens), f"{where}: {name}")) if flag
            ]
        return tokens

    def targets(self, starts: NDArray[np.int64], numbers: NDArray[np.int32]) -> Boxes:
        """All boxes; those of image i lie from `starts[i]` to `starts[i + 1]`, each of the class in `numbers`."""
        flags = {name: np.zeros(len(numbers), bool) for name in self._flags}
        for name, marked in self._flags.items():
            flags[name][marked] = True
        polygons = tuple(self._polygons.get(box, ()) for box in range(len(numbers))) if self._polygons else ()
        corners, sizes = np.array(self._corners, np.float64), np.array(self._sizes, np.int32)
        return Boxes(starts, corners.reshape(-1, 4), numbers, sizes.reshape(-1, 2), polygons, flags)


def tokens_of(told: Any, where: str) -> list[Token]:
    """A list of numbers or names of classes. Raises DataError for anything else."""
    right = isinstance(told, list) and all(
        isinstance(token, int | str) and not isinstance(token, bool) for token in told
    )
    if not right:
        _refuse(f"{where}.json: the label is {told!r}; expected numbers or names of classes")
    return [unicodedata.normalize("NFC", token) if isinstance(token, str) else token for token in told]


def _numbers(told: Any, shape: tuple[int, ...], where: str) -> NDArray[np.float64]:
    """Finite numbers of this shape."""
    try:
        numbers = np.array(told, np.float64).reshape(shape)
    except (TypeError, ValueError, OverflowError):
        _refuse(f"{where} are {told!r}; expected {' × '.join(map(str, shape))} numbers")
    if not np.isfinite(numbers).all():
        _refuse(f"{where} hold what is no finite number")
    return numbers


def _size(record: dict[str, Any], where: str) -> list[int]:
    """Width and height of the image, 0 where the record does not tell them."""
    size = _numbers(record.get("size", [0, 0]), (2,), f"{where}: size")
    if (size < 0).any() or (size > _LARGEST).any():
        _refuse(f"{where}: size is {record['size']}; expected width and height in pixels")
    return [int(side) for side in size]


def _of_each_box(told: Any, boxes: int, where: str) -> list[Any]:
    if told is None:
        return [None] * boxes
    if not isinstance(told, list) or len(told) != boxes:
        _refuse(f"{where} are not one for each of its {boxes} boxes")
    return told


def _rings(told: Any, where: str) -> _Rings:
    if not isinstance(told, list) or not all(isinstance(ring, list) for ring in told):
        _refuse(f"{where}: a polygon is {told!r}; expected rings of points x, y")
    return tuple(_numbers(ring, (len(ring), 2), f"{where}: polygons") for ring in told)


def _flags(record: dict[str, Any], where: str) -> dict[str, Any]:
    flags = record.get("flags") or {}
    if not isinstance(flags, dict):
        _refuse(f"{where}: flags are {flags!r}; expected a list for each name")
    return flags


def _refuse(what: str) -> NoReturn:
    text = printable(what)
    raise DataError(text if len(text) < 500 else f"{text[:200]} … {text[-200:]}")
