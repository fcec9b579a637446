import numpy as np
import pytest

from striate.datasets.converting import WRITERS, convert
from striate.datasets.dataset import Dataset
from striate.datasets.layouts.coco_files import recognises_coco
from striate.datasets.layouts.manifest import recognises_manifest
from striate.datasets.layouts.mask_pairs import recognises_masks
from striate.datasets.layouts.voc_files import recognises_voc
from striate.datasets.layouts.yolo_files import recognises_yolo
from striate.datasets.names import Names
from striate.datasets.targets import Boxes, Classes, Masks

RECOGNISE = {
    "coco": recognises_coco,
    "manifest": recognises_manifest,
    "masks": recognises_masks,
    "voc": recognises_voc,
    "yolo": recognises_yolo,
}
TARGETS = {
    "boxes": Boxes(np.arange(3), np.array([[0.0, 0, 2, 2]] * 2), np.zeros(2, np.int32), np.zeros((2, 2), np.int32)),
    "classes": Classes(np.zeros(2, np.int32)),
    "masks": Masks(lambda index: np.zeros((3, 4), np.uint8), np.arange(2)),
}


def two(task, parts):
    names = Names(["1.png", "2.png"])
    fetch = lambda index: np.full((3, 4), index, np.uint8)  # noqa: E731
    parts = np.array(parts, np.uint8)
    return Dataset("two", ("thing",), names, TARGETS[task], parts, fetch, divided=bool(parts.any()))


@pytest.mark.parametrize("form", sorted(WRITERS))
@pytest.mark.parametrize("parts", [[0, 0], [0, 1]])
def test_every_layout_is_recognised_by_its_own_reader_alone(tmp_path, form, parts):
    task = next(task for task in WRITERS[form].tasks if task in TARGETS)
    convert(two(task, parts), tmp_path / "out", form)
    assert [name for name, recognise in RECOGNISE.items() if recognise(tmp_path / "out")] == [form] * (
        form in RECOGNISE
    )


@pytest.mark.parametrize("name", ["labels.csv", "a.json", "data.yaml", "a.tar", "a.zip", "a.png"])
def test_a_file_is_recognised_by_its_ending_and_what_is_not_there_by_none(tmp_path, name):
    assert not any(recognise(tmp_path / name) for recognise in RECOGNISE.values())
    (tmp_path / name).touch()
    expected = {"labels.csv": ["manifest"], "a.json": ["coco"], "data.yaml": ["yolo"]}.get(name, [])
    assert [layout for layout, recognise in RECOGNISE.items() if recognise(tmp_path / name)] == expected
