import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from striate.datasets.dataset import PARTS
from striate.datasets.layouts.yaml_subset import read_settings
from striate.datasets.layouts.yolo import read_yolo
from striate.datasets.layouts.yolo_files import labels_of, recognises_yolo
from striate.errors import DataError

DATA = "train: images/train\nval: images/val\nnc: 2\nnames: [cat, dog]\n"


def plant_image(path, size=(200, 100), orientation=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[274] = orientation
    Image.new("L", size).save(path, exif=exif)


def label(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def two_parts(tmp_path):
    """data.yaml, two images for training, of which one has boxes, and one for validation."""
    (tmp_path / "data.yaml").write_text(DATA)
    for name in ("train/a.jpg", "train/b.jpg", "val/c.png"):
        plant_image(tmp_path / "images" / name)
    label(tmp_path / "labels/train/a.txt", "1 0.5 0.5 0.25 0.5", "0 0.1 0.1 0.2 0.1 0.2 0.4 0.05 0.3")
    label(tmp_path / "labels/val/c.txt", "0 0.5 0.5 1 1")
    return tmp_path


def test_shares_become_pixels_of_the_image(two_parts):
    dataset = read_yolo(two_parts)
    assert dataset.classes == ("cat", "dog")
    assert list(dataset.names) == ["images/train/a.jpg", "images/train/b.jpg", "images/val/c.png"]
    assert [PARTS[part] for part in dataset.parts] == ["train", "train", "validation"]
    assert dataset.divided
    assert dataset.targets.starts.tolist() == [0, 2, 2, 3]
    assert dataset.targets.corners.tolist() == [[75, 25, 125, 75], [10, 10, 40, 40], [0, 0, 200, 100]]
    assert dataset.targets.numbers.tolist() == [1, 0, 0]
    assert dataset.targets.sizes.tolist() == [[200, 100], [0, 0], [200, 100]]


def test_labels_of_poses_are_refused_because_they_look_like_outlines(two_parts):
    (two_parts / "data.yaml").write_text(DATA + "kpt_shape: [2, 3]\n")
    label(two_parts / "labels/train/a.txt", "1 0.5 0.5 0.25 0.5 0.4 0.4 1 0.6 0.6 1")  # 11 columns: 5 points?
    with pytest.raises(DataError, match=r"data\.yaml has `kpt_shape`, so its labels hold poses"):
        read_yolo(two_parts)


def test_an_array_is_an_image_unless_a_picture_has_its_name(two_parts):
    for name in ("a", "d"):  # a.npy is what Ultralytics keeps of a.jpg with cache=disk
        np.save(two_parts / f"images/train/{name}.npy", np.zeros((100, 200), np.uint8))
    label(two_parts / "labels/train/d.txt", "1 0.5 0.5 0.25 0.5")
    dataset = read_yolo(two_parts)
    assert [name.rpartition("/")[2] for name in dataset.names] == ["a.jpg", "b.jpg", "d.npy", "c.png"]
    assert dataset.targets.corners[dataset.targets.span(2)].tolist() == [[75, 25, 125, 75]]


def test_a_longer_line_is_an_outline_and_its_box_is_its_extent(two_parts):
    outlines = read_yolo(two_parts).targets.polygons
    assert [len(rings) for rings in outlines] == [0, 1, 0]
    assert outlines[1][0].tolist() == [[20, 10], [40, 10], [40, 40], [10, 30]]


@given(
    some.lists(some.integers(0, 10**9), min_size=4, max_size=4).map(sorted),
    some.integers(1, 10_000),
    some.permutations(range(4)),
)
def test_pixels_written_as_shares_return_to_a_millionth(tmp_path_factory, edges, width, order):
    left, right, top, bottom = (round(edge / 10**9 * width, 6) for edge in (np.array(edges)[order]))
    left, right, top, bottom = min(left, right), max(left, right), min(top, bottom), max(top, bottom)
    root = tmp_path_factory.mktemp("yolo")
    (root / "data.yaml").write_text("train: images\nnames: [a]\n")
    plant_image(root / "images/a.png", (width, 1))
    shares = [(left + right) / 2 / width, 0.5, (right - left) / width, 1]
    label(root / "labels/a.txt", " ".join(["0", *(f"{share:.12f}" for share in shares)]))
    assert read_yolo(root).targets.corners.tolist() == [[left, 0, right, 1]]


def test_the_frame_is_that_of_the_upright_image(tmp_path):
    (tmp_path / "data.yaml").write_text("train: images\nnames: [a]\n")
    plant_image(tmp_path / "images/a.jpg", (200, 100), orientation=6)
    label(tmp_path / "labels/a.txt", "0 0.5 0.5 1 0.5")
    boxes = read_yolo(tmp_path).targets
    assert boxes.sizes.tolist() == [[100, 200]]
    assert boxes.corners.tolist() == [[0, 50, 100, 150]]


@pytest.mark.parametrize("places", ["images", "labels"])
def test_without_data_yaml_the_folders_give_the_parts_and_a_list_the_names(two_parts, places):
    (two_parts / "data.yaml").unlink()
    (two_parts / ("." if places == "images" else "labels") / "classes.txt").write_text("cat\ndog\n")
    assert recognises_yolo(two_parts)
    dataset = read_yolo(two_parts)
    assert dataset.classes == ("cat", "dog")
    assert dataset.parts.tolist() == [0, 0, 1]
    assert len(dataset.targets.numbers) == 3


def test_images_of_one_piece_are_not_divided(tmp_path):
    plant_image(tmp_path / "images/a.png")
    plant_image(tmp_path / "images/more/a.png")
    label(tmp_path / "labels/more/a.txt", "0 0.5 0.5 1 1")
    (tmp_path / "classes.txt").write_text("cat\n")
    assert recognises_yolo(tmp_path)
    dataset = read_yolo(tmp_path)
    assert not dataset.divided
    assert dataset.targets.starts.tolist() == [0, 0, 1]


def test_the_layout_of_roboflow_is_read_though_its_paths_lead_outside(tmp_path):
    (tmp_path / "data.yaml").write_text(
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 1\nnames: ['a b']\n\n"
        "roboflow:\n  workspace: x\n  license: CC BY 4.0\n  url: https://universe.roboflow.com/x\n"
    )
    for part in ("train", "valid", "test"):
        plant_image(tmp_path / part / "images/a.jpg")
        label(tmp_path / part / "labels/a.txt", "0 0.5 0.5 1 1")
    dataset = read_yolo(tmp_path / "data.yaml")
    assert dataset.classes == ("a b",)
    assert dataset.parts.tolist() == [0, 1, 2]
    assert len(dataset.targets.numbers) == 3


def test_a_path_says_where_the_folders_are_and_a_list_names_files(tmp_path):
    plant_image(tmp_path / "elsewhere/images/a.jpg")
    plant_image(tmp_path / "elsewhere/images/b.jpg")
    (tmp_path / "elsewhere/val.txt").write_text("./images/b.jpg\n")
    (tmp_path / "set").mkdir()
    settings = tmp_path / "set/data.yaml"
    settings.write_text("path: ../elsewhere  # root\ntrain: [train.txt]\nval: val.txt\nnames:\n  0: cat\n")
    with pytest.raises(DataError, match=r"data\.yaml: train is 'train\.txt', which is not in .*elsewhere"):
        read_yolo(settings)
    (tmp_path / "elsewhere/train.txt").write_text("./images/a.jpg\n./images/gone.jpg\n")
    with pytest.raises(DataError, match=r"names 1 of 3 images that are not in .*: images/gone\.jpg"):
        read_yolo(settings)
    (tmp_path / "elsewhere/train.txt").write_text("./images/a.jpg\n")
    assert list(read_yolo(settings).names) == ["images/a.jpg", "images/b.jpg"]


@pytest.mark.parametrize(
    ("image", "text"),
    [
        ("images/train/a.jpg", "labels/train/a.txt"),
        ("images/x/images/a.b.png", "images/x/labels/a.b.txt"),
        ("obj/a.jpg", "obj/a.txt"),
        ("images.jpg", "images.txt"),
    ],
)
def test_labels_lie_in_the_folder_beside_that_of_the_images(tmp_path, image, text):
    assert labels_of(tmp_path / image) == tmp_path / text


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("0 0.5 0.5 1", "4 columns; expected a class and cx cy w h, or a class and x y x y x y"),
        ("0 0.5 0.5 1 1 0.9", "6 columns; expected"),
        ("0 0.5 0.5 1 1 0.9 0.5 0.4", "8 columns; expected"),
        ("2 0.5 0.5 1 1", "the class is '2'; expected a number from 0 to 1"),
        ("9" * 5000 + " 0.5 0.5 1 1", "the class is '9999"),
        ("cat 0.5 0.5 1 1", "the class is 'cat'; expected a number from 0 to 1"),
        ("-1 0.5 0.5 1 1", "the class is '-1'; expected"),
        ("0 0.5 0.5 1.01 1", "1.01 is no share of the image; expected 0 to 1: divide pixels by its size"),
        ("0 100 50 20 10", "100 is no share of the image"),
        ("0 -0.1 0.5 1 1", "-0.1 is no share of the image"),
        ("0 nan 0.5 1 1", "nan is no share of the image"),
        ("0 0,5 0.5 1 1", "could not convert string to float: '0,5'; expected shares of the image"),
    ],
)
def test_a_line_that_cannot_be_understood_is_named(two_parts, line, sentence):
    label(two_parts / "labels/train/a.txt", "0 0.5 0.5 1 1", "", line)
    with pytest.raises(DataError, match=sentence) as caught:
        read_yolo(two_parts)
    assert f"{two_parts / 'labels/train/a.txt'}, line 3: " in str(caught.value)


