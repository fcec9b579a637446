import csv
import errno
import json
import os
import signal
import subprocess
import sys
import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from PIL import Image

from striate.datasets.converting import WRITERS, convert
from striate.datasets.dataset import Dataset
from striate.datasets.layouts.coco import read_coco
from striate.datasets.layouts.folders import read_folders
from striate.datasets.layouts.manifest import read_manifest
from striate.datasets.layouts.masks import read_masks
from striate.datasets.layouts.shards import read_shards
from striate.datasets.layouts.stored import stored
from striate.datasets.layouts.voc import read_voc
from striate.datasets.layouts.yolo import read_yolo
from striate.datasets.names import Names
from striate.datasets.targets import Boxes, Classes, Masks, Tags
from striate.errors import DataError, StorageError, UnknownNameError

READERS = {
    "coco": read_coco,
    "folder": read_folders,
    "manifest": read_manifest,
    "masks": read_masks,
    "voc": read_voc,
    "webdataset": read_shards,
    "yolo": read_yolo,
}
SQUARE = np.array([[1, 2], [5, 2], [5, 6], [1, 6]], np.float64)


def pixels(index, size=(40, 30)):
    """An image of its own for each index."""
    return np.random.default_rng(index).integers(0, 256, (size[1], size[0]), np.uint8)


def labelled(numbers, classes=None, names=None, parts=None, **more):
    count, classes = len(numbers), classes or ("cat", "dog")[: max(numbers) + 1]
    names = Names(names or [f"{index:03d}.png" for index in range(count)])
    parts = np.array([0] * count if parts is None else parts, np.uint8)
    targets = Classes(np.array(numbers, np.int32))
    return Dataset("some", classes, names, targets, parts, pixels, divided=bool(parts.any()), **more)


def boxed(corners, sizes=((40, 30),), classes=("zebra", "ant"), numbers=None, starts=None, parts=None, **more):
    """Arrays as images, with these boxes; all on the first image if `starts` does not say otherwise."""
    corners = np.array(corners, np.float64).reshape(-1, 4)
    count = len(sizes)
    boxes = Boxes(
        starts=np.array([0, *[len(corners)] * count] if starts is None else starts, np.int64),
        corners=corners,
        numbers=np.array([0] * len(corners) if numbers is None else numbers, np.int32),
        sizes=np.zeros((count, 2), np.int32),
        **more,
    )
    parts = np.array([0] * count if parts is None else parts, np.uint8)
    names = Names(f"{index:03d}.png" for index in range(count))
    fetch = lambda index: pixels(index, sizes[index])  # noqa: E731
    return Dataset("some", classes, names, boxes, parts, fetch, divided=bool(parts.any()))


def by_name(dataset):
    """What is known of each image, by its file's name: part, and each box's class, corners, outline and flags."""
    boxes, found = dataset.targets, {}
    for index, name in enumerate(dataset.names):
        span = boxes.span(index)
        rows = []
        for place in range(span.start, span.stop):
            rings = [ring.tolist() for ring in boxes.polygons[place]] if boxes.polygons else []
            flags = sorted(flag for flag, raised in boxes.flags.items() if raised[place])
            rows.append((dataset.classes[boxes.numbers[place]], boxes.corners[place].tolist(), rings, flags))
        found[Path(name).name] = (int(dataset.parts[index]), rows)
    return found


def assert_same(first, second):
    """Two answers of `by_name`, to a millionth of a pixel."""
    assert first.keys() == second.keys()
    for name, (part, rows) in first.items():
        other_part, other_rows = second[name]
        assert part == other_part
        assert [(label, flags) for label, _, _, flags in rows] == [(label, flags) for label, _, _, flags in other_rows]
        for (_, corners, rings, _), (_, other_corners, other_rings, _) in zip(rows, other_rows, strict=True):
            np.testing.assert_allclose(corners, other_corners, rtol=0, atol=1e-6)
            assert len(rings) == len(other_rings)
            for ring, other in zip(rings, other_rings, strict=True):
                np.testing.assert_allclose(ring, other, rtol=0, atol=1e-6)


