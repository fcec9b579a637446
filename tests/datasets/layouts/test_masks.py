import numpy as np
import pytest
from PIL import Image, ImageOps

from striate.datasets.dataset import PARTS
from striate.datasets.layouts.mask_pairs import recognises_masks
from striate.datasets.layouts.masks import SAMPLE, read_masks, unmatched
from striate.errors import DataError, ImageError

RED, BLACK = (255, 0, 0), (0, 0, 0)


@pytest.fixture
def plant_masks(tmp_path):
    """`plant_masks({"a": array})`: an image and a mask for each name, of the array's size."""

    def make(masks, images="images", folder="masks", ending=".png", mode=None):
        for name, values in masks.items():
            array = np.asarray(values, np.uint8)
            for path in (tmp_path / images / f"{name}.jpg", tmp_path / folder / f"{name}{ending}"):
                path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", array.shape[1::-1], "grey").save(tmp_path / images / f"{name}.jpg")
            mask = Image.fromarray(array)
            if mode == "P":
                mask.putpalette([value for number in range(256) for value in (number, 255 - number, 7)])
            (mask.convert(mode) if mode not in (None, "P") else mask).save(tmp_path / folder / f"{name}{ending}")
        return tmp_path

    return make


def test_black_and_white_are_background_and_foreground(plant_masks):
    dataset = read_masks(plant_masks({"a": [[0, 255, 0], [255, 255, 0]], "b": [[0]]}))
    assert dataset.classes == ("background", "foreground")
    assert dataset.targets.of(0).tolist() == [[0, 1, 0], [1, 1, 0]]
    assert dataset.targets.of(1).tolist() == [[0]]
    assert dataset.remarks == ("mask value 0 is 'background', 255 is 'foreground' (looked at 2 of 2 masks)",)
    assert list(dataset.names) == ["images/a.jpg", "images/b.jpg"]
    assert not dataset.divided


@pytest.mark.parametrize("mode", ["1", "RGB", "LA"])
def test_black_and_white_are_the_same_in_every_kind_of_file(plant_masks, mode):
    dataset = read_masks(plant_masks({"a": [[0, 255]], "b": [[0, 0]]}, mode=mode))
    assert dataset.classes == ("background", "foreground")
    assert [dataset.targets.of(index).tolist() for index in range(2)] == [[[0, 1]], [[0, 0]]]


def test_the_place_in_a_palette_is_the_class_whatever_its_colour(plant_masks):
    dataset = read_masks(plant_masks({"a": [[0, 2], [1, 255]]}, mode="P"))
    assert dataset.classes == ("class 0", "class 1", "class 2")
    assert dataset.targets.of(0).tolist() == [[0, 2], [1, 255]]
    assert "255 does not count" in dataset.remarks[0]


def test_a_list_names_the_classes_and_255_beside_them_does_not_count(plant_masks):
    root = plant_masks({"a": [[0, 2], [1, 255]]})
    (root / "classes.txt").write_text("sky\nroad\ncar\ntree\n")
    dataset = read_masks(root)
    assert dataset.classes == ("sky", "road", "car", "tree")
    assert dataset.targets.of(0).tolist() == [[0, 2], [1, 255]]
    assert "0 is 'sky', 1 is 'road', 2 is 'car', 3 is 'tree', 255 does not count" in dataset.remarks[0]


def test_two_names_name_black_and_white(plant_masks):
    root = plant_masks({"a": [[0, 255]]})
    (root / "classes.txt").write_text("skin\nlesion\n")
    dataset = read_masks(root)
    assert dataset.classes == ("skin", "lesion")
    assert dataset.targets.of(0).tolist() == [[0, 1]]


def test_numbers_before_the_names_are_the_values_in_the_order_of_the_list(plant_masks):
    root = plant_masks({"a": [[11, 7, 0], [4, 255, 7]]})
    (root / "classes.txt").write_text("7 road\n11 building\n0 void\n4 ignore\n")
    dataset = read_masks(root)
    assert dataset.classes == ("road", "building")
    assert dataset.targets.of(0).tolist() == [[1, 0, 255], [255, 255, 0]]


def test_few_greys_are_classes_in_their_order(plant_masks):
    dataset = read_masks(plant_masks({"a": [[0, 128, 255]], "b": [[64, 64, 0]]}))
    assert dataset.classes == ("class 0", "class 1", "class 2", "class 3")
    assert dataset.targets.of(0).tolist() == [[0, 2, 3]]
    assert "0 is 'class 0', 64 is 'class 1', 128 is 'class 2', 255 is 'class 3'" in dataset.remarks[0]


