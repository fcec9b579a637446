"""Networks written as layer patterns, from the first word to the prediction."""

import json

import pytest

SIZED = "INPUT 1x8x8 -> CONV 8 -> BN -> RELU -> POOL -> FC 10"
BARE = "INPUT -> CONV 8 -> RELU -> POOL -> FC"
LECTURES = (
    "INPUT -> FC",
    "INPUT -> CONV -> RELU -> FC",
    "INPUT -> [CONV -> RELU -> POOL]*2 -> FC -> RELU -> FC",
    "INPUT -> [CONV -> RELU -> CONV -> RELU -> POOL]*3 -> [FC -> RELU]*2 -> FC",
)


def train(cli, pattern, out, *words):
    return cli("train", "digits", "--model", pattern, "--epochs", "1", "--out", out, "--json", *words)


@pytest.mark.parametrize(("pattern", "words"), [(SIZED, ()), (BARE, ("--size", "10"))], ids=["sized", "bare"])
def test_a_network_of_a_pattern_is_trained_evaluated_asked_and_described(cli, tmp_path, pattern, words):
    run = tmp_path / "run"
    code, out, err = train(cli, pattern, run, *words)
    assert (code, err) == (0, "")
    assert json.loads(out)["n"] == 359
    code, out, _ = cli("evaluate", run, "digits", "--json")
    assert code == 0
    assert json.loads(out)["accuracy"] > 0.15  # one in ten is chance
    code, out, _ = cli("predict", run / "model.safetensors", run / "sample.png", "--json")
    assert code == 0
    assert len(json.loads(out)["predictions"][0]["top"]) > 1
    code, out, _ = cli("describe", run, "--json")
    card = json.loads(out)
    side = 8 if words == () else 10
    assert card["rows"][0]["output"] == [1, side, side]
    assert card["parameters"] == sum(row["parameters"] for row in card["rows"])
    assert card["name"] == pattern
    assert cli("train", "--resume", run)[0] == 0
    code, out, err = cli("train", "--config", run / "run.toml", "--out", tmp_path / "again", "--json")
    assert (code, err) == (0, "")
    weights = [(place / "model.safetensors").read_bytes() for place in (run, tmp_path / "again")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("pattern", LECTURES)
def test_the_lectures_patterns_train(cli, tmp_path, pattern):
    code, out, err = train(cli, pattern, tmp_path / "run", "--size", "8")
    assert (code, err) == (0, "")
    assert json.loads(out)["n"] == 359


@pytest.mark.parametrize(
    ("pattern", "under", "sentence"),
    [
        ("INPUT -> CONV 8 -> FC 7", "FC 7", "the pattern's last layer is FC 7, but the data have 10 classes: write FC"),
        ("INPUT -> CONV 8 stride -> FC", "stride", "found 'stride'; a stride is written /2"),
    ],
)
def test_a_pattern_that_does_not_suit_is_refused_with_a_caret_and_nothing_is_written(
    cli, tmp_path, monkeypatch, pattern, under, sentence
):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("train", "digits", "--model", pattern, "--epochs", "1")
    assert (code, out) == (2, "")
    first, line, caret = err.splitlines()
    assert first.startswith(f"striate: {sentence}")
    assert line.strip() == pattern
    assert line[caret.index("^") :].startswith(under)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("--model", "INPUT 1x8x8 -> FC", "--size", "16"), "INPUT 1x8x8"),
        (("--model", "INPUT -> [CONV -> POOL]*4 -> FC", "--size", "8"), "pool4"),
    ],
)
def test_a_pattern_that_does_not_suit_the_size_is_refused(cli, tmp_path, monkeypatch, words, sign):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("train", "digits", "--epochs", "1", *words)
    assert (code, out) == (2, "")
    assert sign in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