def test_coco_is_written_as_cocos_page_describes_it(tmp_path):
    dataset = boxed(
        [[1, 2, 5, 6], [0, 0, 10.5, 30]],
        sizes=[(40, 30), (7, 9)],
        numbers=[1, 0],
        parts=[0, 1],
        polygons=((SQUARE,), ()),
        flags={"crowd": np.array([True, False])},
    )
    convert(dataset, tmp_path / "out", "coco")
    train, val = (
        json.loads((tmp_path / f"out/annotations/instances_{part}.json").read_text()) for part in ("train", "val")
    )
    assert train == {
        "images": [{"id": 1, "file_name": "000.png", "width": 40, "height": 30}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 2,
                "bbox": [1, 2, 4, 4],
                "area": 16,
                "iscrowd": 1,
                "segmentation": [[1, 2, 5, 2, 5, 6, 1, 6]],
            },
            {
                "id": 2,
                "image_id": 1,
                "category_id": 1,
                "bbox": [0, 0, 10.5, 30],
                "area": 315,
                "iscrowd": 0,
                "segmentation": [],
            },
        ],
        "categories": [{"id": 1, "name": "zebra"}, {"id": 2, "name": "ant"}],
    }
    assert val["images"] == [{"id": 2, "file_name": "001.png", "width": 7, "height": 9}]
    assert val["annotations"] == []
    assert (np.asarray(Image.open(tmp_path / "out/train/000.png")) == pixels(0)).all()


def test_voc_is_written_as_the_development_kit_describes_it(tmp_path):
    dataset = boxed(
        [[0, 0, 40, 30], [4, 5, 5, 6.5]],
        sizes=[(40, 30), (4, 4)],
        parts=[0, 2],
        flags={"difficult": np.array([False, True])},
    )
    remarks = convert(dataset, tmp_path / "out", "voc").remarks
    assert (tmp_path / "out/Annotations/000.xml").read_text() == dedent(
        """\
        <annotation>
          <folder>JPEGImages</folder>
          <filename>000.png</filename>
          <size>
            <width>40</width>
            <height>30</height>
            <depth>1</depth>
          </size>
          <segmented>0</segmented>
          <object>
            <name>zebra</name>
            <difficult>0</difficult>
            <occluded>0</occluded>
            <truncated>0</truncated>
            <bndbox>
              <xmin>1</xmin>
              <ymin>1</ymin>
              <xmax>40</xmax>
              <ymax>30</ymax>
            </bndbox>
          </object>
          <object>
            <name>zebra</name>
            <difficult>1</difficult>
            <occluded>0</occluded>
            <truncated>0</truncated>
            <bndbox>
              <xmin>5</xmin>
              <ymin>6</ymin>
              <xmax>5</xmax>
              <ymax>6.5</ymax>
            </bndbox>
          </object>
        </annotation>
        """
    )
    assert (tmp_path / "out/ImageSets/Main/train.txt").read_text() == "000\n"
    assert (tmp_path / "out/ImageSets/Main/test.txt").read_text() == "001\n"
    assert (tmp_path / "out/classes.txt").read_text() == "zebra\nant\n"
    assert sorted(path.name for path in (tmp_path / "out/JPEGImages").iterdir()) == ["000.png", "001.png"]
    assert remarks == ("boxes with edges between pixels, written as fractions, which some readers refuse: 1",)


def test_yolo_is_written_as_its_page_describes_it(tmp_path):
    dataset = boxed(
        [[10, 0, 30, 15], [1, 2, 5, 6]],
        sizes=[(40, 30), (4, 4), (4, 4)],
        numbers=[1, 0],
        parts=[0, 1, 0],
        classes=("it's: #1", "ant"),
        polygons=((), (SQUARE,)),
    )
    convert(dataset, tmp_path / "out", "yolo")
    assert (tmp_path / "out/labels/train/000.txt").read_text() == (
        "1 0.5 0.25 0.5 0.5\n0 0.025 0.066666666667 0.125 0.066666666667 0.125 0.2 0.025 0.2\n"
    )
    assert (tmp_path / "out/labels/val/001.txt").read_text() == ""
    assert (tmp_path / "out/images/train/002.png").is_file()
    assert (tmp_path / "out/data.yaml").read_text() == dedent(
        """\
        train: images/train
        val: images/val
        nc: 2
        names:
          0: "it's: #1"
          1: "ant"
        """
    )


