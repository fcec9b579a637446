import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from striate.datasets.dataset import PARTS
from striate.datasets.layouts.coco import read_coco
from striate.datasets.layouts.coco_files import recognises_coco
from striate.datasets.layouts.records import json_records
from striate.errors import DataError

CATEGORIES = [{"id": 90, "name": "toothbrush"}, {"id": 3, "name": "car"}, {"id": 17, "name": "cat"}]


def plant_images(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (40, 30)).save(folder / name)


def record(number, name="", **more):
    return {"id": number, "file_name": name or f"{number}.png", "width": 40, "height": 30, **more}


def box(image, category, bbox, **more):
    return {"id": 1, "image_id": image, "category_id": category, "bbox": bbox, **more}


def write(path, images=(), annotations=(), categories=CATEGORIES, **order):
    path.parent.mkdir(parents=True, exist_ok=True)
    lists = {"images": list(images), "annotations": list(annotations), "categories": list(categories)}
    path.write_text(json.dumps({"info": {"year": 2017}, **{key: lists[key] for key in order or lists}}))
    return path


@pytest.fixture
def three(tmp_path):
    """A file with three images, of which the second has no box."""
    plant_images(tmp_path / "images", "1.png", "2.png", "3.png")
    annotations = [
        box(3, 17, [1, 2, 10.5, 4], iscrowd=1, segmentation={"size": [30, 40], "counts": [3, 4]}),
        box(1, 3, [0, 0, 5, 6], segmentation=[[0, 0, 5, 0, 5, 6], [1, 1, 2, 1, 2, 2, 1, 2]]),
        box(3, 90, [5, 5, 0, 0], iscrowd=0, area=0, segmentation=[]),
    ]
    return write(tmp_path / "annotations" / "all.json", [record(1), record(2), record(3)], annotations)


def test_boxes_are_edges_and_classes_follow_the_ids_however_sparse(three):
    dataset = read_coco(three)
    assert dataset.classes == ("car", "cat", "toothbrush")
    assert list(dataset.names) == ["images/1.png", "images/2.png", "images/3.png"]
    assert dataset.targets.starts.tolist() == [0, 1, 1, 3]
    assert dataset.targets.corners.tolist() == [[0, 0, 5, 6], [1, 2, 11.5, 6], [5, 5, 5, 5]]
    assert dataset.targets.numbers.tolist() == [0, 1, 2]
    assert dataset.targets.sizes.tolist() == [[40, 30]] * 3
    assert not dataset.divided
    assert dataset.read(1).shape == (30, 40, 1)


def test_outlines_are_kept_ring_by_ring_and_crowds_are_flagged(three):
    boxes = read_coco(three).targets
    assert [[ring.tolist() for ring in rings] for rings in boxes.polygons] == [
        [[[0, 0], [5, 0], [5, 6]], [[1, 1], [2, 1], [2, 2], [1, 2]]],
        [],
        [],
    ]
    assert boxes.flags["crowd"].tolist() == [False, True, False]


def test_run_lengths_leave_their_box_and_a_remark(three):
    dataset = read_coco(three)
    assert dataset.targets.flags["rle"].tolist() == [False, True, False]
    assert dataset.remarks == ("outlines in run lengths (RLE), of which only the boxes are read: 1",)


def test_what_is_not_read_is_said(tmp_path):
    plant_images(tmp_path, "1.png")
    annotations = [box(1, 3, [0, 0, 1, 1], keypoints=[1, 2, 2], attributes={"occluded": True})]
    dataset = read_coco(write(tmp_path / "a.json", [record(1)], annotations))
    assert dataset.remarks == ("the annotations' attributes and keypoints are not read",)


