from textwrap import dedent

import pytest
from PIL import Image

from striate.datasets.dataset import PARTS
from striate.datasets.layouts.voc import read_voc
from striate.datasets.layouts.voc_files import recognises_voc
from striate.errors import DataError

BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>500</xmax><ymax>375</ymax></bndbox>"


def thing(name="dog", box=BOX, more=""):
    return f"<object><name>{name}</name>{more}{box}</object>"


@pytest.fixture
def plant_voc(tmp_path):
    """`plant_voc({"1": [thing(), ...], "2": None})`: images 1 and 2, the second without an annotation."""

    def make(annotations, images="JPEGImages", beside=False, ending=".jpg"):
        for stem, things in annotations.items():
            image = tmp_path / images / f"{stem}{ending}"
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (50, 37)).save(image)
            if things is not None:
                folder = image.parent if beside else tmp_path / "Annotations"
                folder.mkdir(exist_ok=True)
                size = "<size><width>500</width><height>375</height><depth>3</depth></size>"
                (folder / f"{stem}.xml").write_text(f"<annotation>{size}{''.join(things)}</annotation>")
        return tmp_path

    return make


def list_parts(root, **stems):
    folder = root / "ImageSets/Main"
    folder.mkdir(parents=True)
    for part, lines in stems.items():
        (folder / f"{part}.txt").write_text("".join(f"{line}\n" for line in lines))


def test_pixels_are_counted_from_one_and_the_last_is_inside(plant_voc):
    one_pixel = "<bndbox><xmin>48</xmin><ymin>240</ymin><xmax>48</xmax><ymax>240</ymax></bndbox>"
    dataset = read_voc(plant_voc({"000001": [thing(), thing("cat", one_pixel)]}))
    assert dataset.targets.corners.tolist() == [[0, 0, 500, 375], [47, 239, 48, 240]]
    assert dataset.targets.sizes.tolist() == [[500, 375]]
    assert dataset.classes == ("cat", "dog")
    assert dataset.targets.numbers.tolist() == [1, 0]
    assert list(dataset.names) == ["JPEGImages/000001.jpg"]
    assert not dataset.divided


def test_the_development_kits_own_file_is_read(plant_voc):
    root = plant_voc({"2007_000027": []})
    (root / "Annotations/2007_000027.xml").write_text(
        dedent(
            """\
            <annotation>
              <folder>VOC2012</folder>
              <filename>2007_000027.jpg</filename>
              <size><width>486</width><height>500</height><depth>3</depth></size>
              <segmented>0</segmented>
              <object>
                <name>person</name>
                <pose>Unspecified</pose>
                <truncated>0</truncated>
                <difficult>0</difficult>
                <bndbox><xmin>174</xmin><ymin>101</ymin><xmax>349</xmax><ymax>351</ymax></bndbox>
                <part><name>head</name>
                  <bndbox><xmin>169</xmin><ymin>104</ymin><xmax>209</xmax><ymax>146</ymax></bndbox></part>
              </object>
              <object>
                <bndbox><ymax>200.70000076293945</ymax><xmax>10</xmax><ymin>2.5</ymin><xmin>1</xmin></bndbox>
                <name>chair</name><difficult>1</difficult><occluded>1</occluded><truncated>1</truncated>
              </object>
            </annotation>
            """
        )
    )
    boxes = read_voc(root).targets
    assert boxes.corners.tolist() == [[173, 100, 349, 351], [0, 1.5, 10, 200.70000076293945]]
    assert list(boxes.flags) == ["difficult", "occluded", "truncated"]
    assert [flag.tolist() for flag in boxes.flags.values()] == [[False, True]] * 3
    assert boxes.polygons == ()


def test_the_lists_give_the_parts_and_what_none_names_is_left_out_with_a_remark(plant_voc):
    root = plant_voc({stem: [thing()] for stem in "abcd"})
    list_parts(root, train=["b"], val=["a"], test=["d"], trainval=["a", "b"], dog_train=["b  1"])
    dataset = read_voc(root)
    assert list(dataset.names) == ["JPEGImages/b.jpg", "JPEGImages/a.jpg", "JPEGImages/d.jpg"]
    assert [PARTS[part] for part in dataset.parts] == ["train", "validation", "test"]
    assert dataset.divided
    assert dataset.remarks == ("images in none of the lists of ImageSets/Main, left out: 1",)


def test_an_image_without_an_annotation_has_no_boxes_and_a_remark(plant_voc):
    dataset = read_voc(plant_voc({"a": [thing()], "b": None, "c": []}))
    assert dataset.targets.starts.tolist() == [0, 1, 1, 1]
    assert dataset.targets.sizes.tolist() == [[500, 375], [0, 0], [500, 375]]
    (remark,) = dataset.remarks
    assert remark.startswith("images without an annotation, taken for images without boxes: 1, as ")
    assert remark.endswith("b.jpg")


def test_a_list_of_classes_gives_their_order(plant_voc):
    root = plant_voc({"a": [thing()]})
    (root / "classes.txt").write_text("zebra\ndog\ncat\n")
    dataset = read_voc(root)
    assert dataset.classes == ("zebra", "dog", "cat")
    assert dataset.targets.numbers.tolist() == [1]
    (root / "classes.txt").write_text("zebra\n")
    with pytest.raises(DataError, match=r"a\.xml: the class 'dog' is not among those of .*classes\.txt"):
        read_voc(root)