def test_pycocotools_reads_our_file_and_finds_the_same_boxes_and_areas(tmp_path):
    oracle = pytest.importorskip("pycocotools.coco")
    generator = np.random.default_rng(5)
    corners, outlines = [], []
    for number in range(40):
        left, top = generator.integers(0, 60, 2)
        right, bottom = left + generator.integers(1, 39), top + generator.integers(1, 39)
        corners.append([left, top, right, bottom])
        box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
        triangle = np.array([[left, bottom], [right, bottom], [(left + right) / 2, top]])
        outlines.append(((), (box,), (triangle,))[number % 3])
    dataset = boxed(corners, sizes=[(100, 100)], polygons=tuple(outlines), numbers=[number % 2 for number in range(40)])
    convert(dataset, tmp_path / "out", "coco")
    coco = oracle.COCO(str(tmp_path / "out/annotations/instances.json"))
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert len(annotations) == 40
    for annotation, box, outline in zip(annotations, corners, outlines, strict=True):
        left, top, width, height = annotation["bbox"]
        assert [left, top, left + width, top + height] == box
        names = [one["name"] for one in coco.loadCats([annotation["category_id"]])]
        assert names == [("zebra", "ant")[(annotation["id"] - 1) % 2]]
        if outline:
            with warnings.catch_warnings(action="ignore"):  # pycocotools 2.0.11 is older than NumPy 2's protocol
                drawn = coco.annToMask(annotation).sum()
            edge = 0 if len(outline[0]) == 4 else 2 * (width + height)  # a slanted edge goes through pixels
            assert abs(drawn - annotation["area"]) <= edge


COORDINATE = some.integers(0, 10**6).map(lambda value: value / 10**6)


@some.composite
def sets_of_boxes(draw, fractions=True):
    """Boxes inside their images, some with an outline whose extent they are."""
    count = draw(some.integers(1, 4))
    sizes = [(draw(some.integers(1, 60)), draw(some.integers(1, 60))) for _ in range(count)]
    starts, corners, outlines = [0], [], []
    for width, height in sizes:
        for _ in range(draw(some.integers(0, 3))):
            points = np.array(draw(some.lists(some.tuples(COORDINATE, COORDINATE), min_size=3, max_size=5)))
            ring = np.round(points * [width, height], 6 if fractions else 0)
            corners.append([*ring.min(0), *ring.max(0)])
            outlines.append((ring,) if draw(some.booleans()) else ())
        starts.append(len(corners))
    classes = tuple(draw(some.permutations(["cat", "Käfer", "a: #b", "007", "no"])))
    numbers = [draw(some.integers(0, 4)) for _ in corners]
    parts = draw(some.lists(some.integers(0, 2), min_size=count, max_size=count).filter(lambda parts: 0 in parts))
    has_outlines = any(outlines)
    return boxed(
        corners,
        sizes=sizes,
        starts=starts,
        numbers=numbers,
        classes=classes,
        parts=parts,
        polygons=tuple(outlines) if has_outlines else (),
    )


def through(dataset, *formats, lossy=False):
    """The data set after it was written and read in each of the formats, one after the other."""
    with TemporaryDirectory() as folder:
        for number, form in enumerate(formats):
            out = Path(folder) / str(number)
            convert(dataset, out, form, lossy=lossy)
            dataset = READERS[form](out)
        return replace(dataset, fetch=lambda index: b"")


@settings(max_examples=40)
@given(sets_of_boxes())
def test_boxes_and_outlines_survive_coco_and_yolo(dataset):
    returned = through(dataset, "coco", "yolo", "coco")
    assert returned.classes == dataset.classes
    assert returned.divided == dataset.divided
    assert_same(by_name(returned), by_name(dataset))


@settings(max_examples=40)
@given(sets_of_boxes())
def test_boxes_survive_voc_and_outlines_are_what_is_lost(dataset):
    returned = through(dataset, "coco", "voc", "coco", lossy=True)
    assert returned.classes == dataset.classes
    assert returned.divided == dataset.divided
    assert returned.targets.polygons == ()
    assert_same(by_name(returned), by_name(replace(dataset, targets=replace(dataset.targets, polygons=()))))


@settings(max_examples=20)
@given(sets_of_boxes())
def test_boxes_outlines_and_flags_survive_webdataset(dataset):
    assume(len(dataset.targets.numbers))
    flags = {"crowd": np.arange(len(dataset.targets.numbers)) % 2 == 0}
    flagged = replace(dataset, targets=replace(dataset.targets, flags=flags))
    returned = through(flagged, "webdataset", "coco")
    assert returned.classes == dataset.classes
    assert_same(by_name(returned), by_name(flagged))