@pytest.mark.parametrize(
    "lines", ["255 0 0 car\n0 0 0 road\n", "#ff0000 car\n#000000 road\n", "255, 0, 0 car\n0,0,0 road"]
)
def test_colours_are_named_by_the_list(plant_masks, lines):
    root = plant_masks({"a": [[RED, BLACK]], "b": [[BLACK, BLACK]]})
    (root / "classes.txt").write_text(lines)
    dataset = read_masks(root)
    assert dataset.classes == ("car", "road")
    assert [dataset.targets.of(index).tolist() for index in range(2)] == [[[0, 1]], [[1, 1]]]
    assert dataset.remarks[0].startswith("mask colour #ff0000 is 'car', #000000 is 'road'")


def test_colours_of_a_palette_are_named_by_the_list_too(plant_masks):
    root = plant_masks({"a": [[0, 1]]}, mode="P")
    (root / "classes.txt").write_text("#00ff07 first\n#01fe07 second\n")
    assert read_masks(root).targets.of(0).tolist() == [[0, 1]]


def test_colours_without_a_list_are_classes_of_their_own(plant_masks):
    dataset = read_masks(plant_masks({"a": [[RED, BLACK]], "b": [[(0, 0, 255)] * 2]}))
    assert dataset.classes == ("#000000", "#0000ff", "#ff0000")
    assert dataset.targets.of(0).tolist() == [[2, 0]]


def test_a_value_without_a_class_is_named_with_its_file_and_first_pixel(plant_masks):
    masks = {f"{number:03d}": [[0, 255, 0, 0]] * 3 for number in range(4 * SAMPLE)}
    masks["001"] = [[0, 0, 0, 0], [0, 0, 7, 0], [9, 7, 7, 0]]
    dataset = read_masks(plant_masks(masks))
    with pytest.raises(
        ImageError, match=r"masks/001\.png: its mask has the value 7 at pixel \(2, 1\), which is no class"
    ):
        dataset.targets.of(1)
    assert dataset.targets.of(2).max() == 1


def test_more_masks_are_looked_at_while_all_hold_one_value(plant_masks):
    masks = {f"{number:03d}": [[0, 0]] for number in range(2 * SAMPLE)}
    masks[f"{2 * SAMPLE - 1:03d}"] = [[1, 2]]
    dataset = read_masks(plant_masks(masks))
    assert dataset.classes == ("class 0", "class 1", "class 2")


