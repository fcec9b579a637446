"""explain, index, similar and map, as a person types them."""

import json

import numpy as np
import pytest
from PIL import Image

import striate


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


@pytest.fixture
def painter(tmp_path):
    """A model with maps, and two photographs."""
    noise = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (40, 48, 3), dtype=np.uint8)).save(path)
    pattern = "INPUT 3x32x32 -> CONV 8 3x3 -> RELU -> POOL -> CONV 12 3x3 -> RELU -> FC 2"
    striate.train(tmp_path / "photos", model=pattern, epochs=1, out=str(tmp_path / "run"), quiet=True)
    return tmp_path / "run", tmp_path / "photos" / "cat" / "0.png", tmp_path / "photos" / "dog" / "1.png"


def test_a_dream_is_written(cli, painter, tmp_path):
    model, image, _ = painter
    code, out, err = cli("dream", model, image, "--steps", "2", "--octaves", "1", "--out", tmp_path / "dream.png")
    assert code == 0, err
    assert "48×40 pixels" in out
    with Image.open(tmp_path / "dream.png") as dreamt, Image.open(image) as before:
        assert dreamt.size == before.size
        assert np.abs(np.asarray(dreamt, int) - np.asarray(before, int)).max() > 0


def test_a_style_is_taken(cli, painter, tmp_path):
    model, content, style = painter
    code, out, err = cli(
        "style", model, content, style, "--steps", "2", "--size", "48", "--out", tmp_path / "styled.png"
    )
    assert code == 0, err
    assert "48×40 pixels" in out and (tmp_path / "styled.png").exists()


def test_what_cannot_be_painted_is_said_in_one_sentence(cli, painter, tmp_path):
    model, content, style = painter
    code, out, err = cli("style", model, content, style, "--out", tmp_path / "styled.jpg")
    assert (code, out) == (2, "") and ".png" in err
    code, out, err = cli("dream", model, content, "--layer", "nine", "--out", tmp_path / "dream.png")
    assert (code, out) == (2, "") and "unknown layer 'nine'" in err
