import json

import pytest

import striate

PATTERN = "INPUT 3x32x32 -> [[CONV 32 -> RELU]*2 -> POOL]*3 -> [FC 256 -> RELU]*2 -> FC 10"


def rows(out):
    return {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}


def test_compare_writes_a_table_a_picture_and_json(cli, tmp_path):
    words = ("--picture", tmp_path / "f.png", "--csv", tmp_path / "f.csv", "--batch", "2")
    code, out, err = cli("compare", "lenet5", "resnet18", *words, "--json")
    assert (code, err) == (0, "")
    compared = striate.compare("lenet5", "resnet18", batch=2)
    assert json.loads(out) == json.loads(json.dumps(compared.to_dict()))
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "f.csv").read_text(encoding="utf-8") == compared.to_csv()


def test_each_network_may_have_its_size_behind_its_name(cli):
    table = rows(cli("compare", "lenet5@28", "resnet18@64")[1])
    assert (table["lenet5"][1], table["resnet18"][1]) == ("28×28", "64×64")


@pytest.mark.parametrize("size", ["224", "224x224"])
def test_a_published_accuracy_is_kept_at_the_published_size(cli, size):
    assert rows(cli("compare", "resnet18", "--size", size)[1])["resnet18"][-2:] == ["69.8", "%"]
    assert rows(cli("compare", "resnet18", "--size", "160")[1])["resnet18"][-1] == "–"


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
