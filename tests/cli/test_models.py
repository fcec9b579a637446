"""`striate models` in a terminal."""

import json

import striate


def test_the_list_has_each_network_with_its_figures_and_the_sources_of_accuracies(cli):
    code, out, err = cli("models", "vgg11")
    assert (code, err) == (0, "")
    (row,) = [line for line in out.splitlines() if line.split()[:1] == ["vgg11"]]
    assert row.split()[-5:] == ["3×224×224", "132,863,336", "7,609,090,048", "69.0", "%"]
    assert "accuracy of vgg11, vgg11_bn: torchvision 0.28" in out


def test_a_program_gets_the_same_as_json_and_a_file(cli, tmp_path):
    code, out, _ = cli("models", "lenet5", "--json", "--csv", str(tmp_path / "models.csv"))
    assert code == 0
    assert json.loads(out) == json.loads(json.dumps(striate.models("lenet5").to_dict()))
    assert "lenet5" in (tmp_path / "models.csv").read_text()


def test_a_limit_leaves_the_small_ones_and_nonsense_is_answered_in_one_line(cli):
    _, out, _ = cli("models", "alexnet", "--max-multiplies", "1G")
    assert "alexnet_two_gpus" in out and "1,135,256,096" not in out
    code, out, err = cli("models", "alexnet", "--max-multiplies", "few")
    assert (code, out) == (2, "")
    assert err.startswith("striate: 'few' is no count") and err.count("\n") == 1
