"""How images are read, kept and balanced changes what it should, and nothing else."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

import striate
from striate.errors import DataError
from striate.recipes import data

QUICK = {"model": "linear", "size": 16, "epochs": 2, "batch_size": 8, "quiet": True}


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))


def weights(run):
    return (run.folder / "model.safetensors").read_bytes()


def test_workers_and_cache_change_no_bit_of_the_model(photos, tmp_path):
    (photos / "circle" / "broken.png").write_bytes(b"broken")
    augment = "flip,shift:2,colour,mixup:0.5"
    ways = [("memory", 0), ("memory", 2), ("none", 0), ("none", 1), ("none", 2), ("disk", 2), ("disk", 1)]
    models = set()
    for number, (cache, workers) in enumerate(ways):
        run = striate.train(
            photos, **QUICK, augment=augment, cache=cache, workers=workers, out=str(tmp_path / str(number))
        )
        models.add(weights(run))
        assert [file.name for file in run.skipped] == ["circle/broken.png"]
    assert len(models) == 1


def test_mean_and_spread_are_the_same_wherever_images_are_kept(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MEASURED", 4)  # of 27 training images
    means = set()
    for cache in ("memory", "disk", "none"):
        run = striate.train(photos, **QUICK, cache=cache, out=str(tmp_path / cache))
        means.add((run.model.preparation.mean, run.model.preparation.std))
    assert len(means) == 1


def test_what_a_run_is_fed_is_drawn(run):
    with Image.open(run.folder / "batch0.png") as sheet:
        assert sheet.width > 8 * 128
        colours = sheet.convert("RGB").getcolors(1 << 20)
    assert len(colours) > 1000  # pictures, not an empty sheet


def test_the_division_that_was_drawn_can_be_trained_on_again(photos, tmp_path):
    run = striate.train(photos, **QUICK, out=str(tmp_path / "run"))
    with (run.folder / "split.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows} == {"circle", "fünf Äpfel 苹果", "square"}
    again = striate.train(run.folder / "split.csv", **QUICK, seed=99, out=str(tmp_path / "again"))
    assert sorted(again.evaluation.images.names) == sorted(row["path"] for row in rows if row["split"] == "test")


def test_excluded_images_are_not_trained_on(photos, tmp_path):
    (tmp_path / "out.txt").write_text("circle/00.png\nsquare/03.tiff\n", encoding="utf-8")
    run = striate.train(photos, **QUICK, exclude=str(tmp_path / "out.txt"), out=str(tmp_path / "run"))
    with (run.folder / "split.csv").open(encoding="utf-8") as file:
        names = {row["path"] for row in csv.DictReader(file)}
    assert len(names) == 34 and not any(name.endswith(("circle/00.png", "square/03.tiff")) for name in names)


@pytest.mark.parametrize("balance", ["loss", "sampler"])
def test_balance_helps_the_rare_class(tmp_path, balance):
    """Flat images whose brightness overlaps: who may err freely on the rare class calls nearly all the common one."""
    noise, labels = np.random.default_rng(0), np.array(["many", "few"])[(np.arange(440) % 11 == 0).astype(int)]
    bright = noise.normal(110, 25, 440) + 40 * (labels == "few")
    images = np.broadcast_to(bright.clip(0, 255).astype(np.uint8)[:, None, None], (440, 8, 8))
    arrays = striate.from_arrays(images.copy(), labels.tolist())
    settings = {**QUICK, "size": 8, "epochs": 6, "augment": "none"}
    runs = [striate.train(arrays, **settings, balance=own, out=str(tmp_path / own)) for own in ("none", balance)]
    recalls = [{row["class"]: row["recall"] for row in run.evaluation.per_class}["few"] for run in runs]
    assert recalls[1] > recalls[0] + 0.2
    assert runs[1].evaluation.balanced_accuracy > runs[0].evaluation.balanced_accuracy


def test_sixteen_bits_and_many_bands_go_through_training_and_prediction(tmp_path):
    noise = np.random.default_rng(0)
    for label, level in (("low", 1000), ("high", 1200)):  # within one of 256 levels of white
        (tmp_path / "bands" / label).mkdir(parents=True)
        for number in range(20):
            values = noise.integers(level, level + 60, (12, 12, 5)).astype(np.uint16)
            np.save(tmp_path / "bands" / label / f"{number}.npy", values)
    run = striate.train(
        tmp_path / "bands",
        **{**QUICK, "epochs": 20, "rate": 0.01},
        channels=5,
        range="16bit",
        out=str(tmp_path / "run"),
    )
    assert run.evaluation.accuracy == 1
    assert run.model.preparation.geometry.channels == 5
    assert run.model.predict(run.folder / "sample.npy").label in ("low", "high")
    loaded = striate.load(run.folder)
    assert loaded.predict(np.full((12, 12, 5), 1020, np.uint16)).label == "low"
    assert loaded.predict(tmp_path / "bands" / "high" / "3.npy").label == "high"


def test_a_data_set_made_in_python_is_trained_on_and_resumed(tmp_path):
    noise = np.random.default_rng(0)
    images = noise.integers(0, 100, (60, 8, 8), dtype=np.uint8)
    images[30:] += 100
    arrays = striate.from_arrays(images, ["dark"] * 30 + ["bright"] * 30)
    run = striate.train(arrays, **{**QUICK, "size": 8}, out=str(tmp_path / "run"))
    assert run.evaluation.accuracy == 1
    assert weights(striate.train(arrays, resume=run.folder, quiet=True)) == weights(run)


def test_data_of_another_task_are_refused_in_a_sentence(photos):
    names = sorted(path.name for path in (photos / "circle").iterdir())
    numbers = range(len(names))
    content = {
        "images": [{"id": n, "file_name": names[n], "width": 9, "height": 9} for n in numbers],
        "categories": [{"id": 1, "name": "circle"}],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "bbox": [0, 0, 4, 4], "area": 16} for n in numbers],
    }
    (photos / "circle" / "boxes.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=r"has boxes for its images, and `train` learns"):
        striate.train(photos / "circle" / "boxes.json", **QUICK)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"augment": "crop:size=16", "size": 32},
            "makes images of 16×16 and the network takes 32×32",
        ),
        ({"augment": "shift:40:reflect"}, "shift"),
        ({"model": "INPUT 3x16x16 -> FC", "size": None, "channels": 5}, "channels is 5, but the pattern takes 3"),
        ({"augment": "flipp"}, "unknown augmentation 'flipp'; did you mean flip"),
        ({"range": "big"}, "range is 'big'; expected auto, 16bit, or LOW:HIGH"),
        ({"channels": 0}, "channels is 0; expected a whole number from 1"),
        ({"workers": -1}, "workers is -1; expected a whole number from 0"),
        ({"balance": "all"}, "balance is 'all'; expected none or loss or sampler"),
        ({"cache": "ram"}, "cache is 'ram'; expected auto or memory or disk or none"),
    ],
)
def test_settings_that_make_no_sense_are_refused(photos, tmp_path, settings, sentence):
    with pytest.raises(striate.StriateError, match=sentence):
        striate.train(photos, **{**QUICK, **settings}, out=str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_balanced_accuracy_stands_beside_accuracy(run):
    told = run.to_dict()
    assert told["balanced_accuracy"] == pytest.approx(
        np.mean([row["recall"] for row in told["per_class"] if row["recall"] is not None])
    )
    assert "balanced accuracy" in (run.folder / "report.html").read_text(encoding="utf-8")
    assert "validation_balanced_accuracy" in (run.folder / "metrics.csv").read_text(encoding="utf-8")
    assert json.dumps(told)


def test_a_class_without_training_images_is_told_from_one_that_cannot_be_read(tmp_path):
    images = np.zeros((6, 8, 8), np.uint8)
    arrays = striate.from_arrays(images, [0, 0, 1, 1, 1, 0], parts=["train", "train", "test", "test", "train", "train"])
    few = arrays.at([0, 1, 2, 3])
    with pytest.raises(DataError, match="has no training image of the class '1'; add some, or take it out"):
        striate.train(few, **{**QUICK, "size": 8}, out=str(tmp_path / "run"))


def test_a_run_on_data_without_training_images_is_refused(tmp_path):
    arrays = striate.from_arrays(np.zeros((4, 8, 8), np.uint8), [0, 0, 1, 1], parts=["test"] * 4)
    with pytest.raises(DataError, match="has no training images, only a test or validation part"):
        striate.train(arrays, **{**QUICK, "size": 8}, out=str(tmp_path / "run"))


def test_a_model_is_evaluated_on_a_data_set_made_in_python(run):
    noise = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    result = striate.evaluate(run.folder, striate.from_arrays(noise, ["circle", "square"] * 3), quiet=True)
    assert result.evaluation.n == 6