@settings(max_examples=30)
@given(
    some.lists(some.tuples(some.sampled_from(["cat", "dog", "emu"]), some.integers(0, 2)), min_size=1, max_size=9),
    some.permutations(["folder", "manifest", "webdataset"]),
)
def test_classes_and_parts_survive_all_that_hold_classes(rows, formats):
    classes = tuple(sorted({label for label, _ in rows}))
    trained = {label for label, part in rows if part == 0}
    rows = [(label, part if label in trained else 0) for label, part in rows]
    dataset = labelled([classes.index(label) for label, _ in rows], classes, parts=[part for _, part in rows])
    returned = through(dataset, *formats)
    assert returned.classes == classes
    found = {
        Path(name).name: (label, part)
        for name, label, part in zip(returned.names, returned.labels, returned.parts, strict=True)
    }
    assert found == {f"{index:03d}.png": row for index, row in enumerate(rows)}


def test_tags_and_groups_survive_a_manifest_even_if_no_image_has_two(tmp_path):
    tags = Tags(np.array([0, 1, 1, 2]), np.array([1, 0], np.int32))
    dataset = replace(labelled([0, 1, 0]), targets=tags, groups=np.array([4, 4, 9], np.int32))
    assert convert(dataset, tmp_path / "out", "manifest").remarks == ()
    returned = read_manifest(tmp_path / "out")
    assert [returned.targets.of(index).tolist() for index in range(3)] == [[1], [], [0]]
    assert returned.groups.tolist() == [0, 0, 1]
    assert returned.group_names == ("4", "9")


def test_groups_keep_their_names_in_a_manifest(tmp_path):
    groups, called = np.array([1, 0, 1], np.int32), ("Bo", "Ada, 1")
    convert(replace(labelled([0, 1, 0]), groups=groups, group_names=called), tmp_path / "out", "manifest")
    with (tmp_path / "out" / "labels.csv").open(encoding="utf-8", newline="") as file:
        assert [row["group"] for row in csv.DictReader(file)] == ["Ada, 1", "Bo", "Ada, 1"]


@pytest.mark.parametrize("form", ["masks", "webdataset"])
def test_masks_survive(tmp_path, form):
    masks = [np.array([[0, 1, 255], [2, 1, 0]], np.uint8), np.zeros((2, 3), np.uint8)]
    targets = Masks(lambda index: masks[index], np.arange(2))
    fetch = lambda index: pixels(index, (3, 2))  # noqa: E731
    parts = np.array([0, 1], np.uint8)
    dataset = Dataset("some", ("b", "a", "c d"), Names(["x.png", "y.png"]), targets, parts, fetch, divided=True)
    convert(dataset, tmp_path / "out", form)
    returned = READERS[form](tmp_path / "out")
    assert returned.classes == ("b", "a", "c d")
    assert returned.parts.tolist() == [0, 1]
    assert [returned.targets.of(index).tolist() for index in range(2)] == [mask.tolist() for mask in masks]


def test_files_are_copied_byte_for_byte_under_their_names(shared, tmp_path):
    dataset = read_folders(shared / "data/hymenoptera/train").at(range(0, 110, 11))
    seen = []
    converted = convert(dataset, tmp_path / "out", "folder", watch=lambda: seen.append(1))
    assert (converted.images, len(seen), converted.folder) == (10, 10, tmp_path / "out")
    assert sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.jpg")
    ) == sorted(dataset.names)
    for index, name in enumerate(dataset.names):
        assert (tmp_path / "out" / name).read_bytes() == Path(dataset.source(index)).read_bytes()


@pytest.mark.parametrize("form", ["manifest", "webdataset"])
def test_two_files_of_one_name_stay_two(tmp_path, form):
    names = ["cat/1.png", "dog/1.png", "dog/2.png", "dog/2.PNG", "1.png"]
    dataset = labelled([0, 1, 1, 1, 0], names=names)
    convert(dataset, tmp_path / "out", form)
    returned = READERS[form](tmp_path / "out")
    assert len({name.casefold() for name in returned.names}) == 5
    content = {
        (pixels.tobytes(), label) for pixels, label in zip(map(returned.read, range(5)), returned.labels, strict=True)
    }
    assert content == {(pixels(index).tobytes(), dataset.labels[index]) for index in range(5)}


