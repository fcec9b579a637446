import tomllib

import pytest

import striate
from striate.errors import DataError

QUICK = {"model": "linear", "size": 16, "epochs": 1}


@pytest.fixture
def broken(photos):
    """The photos, and among them three files that are no images."""
    whole = (photos / "circle" / "00.png").read_bytes()
    (photos / "circle" / "cut off.png").write_bytes(whole[: len(whole) // 2])
    (photos / "circle" / "empty.jpg").write_bytes(b"")
    (photos / "square" / "notes [red].txt").write_text("not an image")
    return photos


NAMES = {"circle/cut off.png", "circle/empty.jpg", "square/notes [red].txt"}


def test_files_that_cannot_be_read_are_named_counted_and_left_out(broken, tmp_path, capsys):
    run = striate.train(broken, **QUICK, out=str(tmp_path / "run"))
    assert {file.name for file in run.skipped} == NAMES
    told = capsys.readouterr().err
    assert all(f"skipped  {file.name}: {file.reason}\n" in told for file in run.skipped)
    assert run.to_dict()["skipped"] == [vars(file) for file in run.skipped]
    document = tomllib.loads((run.folder / "run.toml").read_text(encoding="utf-8"))["data"]
    assert document["skipped"] == run.to_dict()["skipped"]
    assert document["train"] + document["validation"] + document["test"] == 36
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Could not be read: 3 of the files" in page
    assert all(name in page for name in NAMES)


def test_reasons_say_what_is_wrong_with_each(broken, tmp_path):
    run = striate.train(broken, **QUICK, out=str(tmp_path / "run"), quiet=True)
    reasons = {file.name: file.reason for file in run.skipped}
    assert "truncated" in reasons["circle/cut off.png"]
    assert reasons["circle/empty.jpg"] == "the file is empty (0 bytes)"
    assert reasons["square/notes [red].txt"] == "not an image of a known format"


def test_strict_stops_at_such_a_file_and_leaves_no_run_directory(broken, tmp_path):
    with pytest.raises(DataError, match="repair or remove it, or leave out --strict") as caught:
        striate.train(broken, **QUICK, strict=True, out=str(tmp_path / "run"), quiet=True)
    assert any(name in str(caught.value) for name in NAMES)
    assert not (tmp_path / "run").exists()


def test_strict_does_not_mind_whole_files(photos, tmp_path):
    assert striate.train(photos, **QUICK, strict=True, out=str(tmp_path / "run"), quiet=True).skipped == ()


def test_a_class_of_which_nothing_can_be_read_is_named(photos, tmp_path):
    for file in (photos / "circle").iterdir():
        file.write_bytes(b"")
    with pytest.raises(
        DataError, match=r"no training image of the class 'circle' .* can be used; .* the file is empty"
    ):
        striate.train(photos, **QUICK, out=str(tmp_path / "run"), quiet=True)
    assert not (tmp_path / "run").exists()


def test_many_such_files_are_counted_where_there_is_no_room_to_name_them(photos, tmp_path, capsys):
    for number in range(15):
        (photos / "circle" / f"broken {number:02d}.png").write_bytes(b"")
    run = striate.train(photos, **QUICK, out=str(tmp_path / "run"))
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("skipped")]
    assert len(told) == 11
    assert told[-1] == "skipped  15 files in all; the report names each"
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert all(f"circle/broken {number:02d}.png" in page for number in range(15))


def test_hidden_files_and_folders_are_no_images(photos, tmp_path):
    (photos / "circle" / ".DS_Store").write_bytes(b"finder")
    (photos / ".git").mkdir()
    (photos / "__MACOSX").mkdir()
    run = striate.train(photos, **QUICK, out=str(tmp_path / "run"), quiet=True)
    assert run.skipped == ()
    assert len(run.model.classes) == 3