def test_the_lists_may_come_in_any_order(three, tmp_path):
    content = json.loads(three.read_text())
    turned = {key: content[key] for key in ("annotations", "categories", "info", "images")}
    (tmp_path / "annotations" / "turned.json").write_text(json.dumps(turned, indent=1))
    first, second = read_coco(three), read_coco(tmp_path / "annotations" / "turned.json")
    assert list(first.names) == list(second.names)
    assert first.targets.corners.tolist() == second.targets.corners.tolist()
    assert first.targets.numbers.tolist() == second.targets.numbers.tolist()
    assert first.targets.starts.tolist() == second.targets.starts.tolist()


def test_a_box_that_is_not_told_is_the_extent_of_its_outline(tmp_path):
    plant_images(tmp_path, "1.png")
    annotation = {"image_id": 1, "category_id": 3, "segmentation": [[3, 4, 9, 4, 6, 8.5]]}
    dataset = read_coco(write(tmp_path / "a.json", [record(1)], [annotation]))
    assert dataset.targets.corners.tolist() == [[3, 4, 9, 8.5]]


@pytest.mark.parametrize("lost", [0, 3, 5])
def test_only_the_images_that_are_missing_are_told_whichever_they_are(tmp_path, lost):
    plant_images(tmp_path / "train", *(f"{number}.png" for number in range(6) if number != lost))
    plant_images(tmp_path, "4.png")  # a folder of a single one is not taken
    write(tmp_path / "annotations" / "instances_train.json", [record(number, f"{number}.png") for number in range(6)])
    with pytest.raises(DataError, match=rf"names 1 of 6 images that are not in .*: train/{lost}\.png; put them there"):
        read_coco(tmp_path)


def test_the_parts_of_the_original_layout_are_found(tmp_path):
    for part, image in (("train2017", "1.png"), ("val2017", "7.png")):
        plant_images(tmp_path / part, image)
        number = int(image[0])
        write(tmp_path / f"annotations/instances_{part}.json", [record(number)], [box(number, 3, [0, 0, 1, 1])])
        write(tmp_path / f"annotations/captions_{part}.json", [record(number)], [{"image_id": number, "caption": "x"}])
    assert recognises_coco(tmp_path)
    dataset = read_coco(tmp_path)
    assert list(dataset.names) == ["train2017/1.png", "val2017/7.png"]
    assert [PARTS[part] for part in dataset.parts] == ["train", "validation"]
    assert dataset.divided
    assert dataset.targets.starts.tolist() == [0, 1, 2]


def test_data_to_evaluate_on_need_no_training_annotations_and_have_the_categories_of_all(tmp_path):
    for part, number, category in (("val", 1, "ant"), ("test", 2, "bee")):
        plant_images(tmp_path / part, f"{number}.png")
        boxes, categories = [box(number, 5, [0, 0, 1, 1])], [{"id": 5, "name": category}]
        write(tmp_path / f"annotations/instances_{part}.json", [record(number)], boxes, categories)
    dataset = read_coco(tmp_path)
    assert dataset.classes == ("ant", "bee")
    assert dataset.parts.tolist() == [1, 2]
    assert dataset.targets.numbers.tolist() == [0, 1]


def test_the_layout_of_roboflow_is_found(tmp_path):
    for part in ("train", "valid", "test"):
        plant_images(tmp_path / part, f"{part}.png")
        write(tmp_path / part / "_annotations.coco.json", [record(0, f"{part}.png")], [box(0, 3, [0, 0, 1, 1])])
    assert recognises_coco(tmp_path)
    dataset = read_coco(tmp_path)
    assert list(dataset.names) == ["train/train.png", "valid/valid.png", "test/test.png"]
    assert dataset.parts.tolist() == [0, 1, 2]


def test_two_ids_of_one_name_are_one_class(tmp_path):
    plant_images(tmp_path, "1.png")
    categories = [{"id": 0, "name": "raccoon", "supercategory": "none"}, {"id": 1, "name": "raccoon"}]
    dataset = read_coco(write(tmp_path / "a.json", [record(1)], [box(1, 1, [0, 0, 1, 1])], categories))
    assert dataset.classes == ("raccoon",)
    assert dataset.targets.numbers.tolist() == [0]