def test_files_that_share_a_name_get_their_folders_in_front_and_a_remark(tmp_path):
    dataset = labelled([0, 0, 0], ("cat",), names=["a/1.png", "b/1.png", "b/2.png"])
    converted = convert(dataset, tmp_path / "out", "folder")
    assert sorted(path.name for path in (tmp_path / "out/cat").iterdir()) == ["2.png", "a_1.png", "b_1.png"]
    assert converted.remarks == ("files with new names, since others are called alike: 2, as a/1.png, now a_1.png",)


@pytest.mark.parametrize("form", ["voc", "yolo"])
def test_files_that_differ_in_their_ending_alone_do_not_share_their_boxes(tmp_path, form):
    dataset = boxed([[0, 0, 5, 5], [1, 1, 9, 9]], sizes=[(40, 30)] * 2, starts=[0, 1, 2])
    convert(replace(dataset, names=Names(["a.png", "a.bmp"])), tmp_path / "out", form)
    boxes = READERS[form](tmp_path / "out").targets
    assert sorted(boxes.corners.tolist()) == [[0, 0, 5, 5], [1, 1, 9, 9]]


@pytest.mark.parametrize(
    ("form", "more", "sentence"),
    [
        ("voc", {"polygons": ((SQUARE,), (SQUARE, SQUARE))}, "voc cannot hold 2 outlines; convert to another format"),
        ("yolo", {"polygons": ((SQUARE,), (SQUARE, SQUARE))}, "yolo cannot hold 1 outline of several rings"),
        ("yolo", {"polygons": ((SQUARE + 1,), ())}, "yolo cannot hold 1 outline of several rings or other extent than"),
        ("coco", {"flags": {"difficult": np.array([True, True])}}, "coco cannot hold 2 flags 'difficult'"),
        ("coco", {"flags": {"rle": np.array([True, False])}}, "coco cannot hold 1 outline in run lengths"),
        (
            "voc",
            {"flags": {"crowd": np.array([True, False]), "rle": np.array([True, True])}},
            "voc cannot hold 1 flag 'crowd' and 2 outlines in run lengths; convert to another format, or lose them",
        ),
        ("yolo", {"flags": {"truncated": np.array([False, True])}}, "yolo cannot hold 1 flag 'truncated'"),
    ],
)
def test_what_a_format_cannot_hold_is_counted_and_refused_unless_it_may_be_lost(tmp_path, form, more, sentence):
    dataset = boxed([[1, 2, 5, 6], [1, 2, 5, 6]], **more)
    with pytest.raises(DataError, match=sentence):
        convert(dataset, tmp_path / "out", form)
    assert list(tmp_path.iterdir()) == []
    converted = convert(dataset, tmp_path / "out", form, lossy=True)
    lost = sentence.removeprefix(f"{form} cannot hold ").partition(";")[0]
    assert any(remark.startswith(f"lost: {lost}") for remark in converted.remarks)
    assert READERS[form](tmp_path / "out").targets.corners.tolist() == [[1, 2, 5, 6], [1, 2, 5, 6]]


def test_boxes_that_reach_out_of_their_image_are_cut_for_yolo_if_that_may_be(tmp_path):
    dataset = boxed([[-10, -10, 60, 20], [30, 10, 60, 20], [50, 10, 60, 20], [-5, 0, 15, 30]])
    with pytest.raises(DataError, match="yolo cannot hold what of 3 boxes lies outside the image"):
        convert(dataset, tmp_path / "out", "yolo")
    convert(dataset, tmp_path / "out", "yolo", lossy=True)
    corners = read_yolo(tmp_path / "out").targets.corners.tolist()
    assert corners == [[0, 0, 40, 20], [30, 10, 40, 20], [-5, 0, 15, 30]]


def test_boxes_of_an_image_of_unknown_size_are_no_shares(tmp_path):
    dataset = replace(boxed([[0, 0, 1, 1]]), fetch=lambda index: b"broken")
    with pytest.raises(DataError, match="yolo cannot hold 1 box of images of unknown size"):
        convert(dataset, tmp_path / "out", "yolo")
    assert convert(dataset, tmp_path / "voc", "voc").remarks == ()
    assert read_voc(tmp_path / "voc").targets.corners.tolist() == [[0, 0, 1, 1]]