def test_a_mask_of_another_size_than_its_image_is_refused_with_both(plant_masks):
    root = plant_masks({"a": [[0, 255]], "b": [[0, 255]]})
    Image.new("L", (5, 4)).save(root / "images/b.jpg")
    with pytest.raises(ImageError, match=r"b\.png: its mask has 2×1 pixels and the image 5×4; make them alike"):
        read_masks(root).targets.of(1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_drawn_on_the_stored_image_is_turned_with_it(plant_masks, orientation):
    stored = np.zeros((3, 5), np.uint8)
    stored[0, 1:3] = 255
    root = plant_masks({"a": stored})
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(stored).save(root / "images/a.jpg", quality=100, exif=exif)
    with Image.open(root / "images/a.jpg") as image:
        upright = np.asarray(ImageOps.exif_transpose(image)) > 127
    mask = read_masks(root).targets.of(0)
    assert mask.shape == upright.shape
    if orientation >= 5:
        assert (mask == upright).all()
    else:  # both frames have one size: the mask is taken for upright
        assert (mask == stored // 255).all()


@pytest.mark.parametrize("layout", ["images/{}", "{}/images"])
def test_parts_lie_in_or_above_both_folders(plant_masks, layout):
    for part, name in (("train", "a"), ("val", "b"), ("test", "c")):
        images = layout.format(part)
        root = plant_masks({name: [[0, 255]]}, images, images.replace("images", "masks"))
    assert recognises_masks(root)
    dataset = read_masks(root)
    assert [PARTS[part] for part in dataset.parts] == ["train", "validation", "test"]
    assert dataset.divided


@pytest.mark.parametrize("layout", ["images/{}", "{}/images"])
def test_data_to_evaluate_on_need_no_training_folder(plant_masks, layout):
    images = layout.format("test")
    dataset = read_masks(plant_masks({"c": [[0, 255]]}, images, images.replace("images", "masks")))
    assert dataset.parts.tolist() == [2] and dataset.divided


def test_pairs_may_have_folders_other_endings_and_a_mark_in_the_name(plant_masks):
    plant_masks({"x/a": [[0, 255]]}, ending=".bmp")
    plant_masks({"b": [[0, 255]]}, ending="_mask.gif")
    root = plant_masks({"x/b": [[0, 255]]})
    dataset = read_masks(root)
    assert list(dataset.names) == ["images/b.jpg", "images/x/a.jpg", "images/x/b.jpg"]
    assert [dataset.targets.of(index).tolist() for index in range(3)] == [[[0, 1]]] * 3
    assert unmatched(root) == ((), ())


def test_what_has_no_partner_is_told(plant_masks):
    root = plant_masks({"a": [[0, 255]], "b": [[0, 255]], "c": [[0, 255]]})
    (root / "images/a.jpg").unlink()
    (root / "masks/c.png").unlink()
    assert unmatched(root) == (("images/c.jpg",), ("masks/a.png",))
    _, first, second = read_masks(root).remarks
    assert first.startswith("images without a mask, left out: 1, as ")
    assert second.startswith("masks without an image, left out: 1, as ")
    (root / "images/b.jpg").unlink()
    with pytest.raises(DataError, match="has 1 images and 2 masks, and no two of one name; expected images"):
        read_masks(root)


def test_masks_at_some_places_are_those_of_the_images_there(plant_masks):
    dataset = read_masks(plant_masks({"a": [[0, 255]], "b": [[255, 255]], "c": [[0, 0]]})).at([2, 1])
    assert [dataset.targets.of(index).tolist() for index in range(2)] == [[[0, 0]], [[1, 1]]]


def test_a_photograph_is_no_mask(plant_masks):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40))
    with pytest.raises(
        DataError, match=r"the masks have \d+ different grey values \(masks/a.*\); expected one for each class"
    ):
        read_masks(plant_masks({"a": noise // 2 * 2}))
    colours = np.random.default_rng(0).integers(0, 256, (40, 40, 3))
    with pytest.raises(
        DataError, match=r"different colours \(masks/a.*\); expected one for each class: save them as PNG"
    ):
        read_masks(plant_masks({"a": colours}))


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("0 sky\nroad\n", r"classes\.txt, line 2: 'road'; expected `index name` as in the first line"),
        ("0 sky\n0 road\n", r"classes\.txt has 0 in two lines; give each class its own"),
        ("sky\nsky\n", r"classes\.txt has 'sky' in two lines"),
        ("1 2 300 sky\n", r"line 1: 1 2 300 is no colour; expected three numbers from 0 to 255"),
        ("\n", r"classes\.txt is empty"),
        (
            "sky\nroad\n",
            r"2 names and the masks hold values up to 2 \(masks/a\.png has 2 at pixel \(2, 0\)\); name",
        ),
        ("sky\n", r"classes\.txt has 1 names and the masks hold values up to 2"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(plant_masks, lines, sentence):
    root = plant_masks({"a": [[0, 1, 2]]})
    (root / "classes.txt").write_text(lines)
    with pytest.raises(DataError, match=sentence):
        read_masks(root)


def test_the_mask_that_did_it_is_named_with_the_value_and_its_first_pixel(plant_masks):
    root = plant_masks({"a": [[0, 1], [1, 0]], "b": [[0, 0, 1], [0, 5, 5]], "c": [[7, 7]]})
    (root / "classes.txt").write_text("sky\nroad\n")
    with pytest.raises(DataError, match=r"values up to 7 \(masks/b\.png has 5 at pixel \(1, 1\)\); name every class"):
        read_masks(root)


def test_the_mask_of_too_many_greys_is_named(plant_masks):
    greys = [[100 + 2 * number for number in range(16)]]
    root = plant_masks({"a": greys, "b": greys, "c": [[100, 100], [100, 201]]})
    with pytest.raises(
        DataError, match=r"17 different grey values \(masks/c\.png has 201 at pixel \(1, 1\)\); expected"
    ):
        read_masks(root)


def test_the_mask_of_too_many_colours_is_named(plant_masks):
    colours = np.array([[(200, number, 0) for number in range(32)]])
    root = plant_masks({"a": colours, "b": [[(0, 0, 9), (200, 1, 0)]]})
    with pytest.raises(
        DataError, match=r"33 different colours \(masks/b\.png has #000009 at pixel \(0, 0\)\); expected"
    ):
        read_masks(root)


def test_names_for_another_number_of_greys_are_refused(plant_masks):
    root = plant_masks({"a": [[0, 100, 200]]})
    (root / "classes.txt").write_text("a\nb\n")
    with pytest.raises(
        DataError,
        match=r"classes\.txt has 2 names and the masks 3 values \(masks/a\.png has 200 at pixel \(2, 0\)\); write",
    ):
        read_masks(root)


def test_a_broken_mask_is_named_when_it_is_read(plant_masks):
    root = plant_masks({"a": [[0, 255]], "b": [[0, 255]]})
    (root / "masks/a.png").write_bytes(b"broken")
    dataset = read_masks(root)
    with pytest.raises(ImageError, match=r"a\.png: its mask cannot be read"):
        dataset.targets.of(0)
    (root / "masks/b.png").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"has no mask that can be read, as masks/a\.png"):
        read_masks(root)


def test_folders_without_pairs_are_not_taken_for_masks(plant):
    assert not recognises_masks(plant({"images": 1, "dogs": 1}))
    root = plant({"masks": 0})
    assert not recognises_masks(root)
    (root / "masks/a.txt").touch()
    assert not recognises_masks(root)
