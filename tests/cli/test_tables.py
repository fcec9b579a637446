import shutil

import pytest
from PIL import Image

import striate

NAMES = [
    "two words.png",
    "fünf Äpfel 苹果.png",
    "[red] photo.png",
    "[bold].png",
    ":cat:.png",
    "quotes '\".png",
    "back\\slash.png",
    "a" * 200 + ".png",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_files_name_is_printed_as_it_is(cli, run, tmp_path, name):
    shutil.copy(run / "sample.png", tmp_path / name)
    code, out, err = cli("predict", run, tmp_path / name)
    assert (code, err) == (0, "")
    assert str(tmp_path / name) in out


@pytest.mark.parametrize("name", NAMES)
def test_a_skipped_files_name_is_printed_as_it_is(cli, run, tmp_path, name):
    code, _, err = cli("predict", run, tmp_path / name)
    assert (code, err) == (2, f"skipped {tmp_path / name}: no such file\n")


@pytest.mark.parametrize("label", ["[bold]", ":cat:", "fünf Äpfel 苹果"])
def test_a_class_is_printed_as_it_is(cli, tmp_path, label):
    for name, shade in ((label, 10), ("zebra", 200)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (8, 8), shade + number).save(tmp_path / "photos" / name / f"{number}.png")
    words = ("--model", "linear", "--size", "8", "--epochs", "1", "--out", tmp_path / "run")
    assert cli("train", tmp_path / "photos", *words)[0] == 0
    code, out, _ = cli("evaluate", tmp_path / "run", tmp_path / "photos")
    assert code == 0
    assert any(line.strip().split("  ")[0] == label for line in out.splitlines())
    code, out, _ = cli("predict", tmp_path / "run", tmp_path / "photos" / "zebra")
    assert label in out


def test_describe_prints_each_layer_and_the_papers_totals(cli):
    code, out, err = cli("describe", "lenet5")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert rows["stage1.c1"][-5:] == ["6×28×28", "156", "117,600", "4,704", "5"]
    assert rows["total"][1:3] == ["61,706", "416,520"]
    assert "61,470 parameters without biases" in out


def test_evaluate_prints_the_accuracy_its_interval_and_each_class(cli, run):
    code, out, err = cli("evaluate", run, "digits")
    evaluation = striate.evaluate(run, "digits", quiet=True).evaluation
    assert (code, err) == (0, "")
    assert f"accuracy {100 * evaluation.accuracy:.1f} %: {evaluation.right} of 359 right (95 % interval" in out
    rows = [line.split() for line in out.splitlines()]
    assert [row[:2] for row in rows if row and row[0].isdigit()] == [
        [row["class"], str(row["n"])] for row in evaluation.per_class
    ]


def test_train_says_how_to_try_it_and_that_line_works(cli, tmp_path):
    words = ("--model", "linear", "--size", "8", "--epochs", "1", "--out", tmp_path / "two words")
    code, out, err = cli("train", "digits", *words)
    assert (code, out) == (0, "")
    (line,) = [line for line in err.splitlines() if line.startswith("try it")]
    assert line == f"try it   striate predict '{tmp_path / 'two words'}' '{tmp_path / 'two words' / 'sample.png'}'"
    assert cli("predict", tmp_path / "two words", tmp_path / "two words" / "sample.png")[0] == 0


def test_doctor_says_that_all_is_well(cli):
    code, out, err = cli("doctor")
    assert (code, err) == (0, "")
    assert "all well" in out