def test_annotations_beside_the_images_of_each_part_are_found(plant_voc):
    plant_voc({"a": [thing()]}, images="train", beside=True)
    root = plant_voc({"b": [thing()]}, images="valid", beside=True)
    assert recognises_voc(root)
    dataset = read_voc(root)
    assert list(dataset.names) == ["train/a.jpg", "valid/b.jpg"]
    assert dataset.parts.tolist() == [0, 1]


def test_other_folders_are_not_taken_for_voc(plant, plant_voc):
    assert not recognises_voc(plant({"Annotations": 1, "JPEGImages": 1}))
    assert recognises_voc(plant_voc({"a": [thing()]}))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (thing(""), "an object has the name ''; expected one that can be printed"),
        (thing(box=""), "an object has no xmin; expected a number"),
        (thing(box=BOX.replace("500", "wide")), "an object has the xmax 'wide'; expected a number"),
        (thing(box=BOX.replace("500", "inf")), "an object has the xmax 'inf'; expected a number"),
        (thing(box=BOX.replace("500", "-1")), "the box of 'dog' ends before it begins; expected xmin ≤ xmax"),
        ("<size><width>1.5</width></size>", "the width is '1.5'; expected a whole number of pixels"),
        ("<object>", "line 1: mismatched tag; expected XML: write the file again"),
        ("&lol;", "line 1: undefined entity; expected XML"),
    ],
)
def test_an_annotation_that_cannot_be_understood_is_named(plant_voc, content, sentence):
    root = plant_voc({"a": []})
    (root / "Annotations/a.xml").write_text(f"<annotation>{content}</annotation>")
    with pytest.raises(DataError, match=sentence) as caught:
        read_voc(root)
    assert str(root / "Annotations/a.xml") in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "declared", ['<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">', '<!ENTITY b SYSTEM "file:///etc/passwd">', ""]
)
def test_entities_are_never_read(plant_voc, declared, encoding):
    root = plant_voc({"a": []})
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = f"{head}\n<!DOCTYPE annotation [{declared}]>\n<annotation>&b;</annotation>"
    (root / "Annotations/a.xml").write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match=r"a\.xml declares a document type, which may hold entities and is not read"):
        read_voc(root)


def test_another_root_than_annotation_is_refused(plant_voc):
    root = plant_voc({"a": []})
    (root / "Annotations/a.xml").write_text("<html/>")
    with pytest.raises(DataError, match=r"a\.xml begins with <html>; expected <annotation>"):
        read_voc(root)


@pytest.mark.parametrize(
    ("lists", "sentence"),
    [
        ({"train": ["a", "z"]}, r"train\.txt, line 2: there is no image 'z'; remove the line"),
        ({"train": ["a"], "val": ["", "a"]}, r"val\.txt, line 2: 'a' is in train\.txt too; keep one"),
        (
            {"trainval": ["a"], "test": []},
            r"Main has trainval\.txt and no train\.txt; divide it into train\.txt",
        ),
    ],
)
def test_lists_that_do_not_fit_are_refused(plant_voc, lists, sentence):
    root = plant_voc({"a": [thing()]})
    list_parts(root, **lists)
    with pytest.raises(DataError, match=sentence):
        read_voc(root)


def test_data_to_evaluate_on_need_no_training_list(plant_voc):
    root = plant_voc({"a": [thing()], "b": [thing()]})
    list_parts(root, test=["b"])
    dataset = read_voc(root)
    assert list(dataset.names) == ["JPEGImages/b.jpg"]
    assert dataset.parts.tolist() == [2] and dataset.divided


@pytest.mark.parametrize("others", [(), ("train",)])
def test_a_test_folder_alone_is_known_by_its_annotations(plant_voc, others):
    root = plant_voc({"a": [thing()]}, images="test", beside=True)
    for other in others:
        (root / other).mkdir()  # without annotations: it is something else
    assert recognises_voc(root) == (not others)
    if not others:
        assert read_voc(root).parts.tolist() == [2]


def test_annotations_without_images_and_images_of_one_stem_are_refused(plant_voc):
    root = plant_voc({"a": [thing()]})
    (root / "Annotations/b.xml").write_text("<annotation/>")
    with pytest.raises(DataError, match=r"annotations without an image in .*JPEGImages: 1, as .*b\.xml"):
        read_voc(root)
    plant_voc({"b": [thing()]})
    plant_voc({"b": [thing()]}, ending=".png")
    with pytest.raises(DataError, match=r"b\.png and b\.jpg share one annotation, b\.xml; rename one of them"):
        read_voc(root)


def test_data_without_a_single_box_are_refused_unless_the_classes_are_listed(plant_voc):
    root = plant_voc({"a": []})
    with pytest.raises(DataError, match=r"has no box in any annotation; expected at least one, or classes\.txt"):
        read_voc(root)
    (root / "classes.txt").write_text("dog\n")
    assert read_voc(root).classes == ("dog",)