def test_files_meet_by_the_names_of_their_categories_not_by_their_ids(tmp_path):
    plant_images(tmp_path / "train", "1.png")
    plant_images(tmp_path / "val", "2.png")
    write(tmp_path / "annotations/train.json", [record(1)], [box(1, 17, [0, 0, 1, 1])])
    other = [{"id": 1, "name": "cat"}]
    write(tmp_path / "annotations/val.json", [record(2)], [box(2, 1, [0, 0, 1, 1])], other)
    dataset = read_coco(tmp_path)
    assert [dataset.classes[number] for number in dataset.targets.numbers] == ["cat", "cat"]


@pytest.mark.parametrize(
    ("images", "annotations", "sentence"),
    [
        ([record(1), record(1, "2.png")], [], r"images\[1\] has the id 1 that another of the images has"),
        ([record(1)], [box(8, 3, [0, 0, 1, 1])], r"annotations\[0\] points to 8, which is not among the images"),
        ([record(1)], [box(1, 4, [0, 0, 1, 1])], r"annotations\[0\] points to 4, which is not among the categories"),
        ([record(1)], [box(1, 3, [0, 0, -1, 1])], r"annotations\[0\] has the bbox \[0, 0, -1, 1\]; expected left, top"),
        ([record(1)], [box(1, 3, [0, 0, 1, 10**400])], r"annotations\[0\] has the bbox \[0, 0, 1, 1000"),
        ([record(1)], [box(1, 3, [0, 0, 1])], r"annotations\[0\] has the bbox \[0, 0, 1\]"),
        ([record(1)], [box(1, 3, [0, 0, 1, float("nan")])], r"annotations\[0\] has the bbox \[0, 0, 1, nan\]"),
        ([record(1)], [{"image_id": 1, "category_id": 3}], r"annotations\[0\] has no bbox; expected left, top, width"),
        (
            [record(1)],
            [{"image_id": 1, "bbox": [0, 0, 1, 1]}],
            r"annotations\[0\] has no category_id; expected a number",
        ),
        ([record(1)], [box(1, 3, [0, 0, 1, 1], segmentation=[[1, 2, 3]])], r"has the segmentation \[\[1, 2, 3\]\]"),
        ([record(1, width=-4)], [], r"images\[0\] is -4 wide and 30 high; expected whole numbers of pixels"),
        ([{"id": 1}], [], r"images\[0\] has no file_name; expected a name that can be printed"),
        ([record(1), record(2), record(3)], [], r"names 2 of 3 images that are not in .*: 2\.png, 3\.png"),
        ([record(1), record(2, "1.png")], [], r"names 1\.png twice"),
        ([], [], r"lists no images"),
        ([7], [], r"images\[0\] is 7; expected an object in braces"),
    ],
)
def test_a_record_that_cannot_be_understood_is_named(tmp_path, images, annotations, sentence):
    plant_images(tmp_path, "1.png")
    with pytest.raises(DataError, match=sentence) as caught:
        read_coco(write(tmp_path / "a.json", images, annotations))
    assert str(tmp_path / "a.json") in str(caught.value)


def test_a_category_that_only_the_validation_has_is_refused(tmp_path):
    plant_images(tmp_path / "train", "1.png")
    plant_images(tmp_path / "val", "2.png")
    write(tmp_path / "annotations/train.json", [record(1)])
    write(tmp_path / "annotations/val.json", [record(2)], categories=[*CATEGORIES, {"id": 4, "name": "cow"}])
    with pytest.raises(DataError, match=r"val\.json has the category 'cow', which .*train\.json has not"):
        read_coco(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"images": [', '{"categories": [{"id": 1, "name": "a"},]}', '{"images": {}}', "{" * 3]
)
def test_what_is_no_whole_json_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=r"a\.json is not whole JSON: .* in line 1, column"):
        read_coco(tmp_path / "a.json")


