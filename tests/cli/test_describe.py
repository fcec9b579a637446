import csv
import json

import pytest

import striate

PATTERN = "INPUT 3x32x32 -> [[CONV 32 -> RELU]*2 -> POOL]*3 -> [FC 256 -> RELU]*2 -> FC 10"
MODULE = """
import torch
from torch import nn

def network(num_classes=4):
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, num_classes))

class Nets:
    network = staticmethod(network)

number = 7
def seven():
    return number
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty working directory with one module of our own in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    (tmp_path / "ours_to_describe.py").write_text(MODULE)
    return tmp_path


def rows(out):
    return {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}


def test_a_pattern_is_described_layer_by_layer(cli):
    code, out, err = cli("describe", PATTERN)
    assert (code, err) == (0, "")
    table = rows(out)
    assert table["conv1"][-5:] == ["32×32×32", "896", "884,736", "32,768", "3"]  # 27·32 + 32, 27·32·32²
    assert "3×3" in table["conv1"]
    assert table["fc1"][-6:-2] == ["256", "131,328", "131,072", "256"]  # 4·4·32 = 512
    assert table["total"][1] == f"{896 + 5 * 9248 + 131_328 + 65_792 + 2570:,}"
    assert "Memory, batch 32, float32: inference " in out
    assert "Rules of thumb: departs from 1, each at a price.\n  fc1: 512·256 weights" in out


@pytest.mark.parametrize(
    ("pattern", "under", "sentence"),
    [
        ("INPUT -> CONV 32 dilaton 2 -> FC", "dilaton", "did you mean dilation"),
        ("INPUT -> CONV 32 -> PUL -> FC", "PUL", "PUL"),
        ("INPUT -> [CONV 32 -> FC", "[", "this bracket is never closed"),
        ("INPUT -> FC ->", "", "striate: "),
    ],
)
def test_a_mistake_in_a_pattern_has_a_caret_under_it(cli, pattern, under, sentence):
    code, out, err = cli("describe", pattern)
    assert (code, out) == (2, "")
    first, line, caret = err.splitlines()
    assert first.startswith("striate: ")
    assert sentence in first
    assert (line.strip(), caret.strip()) == (pattern, "^")
    assert line[caret.index("^") :].startswith(under)


def test_a_window_that_does_not_fit_names_its_layer(cli):
    code, out, err = cli("describe", "INPUT 3x8x8 -> [CONV -> POOL]*4 -> FC 10")
    assert (code, out) == (2, "")
    assert err.startswith("striate: the window of pool4 is 2x2, but 1x1 are left")
    assert "Traceback" not in err


def test_fit_says_the_largest_batch_and_image(cli):
    code, out, err = cli("describe", "lenet5", "--fit", "4MB", "--optimizer", "adamw", "--batch", "2")
    assert (code, err) == (0, "")
    fits = striate.fit_memory("lenet5", "4MB", batch=2, optimizer="adamw")
    assert fits.inference_batch > fits.training_batch > 1
    (batch,) = [line for line in out.splitlines() if "largest batch of images of 32×32" in line]
    assert batch.split()[-2:] == [str(fits.training_batch), str(fits.inference_batch)]
    (size,) = [line for line in out.splitlines() if "largest images in batches of 2" in line]
    assert size.split()[-2:] == ["×".join(map(str, sides)) for sides in (fits.training_size, fits.inference_size)]
    assert "in 4.00 MB" in out


def test_fit_says_none_where_nothing_fits_and_takes_a_pattern_of_one_size(cli):
    _, out, _ = cli("describe", "vgg16", "--fit", "100MB")
    (batch,) = [line for line in out.splitlines() if "largest batch" in line]
    assert batch.split()[-2:] == ["none", "none"]
    code, out, err = cli("describe", PATTERN, "--fit", "1GB")
    assert (code, err) == (0, "")
    (size,) = [line for line in out.splitlines() if "largest images" in line]
    assert size.split()[-2:] == ["32×32", "32×32"]


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("--fit", "8 potatoes"), "'8 potatoes' is no size in bytes; expected a number and a unit, as 8GB or 512MiB"),
        (("--fit=-1GB",), "'-1GB' is -1e+09 bytes; expected 1 byte or more"),
        (("--fit", "0"), "'0' is no size in bytes; expected a number and a unit"),
        (("--fit", "0GB"), "'0GB' is 0 bytes"),
        (
            ("--size", "big"),
            "size is 'big'; expected pixels from 1 to 16,384, as 224, or 240x320 with the height first",
        ),
        (("--size", "240x"), "size is '240x'"),
        (("--size=-5",), "size is '-5'"),
        (("--size", "0"), "from 1 to 16,384"),
        (("--size", "1x2x3x4"), "size is '1x2x3x4'"),
        (("--size", "99999"), "from 1 to 16,384"),
        (("--depth=-1",), "depth is -1; expected 0 (one row) or more"),
        (("--object-size", "0"), "object_size is 0"),
        (("--batch", "0"), "batch is 0"),
        (("--optimizer", "adam"), "optimizer is 'adam'; expected one of sgd, momentum, adamw"),
        (("--number-format", "int8"), "number_format is 'int8'"),
    ],
    ids=lambda value: "_" if isinstance(value, str) else " ".join(value),
)
def test_options_that_make_no_sense_are_answered_in_one_sentence(cli, words, sign):
    code, _, err = cli("describe", "lenet5", *words)
    assert code == 2
    assert err.startswith("striate: ")
    assert err.count("\n") == 1
    assert sign in err


def test_a_size_has_its_height_first(cli):
    _, out, _ = cli("describe", "resnet18", "--size", "240x320")
    assert rows(out)["stem.conv1"][-5] == "64×120×160"
    _, out, _ = cli("describe", "resnet18", "--size", "240X320", "--depth", "1")
    assert rows(out)["layer4"][-5] == "512×8×10"


def test_depth_says_how_many_levels_of_modules_are_shown(cli):
    shown = {depth: rows(cli("describe", "resnet18", "--depth", depth)[1]) for depth in (1, 2, 3)}
    assert "layer1" in shown[1]
    assert "layer1.0" in shown[2]
    assert len(shown[1]) < len(shown[2]) < len(shown[3])
    assert shown[1]["total"] == shown[2]["total"] == shown[3]["total"]
    assert shown[1]["total"][1:3] == ["11,689,512", "1,814,073,344"]


def test_no_level_of_modules_is_one_row(cli):
    table = rows(cli("describe", "resnet18", "--depth", "0")[1])
    assert list(table)[3:5] == ["resnet18", "total"]
    assert table["resnet18"][-6:] == ["1000", "11,689,512", "1,814,073,344", "2,836,456", "whole", "image"]


@pytest.mark.parametrize("words", [("describe", "lenet5", "224"), ("describe", "lenet5", "28", "8GB")], ids=" ".join)
def test_what_stands_behind_the_network_is_given_by_name_alone(cli, words):
    code, out, err = cli(*words)
    assert (code, out) == (2, "")
    assert err.startswith("striate: ")
    assert words[2] in err


def test_a_size_may_stand_behind_the_name(cli):
    assert rows(cli("describe", "resnet18@64x96")[1])["stem.conv1"][-5] == "64×32×48"


def test_rules_that_are_all_kept_are_said_so(cli):
    kept = "INPUT 3x64x64 -> [[CONV 32 -> BN -> RELU]*2 -> POOL]*4 -> POOL global -> FC 10"
    assert "\nRules of thumb: all kept.\n" in cli("describe", kept)[1]
    assert "\nRules of thumb: departs from 4, each at a price.\n" in cli("describe", "lenet5")[1]


def test_fit_says_the_least_that_the_network_needs(cli):
    _, out, _ = cli("describe", "vgg16", "--fit", "100MB")
    fits = striate.fit_memory("vgg16", "100MB")
    (least,) = [line for line in out.splitlines() if "the least that images of 224×224 need" in line]
    assert least.split()[-4:] == f"{fits.training_least / 1e9:.2f} GB {fits.inference_least / 1e6:.0f} MB".split()


def test_the_csv_has_every_row_whatever_is_shown(cli, tmp_path):
    code, out, _ = cli("describe", "resnet18", "--depth", "1", "--csv", tmp_path / "rows.csv")
    assert code == 0
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    card = striate.describe("resnet18")
    assert [line["layer"] for line in lines] == [row.layer for row in card.rows]
    assert sum(int(line["multiplies"]) for line in lines) == card.multiplies
    assert len(rows(out)) < len(lines)


def test_a_csv_in_a_place_that_is_not_there_is_refused(cli, tmp_path):
    code, out, err = cli("describe", "lenet5", "--csv", tmp_path / "nowhere" / "rows.csv")
    assert (code, out) == (2, "")
    assert "nowhere" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("function", ["network", "Nets.network"])
def test_a_function_of_the_working_directory_is_described(cli, place, function):
    words = ("--size", "8", "--in-channels", "1", "--num-classes", "5")
    code, out, err = cli("describe", f"ours_to_describe:{function}", *words)
    assert (code, err) == (0, "")
    assert rows(out)["0"][-5:-2] == ["8×6×6", "80", "2,592"]
    assert rows(out)["total"][1] == f"{80 + 288 * 5 + 5:,}"


@pytest.mark.parametrize(
    ("name", "words", "sign"),
    [
        ("ours_to_describe:network", (), "give their size (--size 224 or @224"),
        ("ours_to_describe:nothing", ("--size", "8"), "nothing"),
        ("ours_to_describe:seven", ("--size", "8"), "gives a int; expected a torch.nn.Module"),
        ("no_such_module_here:network", ("--size", "8"), "expected package.module:function"),
        ("ours_to_describe:network", ("--size", "9", "--in-channels", "1"), "3 "),
    ],
)
def test_a_function_that_builds_no_network_is_refused(cli, place, name, words, sign):
    code, out, err = cli("describe", name, *words)
    assert (code, out) == (2, "")
    assert err.startswith("striate: ")
    assert err.count("\n") == 1
    assert sign in err


def test_json_is_what_the_functions_answer(cli):
    code, out, err = cli("describe", PATTERN, "--fit", "100MB", "--json", "--object-size", "20", "--batch", "8")
    assert (code, err) == (0, "")
    card = striate.describe(PATTERN, batch=8)
    expected = card.to_dict() | {
        "advice": [vars(finding) for finding in striate.advise(card, object_size=20)],
        "fits": vars(striate.fit_memory(PATTERN, "100MB", batch=8)),
    }
    assert json.loads(out) == json.loads(json.dumps(expected))


def test_a_number_without_its_name_is_answered_with_how_to_write_it(cli):
    code, out, err = cli("describe", "lenet5", "224")
    assert (code, out) == (2, "")
    assert "'224' is more than this verb takes; options are given by name, as --size 224" in err
