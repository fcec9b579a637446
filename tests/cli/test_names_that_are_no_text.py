import os
import shutil
import sys

import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there a name may be any bytes")

NAME = os.fsdecode(b"caf\xe9")  # Latin-1, as old archives have it
QUICK = ("--model", "linear", "--size", "8", "--epochs", "1")


@pytest.fixture
def photos(tmp_path):
    """Two classes of eight images whose names are not UTF-8, and one that cannot be read."""
    for number in range(8):
        for label in ("dark", "bright"):
            (tmp_path / "photos" / label).mkdir(parents=True, exist_ok=True)
            image = Image.new("L", (8, 8), number + 200 * (label == "bright"))
            image.save(tmp_path / "photos" / label / f"{NAME} {number}.png")
    (tmp_path / "photos" / "dark" / f"{NAME} broken.png").touch()
    return tmp_path / "photos"


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_file_whose_name_is_not_text_is_answered(cli, run, tmp_path, more):
    shutil.copy(run / "sample.png", tmp_path / f"{NAME}.png")
    code, out, err = cli("predict", run, tmp_path / f"{NAME}.png", *more)
    assert (code, err) == (0, "")
    assert "caf" in out


def test_a_file_whose_name_is_not_text_is_named_when_it_is_skipped(cli, run, tmp_path):
    code, _, err = cli("predict", run, tmp_path / f"{NAME}.png")
    assert code == 2
    assert "caf" in err
    assert err.endswith("no such file\n")


def test_files_whose_names_are_not_text_are_trained_and_evaluated_on(cli, photos, tmp_path):
    code, _, err = cli("train", photos, *QUICK, "--out", tmp_path / "run")
    assert code == 0, err
    assert "broken.png: the file is empty" in err
    assert cli("evaluate", tmp_path / "run", photos)[0] == 0


@pytest.mark.parametrize("place", ["class", "data", "out"])
def test_a_folder_whose_name_is_not_text_is_used_or_refused_in_one_line(cli, photos, tmp_path, place):
    out = tmp_path / ("run" if place != "out" else NAME)
    if place == "class":
        (photos / "dark").rename(photos / NAME)
    elif place == "data":
        photos = photos.rename(tmp_path / NAME)
    code, _, err = cli("train", photos, *QUICK, "--out", out)
    assert code == 0 or (code == 2 and err.count("\n") == 1)
    assert out.exists() == (code == 0)


def test_a_model_whose_place_is_not_text_is_used_or_refused_in_one_line(cli, run, tmp_path):
    shutil.copytree(run, tmp_path / NAME)
    for place in (tmp_path / NAME, tmp_path / f"{NAME} gone"):
        code, _, err = cli("predict", place, run / "sample.png")
        assert code == 0 or (code == 2 and err.count("\n") == 1)
