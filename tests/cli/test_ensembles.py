import json
import re
import shutil

import pytest

import striate


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another network trained on the digits, which sees them at another size."""
    out = tmp_path_factory.mktemp("cli") / "other"
    return striate.train("digits", model="linear", size=12, epochs=1, seed=1, out=str(out), quiet=True).folder


def test_evaluate_prints_each_model_alone_and_what_the_average_wins(cli, run, other):
    code, out, err = cli("evaluate", run, other, "digits")
    assert (code, err) == (0, "")
    alone = [striate.evaluate(model, "digits", quiet=True).evaluation.right for model in (run, other)]
    both = striate.evaluate([run, other], "digits", quiet=True).evaluation
    rows = [line.split() for line in out.splitlines()]
    assert [int(row[-7]) for row in rows if row and row[-1] == "0" and "to" in row] == alone
    assert f"accuracy {100 * both.accuracy:.1f} %: {both.right} of 359 right" in out
    sentence = f"the average of 2 models is right on {both.right} of 359; the best of them alone on {max(alone)}: "
    assert sentence + f"{100 * (both.right - max(alone)) / 359:+.1f} points (95 % interval" in out
    assert f"one of them alone, in the mean, on {sum(alone) / 2:g}: " in out


def test_evaluate_prints_what_several_looks_win_or_lose(cli, run):
    code, out, err = cli("evaluate", run, "digits", "--looks", "ten")
    assert (code, err) == (0, "")
    one, ten = (striate.evaluate(run, "digits", looks=looks, quiet=True).evaluation.right for looks in ("one", "ten"))
    assert f"the average of 10 looks is right on {ten} of 359; one look on {one}: " in out
    assert "model alone" not in out


def test_a_gain_that_may_be_chance_is_said_to_be_so(cli, run, tmp_path):
    shutil.copytree(run, tmp_path / "twin")
    code, out, _ = cli("evaluate", run, tmp_path / "twin", "digits")
    assert code == 0
    assert len(re.findall(r": \+0\.0 points \(95 % interval -\d\.\d to \d\.\d\); that may be chance\n", out)) == 2


def test_evaluate_answers_in_json_what_the_function_answers(cli, run, other):
    code, out, err = cli("evaluate", run, other, "digits", "--looks", "flip", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found == json.loads(json.dumps(striate.evaluate([run, other], "digits", looks="flip", quiet=True).to_dict()))
    assert len(found["members"]) == 2
    assert len(found["gains"]) == 3


def test_predict_takes_looks(cli, run):
    code, out, err = cli("predict", run, run / "sample.png", "--looks", "flip", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["predictions"] == [striate.load([run], looks="flip").predict(run / "sample.png").to_dict()]


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("digits",), "evaluate was given 'digits' alone; expected a model or more and then the data"),
        (("RUN", "digits", "--looks", "flop"), "unknown look 'flop'; did you mean"),
        (("RUN", "digits", "--looks", "scales:x"), "looks has the scale 'x'"),
        (("RUN", "digits", "--looks", "scales:1,2"), "linear takes images of 8×8 alone"),
        (("RUN", "nowhere", "digits"), "there is no file nowhere"),
    ],
)
def test_what_makes_no_sense_is_answered_in_one_line(cli, run, words, sign):
    code, out, err = cli("evaluate", *(run if word == "RUN" else word for word in words))
    assert (code, out) == (2, "")
    assert err.startswith(f"striate: {sign}") and err.count("\n") == 1
