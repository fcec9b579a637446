import json

import numpy as np
import pytest
from PIL import Image

import striate


@pytest.fixture
def photos(tmp_path):
    """Two classes of noisy images, a copy of one under another name, and an empty file."""
    noise = np.random.default_rng(0)
    for number in range(40):
        path = tmp_path / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (24, 30, 3), dtype=np.uint8)).save(path)
    (tmp_path / "photos/dog/copy.png").write_bytes((tmp_path / "photos/dog/1.png").read_bytes())
    (tmp_path / "photos/cat/empty.png").write_bytes(b"")
    return tmp_path / "photos"


def test_check_shows_a_table_and_writes_a_page_and_lists(cli, photos, tmp_path):
    code, out, err = cli("check", photos, "--size", "16", "--out", tmp_path / "found")
    assert code == 0, err
    assert "cat/empty.png" in out and "copy" in out
    assert {path.name for path in (tmp_path / "found").iterdir()} == {"check.html", "check.csv", "exclude.txt"}
    excluded = (tmp_path / "found" / "exclude.txt").read_text(encoding="utf-8")
    assert "cat/empty.png" in excluded


def test_check_answers_as_one_json_object(cli, photos, tmp_path):
    code, out, _ = cli("check", photos, "--size", "16", "--out", tmp_path / "found", "--json")
    assert code == 0
    assert any("empty" in case["path"] for finding in json.loads(out)["findings"] for case in finding["cases"])


def test_what_check_proposes_train_leaves_out(cli, photos, tmp_path):
    cli("check", photos, "--size", "16", "--out", tmp_path / "found")
    quick = ["--model", "linear", "--size", "8", "--epochs", "1", "--out", tmp_path / "run", "--json"]
    code, out, err = cli("train", photos, "--exclude", tmp_path / "found" / "exclude.txt", *quick)
    assert code == 0, err
    assert json.loads(out)["skipped"] == []
    assert "empty" not in (tmp_path / "run" / "split.csv").read_text(encoding="utf-8")


def test_convert_writes_another_layout_that_opens_again(cli, photos, tmp_path):
    (photos / "cat/empty.png").unlink()
    code, out, err = cli("convert", photos, tmp_path / "shards", "--to", "webdataset")
    assert code == 0, err
    assert "41 images are in" in out
    again, before = striate.open_dataset(tmp_path / "shards"), striate.open_dataset(photos)
    assert sorted(again.labels) == sorted(before.labels)


def test_convert_leaves_out_what_is_excluded(cli, photos, tmp_path):
    (tmp_path / "out.txt").write_text("cat/empty.png\ndog/copy.png\n", encoding="utf-8")
    code, out, err = cli("convert", photos, tmp_path / "new", "--to", "folder", "--exclude", tmp_path / "out.txt")
    assert code == 0, err
    assert "40 images are in" in out


def test_convert_answers_as_one_json_object(cli, photos, tmp_path):
    code, out, _ = cli("convert", photos, tmp_path / "list", "--to", "manifest", "--json")
    assert code == 0
    assert json.loads(out) == {"folder": str(tmp_path / "list"), "images": 42, "remarks": []}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["convert", "{photos}", "{out}", "--to", "coco"], "has classes, which coco does not hold; convert it to"),
        (["convert", "{photos}", "{photos}", "--to", "folder"], "is not empty; name a new folder, or an empty one"),
        (["convert", "{photos}", "{out}", "--to", "coca"], "unknown format 'coca'; did you mean coco"),
        (["fetch", "minst"], "unknown data set 'minst'; did you mean mnist"),
        (["fetch", "digits"], "digits is part of scikit-learn, so there is nothing to download"),
        (["fetch", "mnist", "--mirror", "nowhere"], "the mirror is 'nowhere'; expected an address"),
        (["check", "{out}"], "is not there; expected a folder with one sub-folder"),
        (["check", "{photos}", "--size", "0"], "0"),
        (["train", "minst"], "did you mean mnist"),
        (["train", "mnist"], "striate fetch mnist"),
    ],
)
def test_bad_input_is_one_sentence(cli, photos, tmp_path, monkeypatch, words, sentence):
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "none"))
    code, out, err = cli(*(word.format(photos=photos, out=tmp_path / "out") for word in words))
    assert code == 2
    assert out == ""
    assert sentence in " ".join(err.split())
    assert err.startswith("striate: ") and len(err.splitlines()) == 1
