import json

import pytest

import striate


@pytest.fixture(scope="module")
def proposal():
    return striate.scale("efficientnet_b0", "500M")


@pytest.fixture
def proposes(proposal, monkeypatch):
    """The search runs once; which words reach it is looked at."""
    given = []
    monkeypatch.setattr("striate.description.scaling.scale", lambda *words: given.append(words) or proposal)
    return given


def test_a_proposal_is_printed_with_its_card(cli, proposal, proposes):
    code, out, err = cli("scale", "efficientnet_b0", "--budget", "500M")
    assert (code, err) == (0, "")
    assert proposes == [("efficientnet_b0", "500M")]
    lines = [line.strip() for line in out.splitlines()]
    factors = [line.split() for line in lines if line.split()[:1] in (["depth"], ["width"], ["resolution"])]
    assert [[row[0], float(row[1]), float(row[2])] for row in factors] == [
        [way, phi, round(factor, 3)]
        for way, phi, factor in zip(proposal.phi._fields, proposal.phi, proposal.factors, strict=True)
    ]
    assert [line for line in lines if line in proposal.sentences()] == proposal.sentences()
    assert f"{proposal.multiplies:,}" in out
    assert any(line.startswith("total") and f"{proposal.parameters:,}" in line for line in lines)
    assert "Rules of thumb: " in out


def test_with_json_it_is_one_object(cli, proposal, proposes):
    code, out, err = cli("scale", "efficientnet_b0", "--budget", "500M", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found == json.loads(json.dumps(proposal.to_dict()))
    assert found["factors"].keys() == found["phi"].keys() == {"depth", "width", "resolution"}
    assert found["card"]["multiplies"] == found["multiplies"]


def test_the_name_that_it_gives_is_taken_by_describe(cli, proposal):
    code, out, err = cli("describe", proposal.name, "--size", proposal.size, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["multiplies"] == proposal.multiplies


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("resnet18", "--budget", "2G"), "resnet18 has no rule to be scaled by; these have one: efficientnet_b0, "),
        (("efficientnet_b9", "--budget", "2G"), "did you mean efficientnet_b"),
        (("efficientnet_b0", "--budget", "100M"), "expected from 385,814,752 multiplies, those of efficientnet_b0"),
        (("efficientnet_b0", "--budget", "lots"), "'lots' is no count"),
        (("efficientnet_b0",), "--budget"),
    ],
    ids=lambda value: "_" if isinstance(value, str) else " ".join(value),
)
def test_what_makes_no_sense_is_answered_in_one_line(cli, words, sign):
    code, out, err = cli("scale", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("striate: ")
    assert sign in err
