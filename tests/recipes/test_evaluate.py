import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import striate
from striate.errors import DataError


@pytest.fixture
def fresh(draw, tmp_path):
    """Images that the run has not seen, of two of its classes in another order, and the class number of each name."""
    draw(tmp_path / "fresh" / "square", 2, 4, first=50)
    draw(tmp_path / "fresh" / "fünf Äpfel 苹果", 1, 3, first=50)
    return tmp_path / "fresh"


def test_classes_meet_by_name_also_when_there_are_fewer(run, fresh):
    evaluation = striate.evaluate(run.folder, fresh, quiet=True).evaluation
    assert evaluation.classes == ("circle", "fünf Äpfel 苹果", "square")
    assert [row["n"] for row in evaluation.per_class] == [0, 3, 4]
    model = striate.load(run.folder)
    right = [model.predict(file).label == file.parent.name for file in fresh.rglob("*.*")]
    assert (evaluation.n, evaluation.right) == (7, sum(right))


def test_it_answers_for_each_image_as_predict_does(run, fresh):
    evaluation = striate.evaluate(run.folder, fresh, quiet=True).evaluation
    model = striate.load(run.folder)
    for name, chances in zip(evaluation.images.names, evaluation.probabilities, strict=True):
        ours = {guess.label: guess.probability for guess in model.predict(fresh / name).top}
        np.testing.assert_allclose(chances, [ours[label] for label in evaluation.classes], rtol=1e-4, atol=1e-6)


def test_images_that_the_model_has_seen_are_left_out_and_counted(run, shown, fresh):
    everything = striate.evaluate(run.folder, shown, quiet=True)
    assert (everything.part, everything.seen) == ("all", 30)  # 27 to train and 3 to choose
    assert everything.evaluation.n == 6
    assert sorted(everything.evaluation.images.names) == sorted(run.evaluation.images.names)
    assert everything.evaluation.accuracy == run.evaluation.accuracy
    assert striate.evaluate(run.folder, fresh, quiet=True).seen == 0


def test_a_seen_image_is_known_under_another_name_and_format(run, shown, fresh):
    seen = next(
        file
        for file in sorted((shown / "square").glob("*.png"))
        if (f"square/{file.name}" not in run.evaluation.images.names)
    )
    with Image.open(seen) as image:
        image.save(fresh / "square" / "harmless.bmp")
    result = striate.evaluate(run.folder, fresh, quiet=True)
    assert (result.seen, result.evaluation.n) == (1, 7)


def test_of_divided_data_only_the_test_part_is_used(run, fresh, tmp_path):
    for part in ("train", "test"):
        shutil.copytree(fresh, tmp_path / "divided" / part)
    (tmp_path / "divided" / "test" / "square" / "50.png").unlink()
    result = striate.evaluate(run.folder, tmp_path / "divided", quiet=True)
    assert (result.part, result.evaluation.n) == ("test", 6)


def test_a_class_that_the_model_does_not_know_is_refused_with_those_it_knows(run, fresh, draw):
    draw(fresh / "triangle", 0, 2)
    with pytest.raises(DataError, match="the class 'triangle', which the model does not know; it knows 'circle', "):
        striate.evaluate(run.folder, fresh, quiet=True)


def test_when_every_image_was_seen_there_is_nothing_to_say(run, shown, tmp_path):
    for name in ("circle", "square"):
        (tmp_path / "seen" / name).mkdir(parents=True)
        tested = set(run.evaluation.images.names)
        kept = [file for file in (shown / name).iterdir() if f"{name}/{file.name}" not in tested]
        for file in kept[:2]:
            shutil.copy(file, tmp_path / "seen" / name)
    with pytest.raises(DataError, match=r"of the 4 readable images .* every one was used to train this model"):
        striate.evaluate(run.folder, tmp_path / "seen", quiet=True)


def test_when_no_image_can_be_read_that_is_what_is_said(run, fresh):
    for file in fresh.rglob("*.*"):
        file.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        striate.evaluate(run.folder, fresh, quiet=True)
    assert "used to train" not in str(caught.value)
    assert "the file is empty" in str(caught.value)


def test_files_that_cannot_be_read_are_named_or_stop_it(run, fresh):
    (fresh / "square" / "broken.png").write_bytes(b"")
    result = striate.evaluate(run.folder, fresh, quiet=True)
    assert [file.name for file in result.skipped] == ["square/broken.png"]
    assert result.evaluation.n == 7
    with pytest.raises(DataError, match=r"square/broken\.png: the file is empty"):
        striate.evaluate(run.folder, fresh, strict=True, quiet=True)


def test_the_answer_is_plain(run, fresh):
    result = striate.evaluate(run.folder, fresh, quiet=True)
    answer = json.loads(json.dumps(result.to_dict()))
    assert (answer["part"], answer["left_out_as_seen"], answer["skipped"]) == ("all", 0, [])
    assert answer["accuracy"] == result.evaluation.accuracy


def test_a_model_of_grey_images_takes_coloured_ones(draw, fresh, tmp_path):
    for pattern, name in ((1, "fünf Äpfel 苹果"), (2, "square")):
        draw(tmp_path / "grey" / name, pattern, 8, mode="L")
    grey = striate.train(tmp_path / "grey", size=16, epochs=1, out=str(tmp_path / "run"), quiet=True)
    assert striate.evaluate(grey.folder, fresh, quiet=True).evaluation.n == 7


def test_the_callers_random_state_is_left_as_it_was(run, fresh):
    before = torch.get_rng_state()
    striate.evaluate(run.folder, fresh, quiet=True)
    assert torch.equal(torch.get_rng_state(), before)
