import csv
import io
import os
import tracemalloc
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from striate.datasets.dataset import PARTS
from striate.datasets.dividing import divide, split_csv
from striate.datasets.layouts.folders import read_folders
from striate.datasets.layouts.manifest import read_manifest, recognises_manifest
from striate.datasets.targets import Tags
from striate.errors import DataError


@pytest.fixture
def table(tmp_path):
    """Write labels.csv with these rows beside an image for each path: `table([["path", "label"], ...])`."""

    def make(rows, name="labels.csv", images=None):
        for row in rows[1:] if images is None else [[image] for image in images]:
            path = tmp_path / row[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                Image.new("L", (4, 3), 7).save(path, "PNG")
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter="\t" if name.endswith(".tsv") else ",").writerows(rows)
        return tmp_path / name

    return make


def read_error(path):
    with pytest.raises(DataError) as caught:
        read_manifest(path)
    return str(caught.value)


def test_each_row_is_an_image_with_its_class_its_part_and_its_group(table):
    dataset = read_manifest(
        table(
            [
                ["path", "label", "split", "group"],
                ["a/1.png", "dog", "train", "x"],
                ["a/2.png", "cat", "train", "y"],
                ["b/3.png", "cat", "val", "x"],
                ["b/4.png", "dog", "test", "z"],
            ]
        )
    )
    assert dataset.classes == ("cat", "dog")
    assert list(dataset.names) == ["a/1.png", "a/2.png", "b/3.png", "b/4.png"]
    assert dataset.labels == ["dog", "cat", "cat", "dog"]
    assert [PARTS[part] for part in dataset.parts] == ["train", "train", "validation", "test"]
    assert dataset.groups.tolist() == [0, 1, 0, 2]
    assert [dataset.at([3, 0]).group(index) for index in range(2)] == ["z", "x"]
    assert dataset.divided
    assert dataset.read(2).shape == (3, 4, 1)


def test_without_a_split_all_are_for_training_and_nothing_is_divided(table):
    dataset = read_manifest(table([["path", "label"], ["1.png", "cat"], ["2.png", "dog"]]))
    assert not dataset.divided
    assert dataset.parts.tolist() == [0, 0]
    assert dataset.groups is None


@pytest.mark.parametrize("word", ["val", "Valid", "VALIDATION"])
def test_a_part_goes_by_the_names_that_people_use(table, word):
    rows = [["path", "label", "split"], ["1.png", "a", "Training"], ["2.png", "a", word], ["3.png", "a", "testing"]]
    assert read_manifest(table(rows)).parts.tolist() == [0, 1, 2]


def test_labels_are_text(table):
    dataset = read_manifest(
        table([["path", "label"], ["1.png", "007"], ["2.png", "7"], ["3.png", "no"], ["4.png", "1.0"]])
    )
    assert dataset.classes == ("007", "1.0", "7", "no")
    assert dataset.labels == ["007", "7", "no", "1.0"]


def test_one_name_in_two_spellings_is_one_class(table):
    spellings = [unicodedata.normalize(form, "Käfer") for form in ("NFC", "NFD")]
    dataset = read_manifest(table([["path", "label"], ["1.png", spellings[0]], ["2.png", spellings[1]]]))
    assert dataset.classes == (spellings[0],)


def test_one_row_with_several_labels_makes_all_rows_tags(table):
    dataset = read_manifest(
        table([["path", "label"], ["1.png", "dog"], ["2.png", "dog; cat;dog"], ["3.png", ""], ["4.png", "ant;"]])
    )
    assert dataset.classes == ("ant", "cat", "dog")
    assert isinstance(dataset.targets, Tags)
    assert [dataset.targets.of(index).tolist() for index in range(4)] == [[2], [1, 2], [], [0]]


def test_an_empty_label_beside_classes_is_refused_with_its_line(table):
    assert "labels.csv, line 3: the label is empty" in read_error(
        table([["path", "label"], ["1.png", "a"], ["2.png", ""]])
    )


@pytest.mark.parametrize(
    "header", [["file_name", "class"], ["Filename", "LABEL"], ["image", "category"], ["filepath", "class_name"]]
)
def test_columns_go_by_the_names_that_people_use(table, header):
    assert read_manifest(table([header, ["1.png", "cat"]])).labels == ["cat"]


def test_the_plain_name_wins_over_another_that_could_be_meant(table):
    rows = [["class", "image", "label", "path"], ["3", "nowhere.jpg", "cat", "1.png"]]
    dataset = read_manifest(table(rows, images=["1.png"]))
    assert dataset.labels == ["cat"]
    assert list(dataset.names) == ["1.png"]