def test_data_to_evaluate_on_need_no_training_images(two_parts):
    (two_parts / "data.yaml").write_text("val: images/val\nnames: [cat, dog]\n")
    (two_parts / "data.yaml").rename(two_parts / "photos.yaml")  # known by its keys
    assert recognises_yolo(two_parts)
    dataset = read_yolo(two_parts)
    assert list(dataset.names) == ["images/val/c.png"]
    assert dataset.parts.tolist() == [1] and dataset.divided
    (two_parts / "photos.yaml").unlink()
    (two_parts / "images/train").rename(two_parts / "elsewhere")
    (two_parts / "classes.txt").write_text("cat\ndog\n")
    assert read_yolo(two_parts).parts.tolist() == [1]


def test_an_image_without_a_header_leaves_its_boxes_and_a_remark(two_parts):
    (two_parts / "images/train/a.jpg").write_bytes(b"broken")
    dataset = read_yolo(two_parts)
    assert dataset.targets.starts.tolist() == [0, 0, 0, 1]
    (remark,) = dataset.remarks
    assert remark.startswith("images whose header cannot be read, left without their boxes: 1, as ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("names: [a]", "has no `train`, `val` or `test`; expected the folder of each part's images"),
        ("train: images/train", "has no list of names; expected `names:` with the name of each class"),
        ("train: images/train\nnames: []", "has no list of names"),
        ("train: images/train\nnames: a", "has no list of names"),
        ("train: images/train\nnames: [a, a]", "names 'a' twice; expected another name for each class"),
        ("train: images/train\nnames: [a, '']", "a name that is empty or cannot be printed"),
        ("train: images/train\nnames: {0: a, 2: b}", "the names have the numbers 0, 2; expected 0 to 1"),
        ("train: images/train\nnames: [a]\nnc: 80", "says nc 80 and gives 1 names; correct one of them"),
        ("train: images/none\nnames: [a]", "train is 'images/none', which is not in"),
        ("train: images/train\nval: images/train\nnames: [a]", "gives the same images for val as for train"),
        ("train: images/train\nval: [images/val, images/train]\nnames: [a]", r"names images/train/a\.jpg twice"),
        ("train: {0: a}\nnames: [a]", "train has numbers; expected a folder, or a list of them"),
        ("train: images/train\nnames: *other", r"line 2: '\*other' is not understood; write names as"),
        ("train: images/train\nnames: [a, [b]]", "line 2: .* is not understood"),
        ("train: images/train\nnames:\n  a: cat", "line 2: 'a: cat' is not understood"),
        ("train: images/train\nnames:\n  0: cat\n  0: dog", "line 2: the number 0 stands there twice"),
    ],
)
def test_settings_that_cannot_be_understood_are_refused_with_the_reason(two_parts, text, sentence):
    (two_parts / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=sentence) as caught:
        read_yolo(two_parts)
    assert str(two_parts / "data.yaml") in str(caught.value)


