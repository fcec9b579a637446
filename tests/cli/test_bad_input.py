import json
import shutil

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

QUICK = ("--model", "linear", "--size", "8", "--epochs", "1")


def refused(answer, *signs):
    """Exit code 2, nothing on the standard output, and one line on the standard error with all these signs."""
    code, out, err = answer
    assert (code, out) == (2, "")
    assert err.startswith("striate: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert all(sign in err for sign in signs), err


@pytest.fixture
def photos(tmp_path):
    """Two classes of four images."""
    for label, shade in (("cat", 10), ("dog", 200)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(4):
            Image.new("L", (8, 8), shade + number).save(tmp_path / "photos" / label / f"{number}.png")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("trian", "digits"), "train"),
        (("train", "digits", "--epoch", "3"), "--epoch"),
        (("train", "digits", "--epochs", "0"), "epochs is 0"),
        (("train", "digits", "--epochs", "x"), "x"),
        (("train", "digits", "--epochs", "1.5"), "1.5"),
        (("train", "digits", "--epochs"), "--epochs"),
        (("train", "digits", "--batch-size", "0"), "batch_size is 0"),
        (("train", "digits", "--rate", "nan"), "rate is nan"),
        (("train", "digits", "--rate", "-1"), "rate is -1"),
        (("train", "digits", "--seed", "-1"), "seed"),
        (("train", "digits", "--size", "12"), "use a size of 16 or more"),
        (("train", "digits", "--size", "0"), "from 1 to"),
        (("train", "digits", "--fit", "bend"), "bend"),
        (("train", "digits", "--model", "lenet"), "did you mean lenet5"),
        (("train", "digits", "--device", "gpu"), "unknown device 'gpu'"),
        (("train", "digits", "--device", "cuda:99"), "use --device cpu"),
        (("train", "digits", "more"), "more"),
        (("train", "nowhere"), "nowhere is not there"),
        (("train", "--config", "nowhere.toml"), "nowhere.toml"),
        (("train", "--resume", "nowhere"), "nowhere is not a run directory"),
        (("train", "--resume", "nowhere", "--epochs", "3"), "leave out --epochs"),
        (("train", "digits", "--resume", "nowhere"), "leave out"),
        (("train", "--resume", "nowhere", "--config", "run.toml"), "leave out --config"),
        (("evaluate",), "evaluate"),
        (("evaluate", "nowhere", "digits"), "there is no file nowhere"),
        (("predict", "nowhere", "photo.png"), "there is no file nowhere"),
        (("predict", "nowhere.safetensors"), "IMAGES"),
        (("describe", "lenet"), "did you mean lenet5"),
        (("describe", "xyz"), "`striate models` lists all"),
        (("describe", "runs/nowhere"), "there is no file runs/nowhere"),
        (("describe", "lenet5", "--size", "12"), "use a size of 16 or more"),
        (("describe", "lenet5", "--num-classes", "0"), "num_classes is 0"),
        (("doctor", "--device", "tpu"), "unknown device 'tpu'"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_words_that_make_no_sense_are_answered_in_one_line(cli, tmp_path, monkeypatch, words, sign):
    monkeypatch.chdir(tmp_path)
    refused(cli(*words), sign)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_refused(cli, tmp_path):
    refused(cli("train", tmp_path), f"{tmp_path} has no sub-folders", "one sub-folder of images for each class")


def test_a_folder_of_loose_images_is_refused_with_their_number(cli, photos):
    refused(cli("train", photos / "cat"), "no sub-folders, but 4 files")


def test_one_class_is_refused(cli, photos):
    shutil.rmtree(photos / "dog")
    refused(cli("train", photos), "has one class, 'cat'; a classifier needs at least two class folders")


def test_an_empty_class_folder_is_refused_by_name(cli, photos):
    (photos / "emu").mkdir()
    refused(cli("train", photos), f"the class folder {photos / 'emu'} is empty")


def test_a_place_that_is_taken_is_refused(cli, photos, run):
    refused(cli("train", photos, *QUICK, "--out", run), "exists and is not empty", "--resume")


def test_strict_stops_at_a_broken_image(cli, photos, run):
    (photos / "cat" / "broken.png").write_bytes(b"")
    refused(
        cli("train", photos, *QUICK, "--strict", "--out", photos.parent / "elsewhere"),
        "cat/broken.png: the file is empty",
    )
    assert not (photos.parent / "elsewhere").exists()


def test_classes_that_the_model_does_not_know_are_refused(cli, photos, run):
    refused(cli("evaluate", run, photos), "the classes 'cat', 'dog', which the model does not know")


def test_models_that_are_cut_off_foreign_or_newer_are_refused_by_every_verb(cli, run, photos, tmp_path):
    whole = (run / "model.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    tensors = load_file(run / "model.safetensors")
    save_file(tensors, tmp_path / "foreign.safetensors", {"format": "pt"})
    newer = {"striate": json.dumps({"format_version": 3})}
    save_file(tensors, tmp_path / "newer.safetensors", newer)
    for name, sign in (("cut", "cut off"), ("foreign", "of another program"), ("newer", "pip install -U striate")):
        model = tmp_path / f"{name}.safetensors"
        for words in (("predict", model, run / "sample.png"), ("evaluate", model, photos), ("describe", model)):
            refused(cli(*words), str(model), sign)


def test_a_missing_image_is_named_and_the_others_are_answered(cli, run):
    code, out, err = cli("predict", run, "gone.png", run / "sample.png")
    assert (code, err) == (2, "skipped gone.png: no such file\n")
    assert "sample.png" in out


def test_many_broken_images_are_counted(cli, run, tmp_path):
    for number in range(12):
        (tmp_path / f"{number:02d}.png").write_bytes(b"")
    code, _, err = cli("predict", run, tmp_path)
    assert code == 2
    assert len(err.splitlines()) == 11
    assert err.splitlines()[-1] == "skipped 12 files in all; --json names each"