def test_other_columns_are_passed_over_and_order_does_not_count(table):
    rows = [["when", "label", "path"], ["x", "cat", "1.png"], ["", "dog", "2.png"]]
    dataset = read_manifest(table(rows, images=["1.png", "2.png"]))
    assert dataset.labels == ["cat", "dog"]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([["a", "b"]], r"has the columns a, b, and none for the path; name one of them path, filename, file_name"),
        ([["path", "b"]], r"none for the label; name one of them label, labels, class, class_name, category or tags"),
        ([["path;label"]], r"line 1: 'path;label' is one column; separate the columns by commas"),
        ([["image", "file_name", "label"]], r"has 2 columns for the path, image and file_name; keep one"),
        ([["path", "label"]], r"has no rows; expected one for each image"),
        ([["path", "label"], ["1.png", "a"], ["2.png"]], r"line 3: 1 values, expected 2"),
        ([["path", "label"], ["", "a"]], r"line 2: the path is empty; name the image"),
        ([["path", "label"], ["1.png", "a"], ["./1.png", "b"]], r"names 1\.png twice; keep one of the two records"),
        ([["path", "label"], ["1.png", "a\tb\x07"]], r"line 2: the label 'a\\tb\\x07' cannot be printed; rename it"),
        ([["path", "label"], ["1.png", ";"]], r"has no label in any row; name at least one"),
        (
            [["path", "label", "split"], ["1.png", "a", "train"], ["2.png", "a", ""]],
            r"line 3: the split is empty, and others are not; fill in all of them or none",
        ),
        (
            [["path", "label", "split"], ["1.png", "a", "train"], ["2.png", "a", "dev"]],
            r"line 3: the split is 'dev'; expected train, training, val, valid, validation, test or testing",
        ),
        (
            [["path", "label", "split"], ["1.png", "a", "train"], ["2.png", "b", "val"], ["3.png", "b", "test"]],
            r"all images of the class 'b' \(2\) are for validation or test; move some to train, or rename it",
        ),
        (
            [["path", "label", "split"], ["1.png", "a;b", "train"], ["2.png", "c", "val"]],
            r"all images of the class 'c' \(1\) are for validation or test",
        ),
        ([["path", "label", "group"], ["1.png", "a", "x"], ["2.png", "a", " "]], r"line 3: the group is empty"),
    ],
)
def test_a_table_that_cannot_be_trained_on_is_refused_with_the_reason(table, rows, sentence):
    with pytest.raises(DataError, match=sentence):
        read_manifest(table(rows, images=["1.png", "2.png", "3.png"]))


def test_a_table_to_evaluate_on_needs_no_training_rows(table):
    rows = [["path", "label", "split"], ["1.png", "b", "test"], ["2.png", "a", "val"], ["3.png", "b", "test"]]
    dataset = read_manifest(table(rows, images=["1.png", "2.png", "3.png"]))
    assert dataset.classes == ("a", "b")
    assert dataset.parts.tolist() == [2, 1, 2]


def test_files_that_are_not_there_are_counted_and_the_first_ten_named(table):
    rows = [["path", "label"], *([f"{number:02d}.png", "a"] for number in range(14))]
    message = read_error(table(rows, images=["03.png"]))
    assert "names 13 of 14 images that are not in" in message
    assert "00.png, 01.png, 02.png, 04.png" in message
    assert "10.png, …" in message
    assert "11.png" not in message


def test_a_path_may_be_absolute(table, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Image.new("L", (4, 4)).save(elsewhere / "1.png")
    dataset = read_manifest(table([["path", "label"], [str(elsewhere / "1.png"), "a"]], images=[]))
    assert dataset.source(0) == str(elsewhere / "1.png")


def test_a_table_of_another_encoding_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_bytes("path,label\n1.png,Käfer\n".encode("latin-1"))
    assert "line 2: the label 'K\\udce4fer' cannot be printed; rename it, or save it as UTF-8" in read_error(tmp_path)
    (tmp_path / "labels.csv").write_bytes("path,label\n1.png,Käfer\n".encode("utf-16"))
    assert "line 1: the names of the columns are not UTF-8 text; save the table as UTF-8" in read_error(tmp_path)


def test_a_file_whose_name_is_no_text_is_found(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.png")).touch()
    (tmp_path / "labels.csv").write_bytes(b"path,label\n\xff.png,cat\n")
    dataset = read_manifest(tmp_path)
    assert dataset.names[0] == r"\udcff.png"
    assert os.fsencode(dataset.source(0)).endswith(b"/\xff.png")


def test_the_mark_that_excel_writes_before_the_text_is_no_part_of_it(table):
    path = table([["path", "label"], ["1.png", "a"]])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_manifest(path).labels == ["a"]


def test_a_quote_that_is_never_closed_is_refused_and_not_read_to_the_end(tmp_path):
    (tmp_path / "labels.csv").write_text('path,label\n"1.png,a\n2.png,b\n')
    assert "expected comma-separated values as in RFC 4180" in read_error(tmp_path / "labels.csv")


def test_tabulators_separate_the_columns_of_a_tsv(table):
    dataset = read_manifest(table([["path", "label"], ["1.png", "a, b"]], "images.tsv"))
    assert dataset.classes == ("a, b",)
    assert dataset.name == "images"


def test_a_parquet_table_is_read_as_text(table, tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table([["path"], ["1.png"], ["2.png"]])
    (tmp_path / "labels.csv").unlink()
    columns = {"file_name": ["1.png", "2.png"], "label": [7, 12], "image": [b"x" * 100, b"y"]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="has 2 columns for the path, file_name and image; keep one"):
        read_manifest(tmp_path / "a.parquet")
    del columns["image"]
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    dataset = read_manifest(tmp_path / "a.parquet")
    assert dataset.classes == ("12", "7")
    assert dataset.labels == ["7", "12"]


@pytest.mark.parametrize(("values", "kind"), [([[1], [2]], "list"), ([0.5, 1.5], "double"), ([b"a", b"b"], "binary")])
def test_a_parquet_column_that_is_no_text_is_refused(tmp_path, values, kind):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"path": ["1.png", "2.png"], "label": values}), tmp_path / "a.parquet")
    assert f"the column 'label' holds {kind}" in read_error(tmp_path / "a.parquet")