def test_groups_the_order_of_classes_and_bare_classes_are_lost_in_folders(tmp_path):
    dataset = labelled([0, 2, 0], ("dog", "cat", "ant"), parts=[0, 1, 0], groups=np.array([0, 1, 1], np.int32))
    sentence = (
        r"folder cannot hold 1 class without an image \('cat'\), 1 class without a training image \('ant'\), "
        "the order of 3 classes and 2 groups; convert"
    )
    with pytest.raises(DataError, match=sentence):
        convert(dataset, tmp_path / "out", "folder")


@pytest.mark.parametrize(
    ("form", "classes", "sentence"),
    [
        ("folder", ("a/b",), "the class 'a/b' cannot be the name of a folder; rename it, or convert to manifest"),
        ("folder", (".a",), "the class '.a' cannot be the name of a folder"),
        ("folder", ("a" * 256,), "cannot be the name of a folder"),
        ("folder", ("A", "a"), "the classes 'A' and 'a' are one folder where case does not count; rename one"),
        ("manifest", ("a;b",), "the class 'a;b' cannot stand in labels.csv, where ; separates labels; rename it"),
    ],
)
def test_a_class_whose_name_a_format_cannot_write_is_refused(tmp_path, form, classes, sentence):
    with pytest.raises(DataError, match=sentence):
        convert(labelled(range(len(classes)), classes), tmp_path / "out", form)
    assert list(tmp_path.iterdir()) == []


def test_a_class_that_would_not_count_in_masks_is_refused(tmp_path):
    targets = Masks(lambda index: np.zeros((30, 40), np.uint8), np.arange(1))
    dataset = replace(labelled([0], ("void",)), targets=targets)
    with pytest.raises(DataError, match="the class 'void' would be read as pixels that do not count; rename it"):
        convert(dataset, tmp_path / "out", "masks")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ("coco", "some has classes, which coco does not hold; convert it to folder, manifest or webdataset"),
        ("masks", "some has classes, which masks does not hold"),
    ],
)
def test_another_task_than_a_format_holds_is_refused(tmp_path, form, sentence):
    with pytest.raises(DataError, match=sentence):
        convert(labelled([0]), tmp_path / "out", form)


def test_an_unknown_format_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown format 'coko'; did you mean coco"):
        convert(labelled([0]), tmp_path / "out", "coko")


def test_boxes_drawn_on_the_stored_image_are_written_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels(0)).save(tmp_path / "a.png", exif=exif)
    dataset = boxed([[1, 2, 5, 6]])
    dataset = replace(
        dataset,
        targets=replace(dataset.targets, sizes=np.array([[40, 30]], np.int32)),
        fetch=lambda index: str(tmp_path / "a.png"),
    )
    converted = convert(dataset, tmp_path / "out", "coco")
    assert converted.remarks == ("images whose boxes are turned upright with them, as EXIF says: 1",)
    returned = read_coco(tmp_path / "out").targets
    assert returned.corners.tolist() == [[30 - 6, 1, 30 - 2, 5]]
    assert returned.sizes.tolist() == [[30, 40]]


def test_the_target_must_be_new_or_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    convert(labelled([0]), tmp_path / "empty", "folder")
    with pytest.raises(DataError, match="empty is not empty; name a new folder, or an empty one"):
        convert(labelled([0]), tmp_path / "empty", "folder")
    with pytest.raises(DataError, match=r"file is a file; name a new folder"):
        (tmp_path / "file").touch()
        convert(labelled([0]), tmp_path / "file", "folder")
    convert(labelled([0]), tmp_path / "new/deep", "folder")
    assert (tmp_path / "new/deep/cat/000.png").is_file()


