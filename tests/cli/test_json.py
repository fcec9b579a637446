import json
import os
import shutil

import pytest

import striate

TRAIN = ("train", "digits", "--model", "linear", "--size", "8", "--epochs", "1", "--json")


@pytest.fixture
def answer(cli):
    """The one JSON object that `striate … --json` prints, when all is well."""

    def call(*words):
        code, out, err = cli(*words, "--json")
        assert (code, err) == (0, "")
        found = json.loads(out)  # refuses anything before or after it
        assert isinstance(found, dict)
        return found

    return call


def test_describe_answers_what_the_function_answers(answer):
    found = answer("describe", "lenet5", "--num-classes", "7", "--in-channels", "3", "--size", "28")
    assert {"parameters", "parameters_without_biases", "multiplies", "activations", "rows"} <= found.keys()
    card = striate.describe("lenet5", num_classes=7, in_channels=3, size=28)
    expected = card.to_dict() | {"advice": [vars(finding) for finding in striate.advise(card)], "fits": None}
    assert found == json.loads(json.dumps(expected))


def test_describe_answers_for_a_model_file_and_a_run_directory(answer, run):
    assert answer("describe", run) == answer("describe", run / "model.safetensors")
    assert answer("describe", run)["parameters"] == 64 * 10 + 10


def test_evaluate_answers_what_the_function_answers(answer, run):
    found = answer("evaluate", run, "digits")
    assert {"accuracy", "n", "per_class"} <= found.keys()
    assert found == json.loads(json.dumps(striate.evaluate(run, "digits", quiet=True).to_dict()))
    assert (found["part"], found["left_out_as_seen"]) == ("test", 0)


def test_predict_answers_what_the_function_answers(answer, run):
    found = answer("predict", run, run / "sample.png", run / "sample.png")
    assert found["skipped"] == []
    assert found["predictions"] == [striate.load(run).predict(run / "sample.png").to_dict()] * 2
    assert all({"path", "label", "probability", "top"} <= one.keys() for one in found["predictions"])


def test_train_answers_what_the_function_answers(answer, tmp_path):
    found = answer(*TRAIN[:-1], "--out", tmp_path / "by command")
    run = striate.train("digits", model="linear", size=8, epochs=1, out=str(tmp_path / "by function"), quiet=True)
    expected = json.loads(json.dumps(run.to_dict()))
    for name in ("run", "model", "report"):
        assert os.path.relpath(found.pop(name), tmp_path / "by command") == os.path.relpath(
            expected.pop(name), tmp_path / "by function"
        )
    assert found == expected
    weights = [(tmp_path / place / "model.safetensors").read_bytes() for place in ("by command", "by function")]
    assert weights[0] == weights[1]


def test_resume_answers_what_the_run_answered(answer, run, tmp_path):
    shutil.copytree(run, tmp_path / "copy")
    expected = striate.evaluate(run, "digits", quiet=True).to_dict()
    found = answer("train", "--resume", tmp_path / "copy")
    assert (found["accuracy"], found["n"]) == (expected["accuracy"], expected["n"])


def test_doctor_answers_versions_choices_and_the_self_test(answer):
    found = answer("doctor")
    assert found["versions"]["striate"] == striate.__version__
    assert set(found["choices"]) == {"device", "number_format", "memory_format", "threads", "allocator", "kernels"}
    assert all(set(choice) == {"value", "why"} for choice in found["choices"].values())
    assert found["self_test"]["healthy"] is True


def test_a_file_that_cannot_be_read_is_in_the_answer(cli, run, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"")
    code, out, _ = cli("predict", run, tmp_path / "broken.png", run / "sample.png", "--json")
    found = json.loads(out)
    assert code == 2
    assert found["skipped"] == [{"name": str(tmp_path / "broken.png"), "reason": "the file is empty (0 bytes)"}]
    assert [one["path"] for one in found["predictions"]] == [str(run / "sample.png")]


def test_config_repeats_a_run_and_what_is_given_beside_it_wins(answer, run, tmp_path):
    answer("train", "--config", run / "run.toml", "--out", tmp_path / "same")
    answer("train", "--config", run / "run.toml", "--epochs", "1", "--out", tmp_path / "other")
    same, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("same", "other"))
    assert same == (run / "model.safetensors").read_bytes() != other
    assert len((tmp_path / "other" / "metrics.csv").read_text().splitlines()) == 2