def test_a_broken_parquet_file_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "labels.parquet").write_bytes(b"PAR1 nothing")
    assert "is not a whole Parquet file" in read_error(tmp_path)


def test_a_hugging_face_image_folder_is_read_with_its_metadata(table, tmp_path):
    table([["file_name", "label"], ["cat/1.png", "cat"], ["2.png", "dog"]], "metadata.csv")
    assert recognises_manifest(tmp_path)
    assert read_manifest(tmp_path).labels == ["cat", "dog"]


def test_metadata_in_the_folder_of_each_part_give_the_parts(table, tmp_path):
    for part in ("train", "test"):
        table([["file_name", "label"], ["1.png", "cat"]], f"{part}-unused.csv", images=[f"{part}/1.png"])
        (tmp_path / f"{part}-unused.csv").rename(tmp_path / part / "metadata.csv")
    dataset = read_manifest(tmp_path)
    assert list(dataset.names) == ["train/1.png", "test/1.png"]
    assert dataset.parts.tolist() == [0, 2]
    assert dataset.divided


def test_metadata_of_something_else_and_folders_of_classes_are_no_manifest(plant):
    root = plant({"cat": 1, "dog": 1})
    assert not recognises_manifest(root)
    (root / "metadata.csv").write_text("camera,date\nx,y\n")
    assert not recognises_manifest(root)


def test_two_tables_in_one_folder_are_refused(table, tmp_path):
    table([["path", "label"], ["1.png", "a"]])
    table([["path", "label"], ["1.png", "a"]], "labels.tsv")
    assert "has labels.csv and labels.tsv; keep one" in read_error(tmp_path)


def test_a_row_costs_less_than_a_hundred_bytes_beside_its_path(tmp_path, monkeypatch):
    monkeypatch.setattr("striate.datasets.layouts.manifest.expect_files", lambda *_: None)  # there are no such files
    count = 40_000
    rows = (f"images/{number:08d}.png,{number % 7},{number // 3}\n" for number in range(count))
    (tmp_path / "labels.csv").write_text("path,label,group\n" + "".join(rows))
    tracemalloc.start()
    try:
        dataset = read_manifest(tmp_path)
        held, peak = (bytes_ / count for bytes_ in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
    assert len(dataset) == count
    assert held < 100 + len("images/00000000.png")
    assert peak < 400


def test_the_same_table_always_gives_the_same_data_set(table):
    path = table([["path", "label"], *([f"{number}.png", "abc"[number % 3]] for number in range(9))])
    first, second = read_manifest(path), read_manifest(path)
    assert list(first.names) == list(second.names)
    assert np.array_equal(first.targets.numbers, second.targets.numbers)


def test_groups_keep_their_names_in_the_division_that_a_run_writes(table):
    rows = [["1.png", "dog", "Ada, 1"], ["2.png", "cat", "7"], ["3.png", "cat", "Ada, 1"]]
    dataset = read_manifest(table([["path", "label", "group"], *rows])).at([1, 2, 0])
    written = list(csv.DictReader(io.StringIO(split_csv(dataset).decode())))
    assert [row["group"] for row in written] == ["7", "Ada, 1", "Ada, 1"]


def test_the_division_that_a_run_writes_down_is_read_again(plant):
    root = plant({"cat": 12, "dog": 9})
    drawn = divide(replace(read_folders(root), groups=np.arange(21, dtype=np.int32) // 2), 0)
    (root / "split.csv").write_bytes(split_csv(drawn))
    returned = read_manifest(root / "split.csv")
    assert [returned.source(index) for index in range(21)] == [drawn.source(index) for index in range(21)]
    assert returned.labels == drawn.labels
    assert returned.parts.tolist() == drawn.parts.tolist()
    assert returned.groups.tolist() == drawn.groups.tolist()
    assert returned.divided