def test_other_folders_are_not_taken_for_yolo(plant):
    root = plant({"images": 2, "labels": 2})
    assert not recognises_yolo(root)
    (root / "docker.yaml").write_text("services:\n  web: x\n")
    assert not recognises_yolo(root)
    with pytest.raises(DataError, match=r"does not name its classes; expected data\.yaml, or classes\.txt"):
        read_yolo(root)


def test_two_settings_files_are_refused_unless_one_is_called_data(two_parts):
    (two_parts / "other.yaml").write_text(DATA)
    assert len(read_yolo(two_parts)) == 3
    (two_parts / "data.yaml").rename(two_parts / "my.yaml")
    with pytest.raises(DataError, match=r"has my\.yaml and other\.yaml; give the one that is meant"):
        read_yolo(two_parts)


NAMES = some.lists(
    some.text(some.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=9)
    .map(str.strip)
    .filter(bool),
    min_size=1,
    max_size=5,
)


@given(NAMES, some.booleans(), some.booleans(), some.booleans())
def test_names_are_read_as_pyyaml_writes_them(tmp_path_factory, names, listed, flow, unicode):
    yaml = pytest.importorskip("yaml")
    settings = {"path": "x", "names": names if listed else dict(enumerate(names)), "nested": {"names": ["no"]}}
    text = yaml.safe_dump(settings, default_flow_style=None if flow else False, allow_unicode=unicode, width=10**6)
    path = tmp_path_factory.mktemp("yaml") / "data.yaml"
    path.write_text(text, encoding="utf-8")
    found = read_settings(path, ["names", "path"])
    assert found == {"path": "x", "names": names if listed else {str(key): name for key, name in enumerate(names)}}


@given(NAMES)
def test_names_in_double_quotes_are_read_as_json_writes_them(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("yaml") / "data.yaml"
    path.write_text(f"names: {json.dumps(names, ensure_ascii=False)}\n")
    assert read_settings(path, ["names"]) == {"names": names}


def test_text_stays_text_and_comments_are_none(tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text("# nothing\n---\nnames: # ours\n  0: no # not false\n  1: 007\n  2: it's # don't\n  3: a#b\nval:\n")
    assert read_settings(path, ["names", "val"]) == {"names": {"0": "no", "1": "007", "2": "it's", "3": "a#b"}}
