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
        (("--size", "big"), "size is 'big'; expected pixels from 1 to 16,384, as 224, or 240x320 with the height first"),
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
    assert rows(out)["conv1"][-5] == "64×120×160"
    _, out, _ = cli("describe", "resnet18", "--size", "240X320", "--depth", "1")
    assert rows(out)["layer4"][-5] == "512×8×10"


def test_depth_says_how_many_levels_of_modules_are_shown(cli):
    shown = {depth: rows(cli("describe", "resnet18", "--depth", depth)[1]) for depth in (1, 2, 3)}
    assert "layer1" in shown[1]
    assert "layer1.0" in shown[2]
    assert len(shown[1]) < len(shown[2]) < len(shown[3])
    assert shown[1]["total"] == shown[2]["total"] == shown[3]["total"]
    assert shown[1]["total"][1:3] == ["11,689,512", "1,814,073,344"]


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


def test_compare_writes_a_table_a_picture_and_json(cli, tmp_path):
    words = ("--picture", tmp_path / "f.png", "--csv", tmp_path / "f.csv", "--batch", "2")
    code, out, err = cli("compare", "lenet5", "resnet18", *words, "--json")
    assert (code, err) == (0, "")
    compared = striate.compare("lenet5", "resnet18", batch=2)
    assert json.loads(out) == json.loads(json.dumps(compared.to_dict()))
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "f.csv").read_text(encoding="utf-8") == compared.to_csv()


def test_compare_prints_the_networks_side_by_side(cli):
    code, out, err = cli("compare", "lenet5", "resnet18", PATTERN)
    assert (code, err) == (0, "")
    table = rows(out)
    assert table["lenet5"][1:4] == ["32×32", "61,706", "416,520"]
    assert table["resnet18"][1:4] == ["224×224", "11,689,512", "1,814,073,344"]
    assert table["resnet18"][-2:] == ["69.8", "%"]
    assert "most parameters: resnet18" in out
    assert "accuracy of resnet18: torchvision" in out


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("lenet5", "lenet6"), "unknown model 'lenet6'"),
        (("lenet5", "--picture", "f.jpg"), "expected one that ends in .png, .pdf, .svg"),
        (("lenet5", "--picture", "nowhere/f.png"), "nowhere/f.png cannot be written"),
        (("lenet5", "--csv", "nowhere/f.csv"), "nowhere"),
        (("lenet5", "--size", "8x"), "size is '8x'"),
        (("lenet5", "--batch", "0"), "batch is 0"),
        ((), "compare"),
    ],
)
def test_comparing_what_cannot_be_is_answered_in_one_sentence(cli, tmp_path, monkeypatch, words, sign):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("compare", *words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert sign in err
    assert list(tmp_path.iterdir()) == []
