import pytest

from striate.datasets.excluding import read_excluded
from striate.datasets.opening import open_dataset
from striate.errors import DataError


def test_a_list_has_one_name_a_line(tmp_path):
    (tmp_path / "out.txt").write_text("# bad ones\ncat/000.png\n\n  dog/001.png  \ncat/000.png\n", encoding="utf-8")
    assert read_excluded(tmp_path / "out.txt") == ("cat/000.png", "dog/001.png")


def test_of_a_check_the_suggestions_are_taken(tmp_path):
    rows = "path,finding,detail,suggestion\ncat/a.png,broken,x,yes\ncat/b.png,grey,y,no\n"
    (tmp_path / "check.csv").write_text(rows, encoding="utf-8")
    assert read_excluded(tmp_path / "check.csv") == ("cat/a.png",)


def test_a_csv_of_other_columns_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="has the columns a, b; expected path and suggestion"):
        read_excluded(tmp_path / "other.csv")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"])
def test_a_list_that_cannot_be_read_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "out.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"the list .*out.txt cannot be read: .*; expected one name a line"):
        read_excluded(tmp_path / "out.txt")


def test_excluded_images_are_gone_and_the_others_keep_what_is_theirs(plant):
    dataset = open_dataset(plant({"cat": 3, "dog": 3}))
    fewer = dataset.without(["cat/001.png", "dog/002.png"])
    assert list(fewer.names) == ["cat/000.png", "cat/002.png", "dog/000.png", "dog/001.png"]
    assert list(fewer.labels) == ["cat", "cat", "dog", "dog"]
    assert fewer.read(1)[0, 0, 0] == 2


def test_a_name_that_no_image_has_is_refused(plant):
    with pytest.raises(DataError, match=r"'cat/9.png' is to be excluded, but .* has no image of that name"):
        open_dataset(plant({"cat": 3, "dog": 3})).without(["cat/9.png"])