def test_json_without_end_is_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"images": ' + "[" * 200_000)
    with pytest.raises(DataError, match=r"a\.json cannot be read: .*recursion.*; write the file again"):
        read_coco(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"images": [{"id": ' + "9" * 5000 + "}]}")
    with pytest.raises(DataError, match=r"a\.json cannot be read: .*digits.*; write the file again"):
        read_coco(tmp_path / "a.json")


def test_folders_without_annotations_are_not_taken_for_coco(plant, shared):
    root = plant({"cat": 1, "annotations": 1})
    (root / "counts.json").write_text('{"train": {"cat": 1}}')
    (root / "annotations/list.json").write_text("[1, 2]")
    assert not recognises_coco(root)
    assert not recognises_coco(shared / "data/cifar10")
    with pytest.raises(DataError, match="has no COCO annotations; expected annotations/"):
        read_coco(root)


def test_two_files_of_one_part_are_refused(tmp_path):
    for year in (2014, 2017):
        write(tmp_path / f"annotations/instances_train{year}.json", [record(1)])
    with pytest.raises(DataError, match=r"instances_train2014\.json and instances_train2017\.json; keep one, or give"):
        read_coco(tmp_path)


@given(
    some.dictionaries(
        some.text(max_size=5),
        some.lists(some.dictionaries(some.text(max_size=3), some.floats() | some.text())),
        max_size=4,
    ),
    some.sampled_from([None, 0, 3]),
)
def test_records_are_what_json_gives(tmp_path_factory, content, indent):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(content, indent=indent))
    expected = json.loads(path.read_text())
    found = {key: [] for key in expected}
    for key, number, value in json_records(path, frozenset(content)):
        assert number == len(found[key])
        found[key].append(value)
    assert repr(found) == repr(expected)  # nan is not equal to itself


def test_boxes_and_names_are_those_of_pycocotools(tmp_path):
    oracle = pytest.importorskip("pycocotools.coco")
    generator = np.random.default_rng(3)
    images = [record(int(number), f"{number}.png") for number in generator.permutation(40)[:12]]
    plant_images(tmp_path, *(image["file_name"] for image in images))
    annotations = [
        {
            "id": number,
            "image_id": int(generator.choice([image["id"] for image in images])),
            "category_id": int(generator.choice([3, 17, 90])),
            "bbox": generator.uniform(0, 20, 4).round(2).tolist(),
            "iscrowd": 0,
        }
        for number in range(1, 60)
    ]
    path = write(tmp_path / "a.json", images, annotations)
    coco, dataset = oracle.COCO(str(path)), read_coco(path)
    for index, name in enumerate(dataset.names):
        identity = int(name.removesuffix(".png"))
        expected = coco.loadAnns(coco.getAnnIds(imgIds=[identity]))
        span = dataset.targets.span(index)
        names = [dataset.classes[number] for number in dataset.targets.numbers[span]]
        assert names == [coco.loadCats(one["category_id"])[0]["name"] for one in expected]
        corners = dataset.targets.corners[span]
        boxes = np.array([one["bbox"] for one in expected]).reshape(-1, 4)
        np.testing.assert_allclose(corners[:, :2], boxes[:, :2])
        np.testing.assert_allclose(corners[:, 2:] - corners[:, :2], boxes[:, 2:], atol=1e-12)


def test_a_large_file_is_read_without_holding_its_records(tmp_path):
    plant_images(tmp_path, "1.png")
    boxes = [box(1, 3, [number % 30, 1, 2, 3], area=6, iscrowd=0, segmentation=[]) for number in range(20_000)]
    path = write(tmp_path / "a.json", [record(1)], boxes)
    tracemalloc.start()
    try:
        dataset = read_coco(path)
        _, streamed = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        json.loads(path.read_text())
        _, loaded = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(dataset.targets.numbers) == 20_000
    assert streamed < loaded / 2
