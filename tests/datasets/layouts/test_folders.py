import os
import unicodedata
from collections import Counter

import pytest

from striate.datasets.dataset import PARTS, TEST, TRAIN, VALIDATION
from striate.datasets.opening import open_dataset
from striate.errors import DataError
from striate.images.reading import read_image


def parts(dataset):
    return Counter(zip((PARTS[part] for part in dataset.parts), dataset.labels, strict=True))


def test_each_sub_folder_is_a_class(plant):
    dataset = open_dataset(plant({"cat": 3, "dog": 4, "dog/old": 2}))
    assert Counter(dataset.labels) == {"cat": 3, "dog": 6}
    assert read_image(dataset.source(0)).shape == (4, 4, 1)
    assert "cat/000.png" in dataset.names
    assert not dataset.divided


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "validation", "Testing"), ("train", "valid")])
def test_folders_of_parts_are_taken_as_they_are(plant, names):
    counts = {TRAIN: 5, VALIDATION: 2, TEST: 1}
    given = dict(zip(counts, names, strict=False))
    root = plant({f"{given[part]}/{label}": counts[part] for part in given for label in ("cat", "dog")})
    dataset = open_dataset(root)
    assert dataset.divided
    assert parts(dataset) == {(part, label): counts[part] for part in given for label in ("cat", "dog")}


def test_training_without_validation_gives_a_tenth_of_itself_away(plant):
    dataset = open_dataset(plant({f"train/{label}": 20 for label in ("cat", "dog")}))
    assert parts(dataset) == {(part, c): n for part, n in ((TRAIN, 18), (VALIDATION, 2)) for c in ("cat", "dog")}


def test_a_class_named_train_beside_a_class_named_car_is_a_class(plant):
    dataset = open_dataset(plant({"train": 5, "car": 5}))
    assert set(dataset.labels) == {"train", "car"}
    assert not dataset.divided


def test_one_part_in_two_folders_is_refused_and_none_is_silently_left_out(plant):
    root = plant({f"{part}/{label}": 2 for part in ("train", "val", "validation") for label in ("cat", "dog")})
    with pytest.raises(DataError, match="val"):
        open_dataset(root)


def test_hidden_files_and_folders_are_not_images(plant):
    root = plant({"cat": 2, "dog": 2, ".git": 1, "__MACOSX/cat": 1, "cat/.ipynb_checkpoints": 1, "cat/__MACOSX": 1})
    (root / "cat/.DS_Store").write_bytes(b"x")
    assert list(open_dataset(root).names) == ["cat/000.png", "cat/001.png", "dog/000.png", "dog/001.png"]


def test_one_name_in_two_spellings_is_one_class(plant):
    composed, decomposed = (unicodedata.normalize(form, "Käfer") for form in ("NFC", "NFD"))
    assert composed != decomposed
    dataset = open_dataset(plant({f"train/{decomposed}": 2, f"val/{composed}": 2, "train/ant": 2, "val/ant": 2}))
    assert set(dataset.labels) == {composed, "ant"}


@pytest.mark.parametrize("parts", [("test",), ("val",), ("val", "test")])
def test_data_to_evaluate_on_need_no_training_folder_and_nothing_is_drawn_from_it(plant, parts):
    dataset = open_dataset(plant({f"{part}/{label}": 3 for part, label in zip(parts, ("dog", "cat"), strict=False)}))
    assert dataset.classes == ("cat", "dog")[-len(parts) :]
    assert dataset.divided
    words = {"val": "validation", "test": "test"}
    assert [PARTS[part] for part in dataset.parts] == [words[part] for part in parts for _ in range(3)]


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"cat": 3, "dog": 0}, r"the class folder .*dog is empty; put images into it or remove it"),
        ({"test/cat": 2, "car": 2}, r"has car beside its parts; move it into train, val or test, or away"),
        ({"train/cat": 2, "car": 2}, r"has car beside its parts; move it into train, val or test, or away"),
        ({"train/cat": 2, "train/dog": 2, "val/cow": 2}, r"the class 'cow' of .*cow is not among the training classes"),
        ({"train/cat": 2, "train/dog": 2, "test": 2}, r"test has no sub-folders, but 2 files; expected one sub-folder"),
        ({".": 2}, r"has no sub-folders, but 2 files; expected one sub-folder of images for each class"),
        ({}, r"has no sub-folders; expected one sub-folder of images for each class"),
    ],
    ids=[
        "empty class",
        "class beside a test",
        "class beside parts",
        "unknown class",
        "part without classes",
        "loose files",
        "nothing",
    ],
)
def test_a_folder_that_cannot_be_trained_on_is_refused_with_the_reason(plant, counts, sentence):
    with pytest.raises(DataError, match=sentence):
        open_dataset(plant(counts))


def test_a_class_whose_name_cannot_be_printed_is_refused(plant):
    with pytest.raises(DataError, match=r"cat\\n' has a name that cannot be printed; rename it"):
        open_dataset(plant({"cat\n": 2, "dog": 2}))


def test_a_file_whose_name_is_no_text_has_a_name_that_can_be_written(plant):
    root = plant({"cat": 1, "dog": 2})
    (root / "cat" / os.fsdecode(b"\xff.png")).write_bytes((root / "cat/000.png").read_bytes())
    dataset = open_dataset(root)
    assert dataset.names[1].encode() == rb"cat/\udcff.png"
    assert read_image(dataset.source(1)).shape == (4, 4, 1)


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path):
    with pytest.raises(DataError, match="missing is not there; expected a folder with one sub-folder"):
        open_dataset(tmp_path / "missing")
    (tmp_path / "file.zip").touch()
    with pytest.raises(DataError, match=r"file\.zip is a file of no known layout; expected"):
        open_dataset(tmp_path / "file.zip")


def test_images_beside_the_class_folders_are_told(plant):
    root = plant({"cat": 2, "dog": 2})
    assert open_dataset(root).remarks == ()
    (root / "stray.png").write_bytes((root / "cat/000.png").read_bytes())
    (root / "notes.txt").write_text("mine")
    assert open_dataset(root).remarks == (
        f"images beside the class folders of {root.name}, which are not read: 1, as stray.png",
    )


def test_what_windows_leaves_in_folders_is_no_image(plant):
    root = plant({"cat": 2, "dog": 2})
    for name in ("Thumbs.db", "desktop.ini"):
        (root / "cat" / name).write_bytes(b"x")
    assert len(open_dataset(root)) == 4
