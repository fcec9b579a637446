"""Images with any number of tags, from the table to the report: two real digits side by side bear both their names."""

import csv
import json
import tomllib

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

import striate
from striate import ImageClassifier
from striate.checkpoints.model_file import load_checkpoint, save_checkpoint
from striate.cli.main import main
from striate.errors import DataError, ModelFileError, SettingsError
from striate.tasks.tagger import Tagger

NAMES = ("zero", "one", "two", "three")
QUICK = {"model": "linear", "size": 16, "fit": "stretch", "epochs": 40, "augment": "none", "quiet": True}


def _pairs(count, seed):
    """Images (N, 8, 16) of 0 to 2 digits, and which of the four digits (N, 4) each shows."""
    digits, random = load_digits(n_class=len(NAMES)), np.random.default_rng(seed)
    images, tags = np.zeros((count, 8, 16), np.uint8), np.zeros((count, len(NAMES)), np.uint8)
    for image, row in zip(images, tags, strict=True):
        for side in range(2):
            if random.random() < 0.7:
                place = random.integers(len(digits.images))
                image[:, 8 * side : 8 * side + 8] = digits.images[place] * 15
                row[digits.target[place]] = 1
    return images, tags


def _write(root, images, tags, ending=""):
    root.mkdir()
    lines = []
    for number, (image, row) in enumerate(zip(images, tags, strict=True)):
        Image.fromarray(image).save(root / f"{number:03d}.png")
        lines.append([f"{number:03d}.png", ";".join(np.array(NAMES)[row > 0]) + ending])
    with (root / "photos.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label"], *lines])
    return root / "photos.csv"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table of 400 images with tags."""
    return _write(tmp_path_factory.mktemp("tags") / "photos", *_pairs(400, 0))


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """A table of 100 images that nobody is trained on, and their pixels and tags."""
    images, tags = _pairs(100, 1)
    fresh = images.reshape(100, -1).any(axis=1)  # an image of nothing is like every other
    return _write(tmp_path_factory.mktemp("tags") / "others", images[fresh], tags[fresh]), images[fresh], tags[fresh]


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    return striate.train(table, **QUICK, out=tmp_path_factory.mktemp("run") / "run")


def _split(folder):
    with (folder / "split.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_training_learns_tags_better_than_chance(run):
    assert isinstance(run.model, Tagger)
    assert run.part == "test"
    assert run.evaluation.classes == tuple(sorted(NAMES))
    assert run.evaluation.mean_average_precision > run.evaluation.guessing + 0.3


def test_its_figures_are_scikit_learns_of_what_it_says_of_each_file(run):
    rows = [row for row in _split(run.folder) if row["split"] == "test"]
    predictions, skipped = run.model.predict_files([row["path"] for row in rows])
    assert skipped == []
    names = run.model.classes
    truth = np.array([[name in row["label"].split(";") for name in names] for row in rows])
    told = np.array([[name in own.labels for name in names] for own in predictions])
    said = [{guess.label: guess.probability for guess in own.top} for own in predictions]
    probabilities = np.array([[own[name] for name in names] for own in said])
    figures = load_checkpoint(run.folder).measured["final"]
    assert figures["mean_average_precision"] == pytest.approx(average_precision_score(truth, probabilities))
    assert figures["f1_micro"] == pytest.approx(f1_score(truth, told, average="micro"))
    assert figures["f1_macro"] == pytest.approx(f1_score(truth, told, average="macro"))
    assert figures["exact_match"] == pytest.approx((truth == told).all(axis=1).mean())
    assert figures["n"] == len(rows)
    for number, row in enumerate(run.evaluation.per_class):
        assert row["precision"] == pytest.approx(precision_score(truth[:, number], told[:, number]))
        assert row["recall"] == pytest.approx(recall_score(truth[:, number], told[:, number]))


def test_thresholds_are_the_best_on_the_validation_part_and_stand_in_the_model_file(run):
    rows = [row for row in _split(run.folder) if row["split"] == "validation"]
    thresholds = load_checkpoint(run.folder).measured["thresholds"]
    assert run.model.thresholds == tuple(thresholds) == striate.load(run.folder).thresholds
    predictions, _ = run.model.predict_files([row["path"] for row in rows])
    for name, threshold in zip(run.model.classes, thresholds, strict=True):
        truth = np.array([name in row["label"].split(";") for row in rows])
        p = np.array([next(g.probability for g in own.top if g.label == name) for own in predictions])
        best = max(f1_score(truth, p >= own) for own in [*p - 1e-6, 0.5])
        assert f1_score(truth, p >= threshold) == pytest.approx(best)


def test_a_threshold_of_the_file_decides_what_is_told(run, others, tmp_path):
    checkpoint = load_checkpoint(run.folder)
    save_checkpoint(tmp_path / "all.safetensors", checkpoint.with_measured(thresholds=[0.0] * 4))
    save_checkpoint(tmp_path / "none.safetensors", checkpoint.with_measured(thresholds=[1.0] * 4))
    save_checkpoint(tmp_path / "some.safetensors", checkpoint.with_measured(thresholds=[0.5] * 3))
    assert len(striate.load(tmp_path / "all.safetensors").predict(others[1][0]).labels) == 4
    assert striate.load(tmp_path / "none.safetensors").predict(others[1][0]).labels == ()
    with pytest.raises(ModelFileError, match="not one for each of 4 tags"):
        striate.load(tmp_path / "some.safetensors")


def test_evaluate_takes_a_table_of_tags_and_leaves_out_what_was_trained_on(run, table, others):
    fresh = striate.evaluate(run.folder, others[0], quiet=True)
    assert (fresh.part, fresh.evaluation.n + fresh.seen) == ("all", len(others[1]))
    assert fresh.seen < 10  # some digits stand alone in both tables
    order = [NAMES.index(name) for name in run.model.classes]
    places = [int(name.removesuffix(".png")) for name in fresh.evaluation.images.names]
    assert fresh.evaluation.truth.tolist() == (others[2][places][:, order] > 0).tolist()
    known = striate.evaluate(run.folder, table, quiet=True)
    assert known.seen > 0
    assert known.evaluation.n + known.seen == 400


def test_the_command_line_says_the_same(run, others, capsys):
    assert main(["evaluate", str(run.folder), str(others[0]), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    result = striate.evaluate(run.folder, others[0], quiet=True)
    assert answer == json.loads(json.dumps(result.to_dict()))
    assert main(["evaluate", str(run.folder), str(others[0])]) == 0
    assert f"mean average precision {100 * answer['mean_average_precision']:.1f} %" in capsys.readouterr().out
    image = others[0].parent / "000.png"
    assert main(["predict", str(run.folder), str(image), "--json"]) == 0
    (own,) = json.loads(capsys.readouterr().out)["predictions"]
    assert own["labels"] == list(run.model.predict(image).labels)
    assert main(["predict", str(run.folder), str(image)]) == 0
    assert all(label in capsys.readouterr().out for label in own["labels"][:1])


def test_an_image_without_a_tag_is_learnt_from(run):
    _, tags = _pairs(400, 0)
    without = [row for row in _split(run.folder) if row["label"] == ""]
    assert len(without) == (tags.sum(axis=1) == 0).sum() > 10
    assert {row["split"] for row in without} == {"train", "validation", "test"}


def test_its_division_can_be_trained_on_again(run, tmp_path):
    again = striate.train(run.folder / "split.csv", **QUICK, out=tmp_path / "again")
    ours, theirs = (own.evaluation.probabilities for own in (run, again))
    assert np.array_equal(ours, theirs)


def test_the_report_has_each_tag_and_no_confusion(run):
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    for words in ("Each tag", "What another threshold would give", "Surest mistakes", "mean average precision"):
        assert words in page
    assert "Which classes are taken for which" not in page
    for row in run.evaluation.per_class:
        assert f"{100 * row['threshold']:.1f} %" in page


@pytest.mark.parametrize(
    "settings",
    [
        {"balance": "loss"},
        {"balance": "sampler"},
        {"augment": "mixup"},
        {"augment": "cutmix"},
        {"cache": "none"},
        {"average": 0.9, "accumulate": 2},
    ],
    ids=str,
)
def test_every_mechanism_of_training_takes_tags(table, settings, tmp_path):
    own = striate.train(table, **QUICK | {"epochs": 10} | settings, out=tmp_path / "run")
    assert own.evaluation.mean_average_precision > own.evaluation.guessing + 0.1


def test_the_head_alone_learns_tags_from_frozen_features(table, run, tmp_path):
    first = striate.train(table, **QUICK | {"model": "lenet5", "size": 32, "epochs": 2}, out=tmp_path / "first")
    settings = QUICK | {"model": None, "size": None, "epochs": 20, "weights": first.folder, "freeze": "all"}
    own = striate.train(table, **settings, out=tmp_path / "head")
    assert own.evaluation.mean_average_precision > own.evaluation.guessing + 0.1
    before, after = (load_checkpoint(place).weights for place in (first.folder, own.folder))
    same = [name for name in before if before[name].equal(after[name])]
    assert 0 < len(same) < len(before)


def test_a_run_of_tags_can_be_killed_and_resumed(table, tmp_path, monkeypatch):
    whole = striate.train(table, **QUICK | {"epochs": 4}, out=tmp_path / "whole")
    count = 0

    def stop(self, step):
        nonlocal count
        count += 1
        if count == 8:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("striate.training.beginning.SAVE_EVERY", 0.0)
        patch.setattr("striate.recipes.progress.TrainingDisplay.step", stop)
        with pytest.raises(KeyboardInterrupt):
            striate.train(table, **QUICK | {"epochs": 4}, out=tmp_path / "part")
    resumed = striate.train(resume=tmp_path / "part", quiet=True)
    assert np.array_equal(whole.evaluation.probabilities, resumed.evaluation.probabilities)


def test_a_tag_of_which_no_training_image_can_be_read_is_named(tmp_path):
    images, tags = _pairs(30, 0)
    tags[:, 3] = 0
    table = _write(tmp_path / "photos", images, tags)
    with table.open("a") as file:
        file.write("broken.png,one;three\n")
    (table.parent / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"'three' of photos can be used; for example broken\.png: not an image"):
        striate.train(table, **QUICK, out=tmp_path / "run")


def test_a_model_of_tags_is_not_averaged(run, others):
    with pytest.raises(SettingsError, match="tells tags, and only models of one class for each image are averaged"):
        striate.evaluate([run.folder, run.folder], others[0], quiet=True)
    with pytest.raises(SettingsError, match="tells tags"):
        striate.load(run.folder, looks="flip")


def test_a_tag_that_the_model_does_not_know_is_named(run, tmp_path):
    images, tags = _pairs(5, 2)
    table = _write(tmp_path / "photos", images, tags, ending=";four")
    with pytest.raises(DataError, match="has the tag 'four', which the model does not know"):
        striate.evaluate(run.folder, table, quiet=True)


def test_many_rare_sets_of_tags_leave_images_to_validate_on():
    sets = np.array([[number >> bit & 1 for bit in range(6)] for number in range(64)], np.uint8)  # each set once
    dataset = striate.from_arrays(np.zeros((64, 4, 4), np.uint8), sets)
    parts = striate.open_dataset(dataset)
    assert all(len(parts.members(part)) > 4 for part in ("validation", "test"))


CLASSIFIER = {"model": "linear", "size": 16, "epochs": 40, "augment": "none", "settings": {"fit": "stretch"}}


def test_an_estimator_takes_a_matrix_and_gives_one(others):
    images, tags = _pairs(300, 3)
    estimator = ImageClassifier(**CLASSIFIER).fit(images, tags)
    predicted, probabilities = estimator.predict(others[1]), estimator.predict_proba(others[1])
    assert estimator.classes_.tolist() == [0, 1, 2, 3]
    assert predicted.shape == probabilities.shape == others[2].shape
    assert np.array_equal(predicted, probabilities >= np.array(estimator.model_.thresholds))
    assert estimator.score(others[1], others[2]) == (predicted == others[2]).all(axis=1).mean()
    assert f1_score(others[2], predicted, average="macro") > 0.6


def test_an_estimator_takes_sets_of_names_and_a_table(others, table):
    images, tags = _pairs(300, 3)
    sets = [set(np.array(NAMES)[row > 0].tolist()) for row in tags]
    by_sets, by_matrix = (ImageClassifier(**CLASSIFIER).fit(images, own) for own in (sets, tags))
    assert by_sets.classes_.tolist() == sorted(NAMES)
    order = [NAMES.index(name) for name in by_sets.classes_]
    assert by_sets.predict(others[1]).mean() == pytest.approx(by_matrix.predict(others[1]).mean(), abs=0.1)
    own = [set(np.array(NAMES)[row > 0].tolist()) for row in others[2]]
    assert by_sets.score(others[1], own) == by_sets.score(others[1], others[2][:, order])
    by_table = ImageClassifier(**CLASSIFIER).fit(table)
    assert by_table.classes_.tolist() == sorted(NAMES)
    assert by_table.score(others[0]) == by_table.score(others[1], others[2][:, order])


def test_the_run_file_says_the_tags(run):
    document = tomllib.loads((run.folder / "run.toml").read_text(encoding="utf-8"))
    assert document["data"]["classes"] == sorted(NAMES)


def test_a_head_that_was_learnt_is_kept_and_a_new_one_begins_at_the_shares(table, run, tmp_path):
    settings = QUICK | {"model": None, "size": None, "weights": run.folder, "epochs": 1, "rate": 1e-9, "decay": 0.0}
    kept = striate.train(table, **settings, out=tmp_path / "kept")
    ours, theirs = (load_checkpoint(place).weights for place in (run.folder, kept.folder))
    assert all(np.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)
    new = striate.train(table, **QUICK | {"epochs": 1, "rate": 1e-9, "decay": 0.0}, out=tmp_path / "new")
    rows = [row["label"].split(";") for row in _split(new.folder) if row["split"] == "train"]
    shares = np.array([np.mean([name in row for row in rows]) for name in new.model.classes])
    (bias,) = (value for value in load_checkpoint(new.folder).weights.values() if value.shape == (4,))
    assert np.allclose(bias, np.log(shares / (1 - shares)), atol=1e-5)


def test_advice_on_freezing_counts_the_images_of_the_rarest_tag(table, run):
    lenet5 = striate.train(table, **QUICK | {"model": "lenet5", "size": 32, "epochs": 1}, out=run.folder.parent / "5")
    advice = striate.advise_training(table, weights=lenet5.folder)
    rows = [row["label"].split(";") for row in _split(run.folder) if row["split"] == "train"]
    assert (advice.images, advice.classes) == (len(rows), 4)
    assert advice.smallest == min(sum(name in row for row in rows) for name in NAMES)
