import json

import numpy as np
import pytest
from PIL import Image

from striate.datasets.checking.strays import strays
from striate.datasets.opening import open_dataset


def draw(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 7).save(path)


def found(root):
    return {own.kind: (own.count, own.example) for own in strays(root, open_dataset(root))}


def manifest(root):
    draw(root / "a.png", root / "b.png")
    (root / "labels.csv").write_text("path,label\na.png,x\nb.png,y\n")


def coco(root):
    draw(root / "images/a.png")
    images = [{"id": 1, "file_name": "a.png", "width": 8, "height": 8}]
    content = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "x"}]}
    (root / "annotations").mkdir()
    (root / "annotations/instances.json").write_text(json.dumps(content))


def voc(root):
    draw(root / "JPEGImages/a.png", root / "JPEGImages/b.png")
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax></bndbox>"
    (root / "Annotations").mkdir()
    (root / "Annotations/a.xml").write_text(f"<annotation><object><name>x</name>{box}</object></annotation>")
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/train.txt").write_text("a\nb\n")


def yolo(root):
    draw(root / "images/train/a.png")
    (root / "labels/train").mkdir(parents=True)
    (root / "labels/train/a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (root / "labels/classes.txt").write_text("x\n")
    (root / "notes.txt").write_text("no labels")
    (root / "data.yaml").write_text("train: images/train\nnames: [x]\n")


def masks(root):
    draw(root / "images/a.png", root / "images/b.png", root / "masks/a.png", root / "masks/b.png")
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(root / "masks/a.png")


LAYOUTS = [manifest, coco, voc, yolo, masks]


@pytest.mark.parametrize("lay_out", LAYOUTS)
def test_where_every_image_has_its_labels_nothing_is_found(tmp_path, lay_out):
    lay_out(tmp_path)
    assert found(tmp_path) == {}


@pytest.mark.parametrize("lay_out", LAYOUTS)
def test_images_that_no_sample_names_are_counted_and_few_of_them_named(tmp_path, lay_out):
    lay_out(tmp_path)
    draw(*(tmp_path / "more" / f"{number}.png" for number in range(7)))
    names = ", ".join(f"more/{number}.png" for number in range(5))
    assert found(tmp_path) == {"images_without_labels": (7, f"{names}, and 2 more")}


def test_an_image_under_another_name_is_no_stray(tmp_path):
    manifest(tmp_path)
    (tmp_path / "again.png").symlink_to(tmp_path / "a.png")
    assert found(tmp_path) == {}


def test_an_image_without_a_mask_and_a_mask_without_an_image_are_told_apart(tmp_path):
    masks(tmp_path)
    draw(tmp_path / "images/bare.png", tmp_path / "masks/alone.png")
    assert found(tmp_path) == {"images_without_labels": (1, "images/bare.png")}


def test_labels_of_yolo_without_an_image_are_told(tmp_path):
    yolo(tmp_path)
    (tmp_path / "labels/train/gone.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    assert found(tmp_path) == {"labels_without_images": (1, "labels/train/gone.txt")}


def test_of_a_table_only_the_folders_of_its_images_are_looked_at(tmp_path):
    manifest(tmp_path)
    draw(tmp_path / "c.png", tmp_path / "holiday/d.png")
    assert found(tmp_path / "labels.csv") == {"images_without_labels": (1, "c.png")}


def test_of_a_settings_file_the_folders_of_its_images_and_labels_are_looked_at(tmp_path):
    yolo(tmp_path)
    draw(tmp_path / "images/train/c.png", tmp_path / "elsewhere/d.png")
    (tmp_path / "labels/train/gone.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    assert found(tmp_path / "data.yaml") == {  # c.png has no label, but is a sample: without boxes
        "labels_without_images": (1, "labels/train/gone.txt")
    }


def test_class_folders_leave_nothing_out(tmp_path):
    draw(tmp_path / "x/a.png", tmp_path / "y/b.png")
    assert found(tmp_path) == {}
