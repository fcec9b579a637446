import csv
import json
import tomllib

import pytest
import torch
from PIL import Image

import striate
from striate.errors import DataError, RunError, SettingsError, SizeError, UnknownNameError

QUICK = {"model": "linear", "size": 16, "epochs": 2, "batch_size": 8}


def test_a_run_directory_holds_all_that_is_promised(run):
    files = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
    assert files == {
        "run.toml",
        "metrics.csv",
        "model.safetensors",
        "report.html",
        "sample.png",
        "split.csv",
        "batch0.png",
        "last/state.safetensors",
    }


def test_the_shapes_are_learnt_and_every_epoch_is_logged(run):
    with (run.folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(number) for number in range(1, 9)]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    assert run.evaluation.accuracy >= 5 / 6


def test_an_undivided_folder_is_divided_and_the_final_figures_are_of_its_test_part(run):
    document = tomllib.loads((run.folder / "run.toml").read_text(encoding="utf-8"))
    assert {part: document["data"][part] for part in ("train", "validation", "test")} == {
        "train": 27,
        "validation": 3,
        "test": 6,
    }
    assert document["data"]["classes"] == ["circle", "fünf Äpfel 苹果", "square"]
    assert (run.part, run.evaluation.n) == ("test", 6)


def test_the_model_file_keeps_the_measured_accuracy_of_the_best_epoch(run):
    measured = striate.load(run.folder).checkpoint.measured
    with (run.folder / "metrics.csv").open(newline="") as file:
        losses = [float(row["validation_loss"]) for row in csv.DictReader(file)]
    assert measured["epoch"] == losses.index(min(losses)) + 1
    assert measured["validation"]["loss"] == min(losses)
    assert measured["final"] == {
        "part": "test",
        "accuracy": run.evaluation.accuracy,
        "balanced_accuracy": run.evaluation.balanced_accuracy,
        "interval_95": list(run.evaluation.interval),
        "n": 6,
    }


def test_the_sample_is_an_image_that_can_be_asked_about(run):
    prediction = striate.load(run.folder).predict(run.folder / "sample.png")
    assert prediction.label in run.model.classes
    with Image.open(run.folder / "sample.png") as sample:
        assert sample.size == (16, 16)


def test_its_answer_is_plain_and_says_where_things_are(run):
    answer = json.loads(json.dumps(run.to_dict()))
    assert answer["run"] == str(run.folder)
    assert answer["model"] == str(run.folder / "model.safetensors")
    assert answer["report"] == str(run.folder / "report.html")
    assert (answer["part"], answer["n"], answer["skipped"], answer["leaked"]) == ("test", 6, [], [])
    assert answer["accuracy"] == run.evaluation.accuracy


def test_the_callers_random_state_and_threads_are_left_as_they_were(photos, tmp_path):
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    striate.train(photos, **QUICK, out=str(tmp_path / "run"), quiet=True)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_what_the_caller_drew_before_does_not_change_the_run(photos, tmp_path):
    contents = []
    for number in (1, 2):
        torch.manual_seed(number)
        folder = striate.train(photos, **QUICK, out=str(tmp_path / str(number)), quiet=True).folder
        contents.append((folder / "model.safetensors").read_bytes())
    assert contents[0] == contents[1]


def test_the_default_place_is_numbered_when_it_is_taken(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [striate.train("photos", **QUICK, quiet=True).folder for _ in range(3)]
    assert [str(folder) for folder in folders] == ["runs/photos-linear", "runs/photos-linear-2", "runs/photos-linear-3"]


def test_a_path_object_is_taken_for_every_path(photos, tmp_path):
    run = striate.train(photos, **QUICK, out=tmp_path / "run", quiet=True)
    again = striate.train(config=run.folder / "run.toml", out=tmp_path / "again", quiet=True)
    assert (again.folder / "model.safetensors").read_bytes() == (run.folder / "model.safetensors").read_bytes()


def test_a_place_that_is_taken_is_refused_and_left_alone(run, photos, tmp_path):
    before = (run.folder / "model.safetensors").read_bytes()
    with pytest.raises(RunError, match="exists and is not empty; choose another --out, or go on with it: --resume"):
        striate.train(photos, **QUICK, out=str(run.folder), quiet=True)
    assert (run.folder / "model.safetensors").read_bytes() == before
    (tmp_path / "file").write_text("mine")
    for taken in (tmp_path, tmp_path / "file"):
        with pytest.raises(RunError, match=r"exists and is not empty; choose another --out$"):
            striate.train(photos, **QUICK, out=str(taken), quiet=True)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"model": "lenet"}, UnknownNameError),
        ({"model": "lenet5", "size": 12}, SizeError),
        ({"size": 0}, SettingsError),
        ({"size": 10_000_000}, SettingsError),
        ({"model": "mlp", "size": 16_000}, DataError),
        ({"epochs": 0}, SettingsError),
        ({"rate": float("nan")}, SettingsError),
        ({"fit": "bend"}, SettingsError),
        ({"seed": -1}, SettingsError),
        ({"seed": 2**64}, SettingsError),
        ({"device": "cuda:99"}, SettingsError),
        ({"epoch": 3}, UnknownNameError),
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_leaves_no_run_directory(photos, tmp_path, settings, error):
    with pytest.raises(error):
        striate.train(photos, **{**QUICK, "out": str(tmp_path / "run"), **settings}, quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_training_that_runs_away_says_so(photos, tmp_path):
    with pytest.raises(RunError, match="train with --rate"):
        striate.train(photos, **{**QUICK, "rate": 1e30}, out=str(tmp_path / "run"), quiet=True)