@pytest.mark.parametrize("form", sorted(WRITERS))
@pytest.mark.parametrize("stopped", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")])
def test_a_conversion_that_is_stopped_leaves_nothing(tmp_path, form, stopped):
    dataset = {
        "boxes": boxed([[1, 2, 5, 6]], sizes=[(40, 30)] * 3),
        "classes": labelled([0, 1, 0]),
        "masks": replace(labelled([0, 1, 0]), targets=Masks(lambda index: np.zeros((30, 40), np.uint8), np.arange(3))),
    }[next(task for task in WRITERS[form].tasks if task != "tags")]
    calls = []

    def watch():
        calls.append(1)
        if len(calls) == 2:
            raise stopped

    with pytest.raises(KeyboardInterrupt if stopped is KeyboardInterrupt else StorageError) as caught:
        convert(dataset, tmp_path / "out", form, watch=watch)
    assert list(tmp_path.iterdir()) == []
    if stopped is not KeyboardInterrupt:
        assert str(caught.value).startswith(f"cannot write {tmp_path / 'out'}: No space left on device")


def test_a_conversion_that_is_killed_leaves_no_target(tmp_path):
    program = """
        import os, signal, sys
        from pathlib import Path
        from striate.datasets.converting import convert
        from striate.datasets.layouts.folders import read_folders
        calls = []
        def watch():
            calls.append(1)
            if len(calls) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        convert(read_folders(Path(sys.argv[1])), Path(sys.argv[2]), "folder", watch=watch)
    """
    for label in ("cat", "dog"):
        (tmp_path / "in" / label).mkdir(parents=True)
        for index in range(3):
            Image.fromarray(pixels(index)).save(tmp_path / "in" / label / f"{index}.png")
    ran = subprocess.run(
        [sys.executable, "-c", dedent(program), tmp_path / "in", tmp_path / "out/new"], check=False, env=os.environ
    )
    assert ran.returncode == -signal.SIGKILL
    assert not (tmp_path / "out/new").exists()
    assert convert(read_folders(tmp_path / "in"), tmp_path / "out/new", "folder").images == 6
    assert len(read_folders(tmp_path / "out/new")) == 6


def test_a_folder_that_may_not_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "tempfile.mkdtemp", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EACCES, "Permission denied"))
    )
    with pytest.raises(StorageError, match=r"cannot write .*out: Permission denied; nothing is left of it"):
        convert(labelled([0]), tmp_path / "out", "folder")


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    dataset = replace(labelled([0]), fetch=lambda index: str(tmp_path / "gone.png"))
    with pytest.raises(DataError, match=r"000\.png cannot be read: No such file or directory; repair or remove it"):
        convert(dataset, tmp_path / "out", "folder")
    assert list(tmp_path.iterdir()) == []


def test_arrays_become_png_files_and_what_no_png_holds_is_refused(tmp_path):
    deep = np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50
    named = replace(labelled([0], ("cat",)), names=Names(["17"]), fetch=lambda index: deep)
    convert(named, tmp_path / "out", "folder")
    assert (np.asarray(Image.open(tmp_path / "out/cat/17.png")) == deep).all()
    with pytest.raises(DataError, match="17 is an array of float64"):
        convert(replace(named, fetch=lambda index: deep / 60_000), tmp_path / "other", "folder")


@pytest.mark.parametrize("form", ["folder", "manifest", "webdataset"])
def test_arrays_in_files_are_copied_as_they_are(tmp_path, form):
    for place, label in enumerate(("cat", "dog")):
        (tmp_path / "in" / label).mkdir(parents=True)
        np.save(tmp_path / "in" / label / f"{label}.npy", np.full((5, 4, 7), place, np.float32))
    convert(read_folders(tmp_path / "in"), tmp_path / "out", to=form)
    dataset = READERS[form](tmp_path / "out")
    assert [PurePosixPath(name).suffix for name in dataset.names] == [".npy", ".npy"]
    for place, label in enumerate(dataset.labels):
        source = dataset.source(place)
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
        assert content == (tmp_path / "in" / label / f"{label}.npy").read_bytes()


def test_the_bytes_of_an_array_are_known_without_a_name(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5, 4, 7), np.uint16))
    content = (tmp_path / "a.npy").read_bytes()
    assert stored(content, "some image") == (content, "npy")


def test_what_is_written_is_the_same_every_time(tmp_path):
    dataset = boxed([[1, 2, 5, 6]], sizes=[(40, 30)] * 2, parts=[0, 1])
    for form in ("coco", "voc", "yolo"):
        contents = []
        for number in range(2):
            convert(dataset, tmp_path / f"{form}{number}", form)
            files = sorted((tmp_path / f"{form}{number}").rglob("*.*"))
            contents.append([(path.name, path.read_bytes()) for path in files if path.is_file()])
        assert all(first == second for first, second in pairwise(contents))
