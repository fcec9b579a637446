import json

import pytest
import torch

from striate.architectures.catalogue import create_model


@pytest.fixture
def weights(tmp_path):
    """A file of weights for four classes, and one of their names."""
    torch.manual_seed(0)
    torch.save({"state_dict": create_model("lenet5", num_classes=4, in_channels=3).state_dict()}, tmp_path / "net.pth")
    (tmp_path / "names.txt").write_text("background\ncrane\nowl\ncrane\n")
    return tmp_path / "net.pth"


@pytest.fixture
def words(weights, tmp_path):
    return ("import", weights, "--model", "lenet5", "--classes", tmp_path / "names.txt", "--out", tmp_path / "new")


def test_import_says_what_was_loaded_and_the_model_predicts(cli, words, weights, tmp_path):
    more = ("--without", "background", "--mean", "0.1", "0.2", "0.3", "--std", "0.5", "--channel-order", "bgr")
    code, out, err = cli(*words, *more, "--crop-share", "0.875")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{weights}: 10 tensors loaded, found by the names of striate",
        "names that came again, made distinct: crane (2)",
        "input channels: turned round, so that the model takes red, green, blue",
        "outputs cut off: background",
        "classes: 3, from 'crane' to 'crane (2)'",
        "images: 32×32, crop of the middle 0.875 of each side, bilinear; mean 0.1, 0.2, 0.3; std 0.5, 0.5, 0.5",
        f"model file: {tmp_path / 'new'}",
    ]
    code, out, _ = cli("describe", tmp_path / "new", "--json")
    assert (code, json.loads(out)["parameters"] > 0) == (0, True)


def test_import_answers_in_json_what_the_function_answers(cli, words, tmp_path):
    code, out, err = cli(*words, "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["model"] == str(tmp_path / "new")
    assert found["classes"] == ["background", "crane", "owl", "crane (2)"]
    assert found["preparation"]["size"] == [32, 32]
    assert (len(found["loaded"]), found["adapted"], found["left_out"]) == (10, [], [])


@pytest.mark.parametrize(
    ("more", "sign"),
    [
        (("--classes", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("--model", "lenet"), "did you mean lenet5"),
        (("--without", "bakground"), "did you mean background"),
        (("--mean", "red"), "red"),
        (("--std", "0.5", "0.5"), "expected one number, or one for each of 3 channels"),
        (("--fit", "pad", "--crop-share", "0.5"), "pad shows the whole image"),
        (("--size", "12"), "use a size of 16 or more"),
        (("--part", "ema"), "it has state_dict"),
        (("--channel-order", "gbr"), "gbr"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_words_that_make_no_sense_are_answered_in_one_line_and_nothing_is_written(cli, words, tmp_path, more, sign):
    given = dict(zip(words[2::2], words[3::2], strict=True))
    kept = [word for option, value in given.items() if option not in more for word in (option, value)]
    code, out, err = cli(*words[:2], *kept, *more)
    assert (code, out) == (2, "")
    assert err.startswith("striate: ")
    assert err.count("\n") == 1
    assert sign in err
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_no_weights_is_answered_in_one_line(cli, words, tmp_path):
    code, out, err = cli("import", tmp_path / "names.txt", *words[2:])
    assert (code, out) == (2, "")
    assert err == (
        f"striate: {tmp_path / 'names.txt'} is a file that begins b'backgrou'; expected weights as safetensors, as "
        "torch.save writes a state dict, or as .npz\n"
    )


def test_a_model_file_is_not_written_over(cli, words, tmp_path):
    assert cli(*words)[0] == 0
    before = (tmp_path / "new").read_bytes()
    code, _, err = cli(*words)
    assert (code, err) == (2, f"striate: {tmp_path / 'new'} exists; choose another --out, or remove it\n")
    assert (tmp_path / "new").read_bytes() == before
