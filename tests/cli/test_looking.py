"""explain, index, similar and map, as a person types them."""

import json

import pytest


@pytest.fixture
def sample(run):
    return run / "sample.png"


def test_explain_says_what_it_made_and_how_far_to_trust_it(cli, run, sample, tmp_path):
    code, out, err = cli("explain", run, sample, "--method", "saliency,occlusion", "--out", tmp_path / "why")
    assert code == 0, err
    assert "deletion" in out and "random" in out
    assert f"page     {tmp_path / 'why' / 'explanation.html'}" in out
    assert len(list((tmp_path / "why").glob("*.png"))) == 1


def test_explain_answers_as_one_json_object(cli, run, sample, tmp_path):
    asked = ("--method", "saliency", "--class", "3", "--no-trust", "--out", tmp_path / "why", "--json")
    code, out, _ = cli("explain", run, sample, *asked)
    answer = json.loads(out)
    assert code == 0
    assert answer["images"][0]["label"] == "3" and answer["trust"] == []


def test_the_templates_of_a_linear_classifier_need_no_image(cli, run, tmp_path):
    code, out, err = cli("explain", run, "--method", "filters", "--out", tmp_path / "why")
    assert code == 0, err
    assert "filters-" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--method", "salience"), "unknown method 'salience'; did you mean saliency"),
        (("--class", "eleven"), "unknown class 'eleven'"),
        (("--method", "grad_cam", "--layer", "head.scor"), "unknown layer 'head.scor'; did you mean head.score"),
        (("--method", "grad_cam"), "made nothing for these images; choose a layer"),
        (("--method", "occlusion", "--window", "99"), "larger than the image"),
        (("--method", "guided"), "no ReLU"),
    ],
)
def test_what_cannot_be_explained_is_said_in_one_sentence(cli, run, sample, tmp_path, words, said):
    code, out, err = cli("explain", run, sample, *words, "--out", tmp_path / "why")
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())
    assert not (tmp_path / "why").exists()


def test_similar_images_of_an_index(cli, run, sample, tmp_path):
    code, out, err = cli("index", run, "digits", "--out", tmp_path / "index.safetensors")
    assert code == 0, err
    assert "1,797 images" in out
    code, out, err = cli("similar", run, sample, "--index", tmp_path / "index.safetensors", "--k", "3", "--json")
    assert code == 0, err
    answer = json.loads(out)["answers"][0]
    assert len(answer["features"]) == len(answer["pixels"]) == 3
    code, out, err = cli("similar", run, "--index", tmp_path / "index.safetensors", "--measure")
    assert code == 0, err
    assert "mean average precision" in out


def test_a_map_of_the_digits(cli, run, tmp_path):
    code, out, err = cli("map", run, "digits", "--by", "pca", "--out", tmp_path / "map")
    assert code == 0, err
    assert "1,797 images" in out
    assert {path.suffix for path in (tmp_path / "map").iterdir()} == {".html", ".png"}
