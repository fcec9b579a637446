import numpy as np
import pytest

from striate.datasets.checking.cheap import cheap_findings
from striate.datasets.checking.finding import Case, Finding, Kind, of_cases
from striate.datasets.checking.findings import all_findings
from striate.images.preparation import Geometry

GEOMETRY = Geometry((32, 32))


def cheap(facts, digests, parts, labels, geometry=GEOMETRY):
    names = [f"{number}.jpg" for number in range(len(facts))]
    findings = cheap_findings(
        facts,
        np.array(digests),
        np.array(parts, np.uint8),
        np.array(labels),
        names=names,
        classes=("ant", "bee"),
        geometry=geometry,
    )
    return {finding.kind: finding for finding in findings}


def test_a_clean_set_gives_notes_alone(photo):
    found = cheap([photo._replace(width=240)] * 40, range(40), [0] * 30 + [2] * 10, [0, 1] * 20)
    assert {kind: finding.level for kind, finding in found.items()} == {"fit": "note", "counts": "note"}
    assert found["counts"].example == "2 classes; images: ant 20, bee 20"
    assert "discards 17% of the median image (240×200)" in found["fit"].example


def test_what_a_loader_knows_is_told(photo):
    facts = [photo] * 40
    facts[3], facts[4], facts[5], facts[6] = (
        photo._replace(orientation=6),
        photo._replace(bits=16, mode="I;16"),
        photo._replace(frames=9),
        None,
    )
    digests = [*range(39), 0]
    found = cheap(facts, digests, [0] * 30 + [2] * 10, [0] * 28 + [1] * 2 + [0, 1] * 4 + [0, 0])
    assert set(found) == {
        "copies_across_parts",
        "turned",
        "deep",
        "animated",
        "grey_among_colour",
        "unequal",
        "few",
        "fit",
        "counts",
    }
    assert found["copies_across_parts"].example == "39.jpg: the same pixels as 0.jpg (train)"
    assert found["counts"].count == 39


@pytest.mark.parametrize(
    ("geometry", "kinds"),
    [
        (GEOMETRY, {"deep", "float", "bands"}),
        (Geometry((32, 32), range=(0, 4095)), {"bands"}),
        (Geometry((32, 32), 5), {"deep", "float"}),
        (Geometry((32, 32), 3), {"deep", "float", "bands"}),
        (Geometry((32, 32), 5, range=(0, 4095)), set()),
    ],
)
def test_depth_and_bands_that_the_geometry_keeps_are_not_told(photo, geometry, kinds):
    odd = {"deep": ("I;16", 16), "float": ("F", 32), "bands": ("5×uint8", 8)}
    facts = [photo] * 6 + [photo._replace(mode=mode, bits=bits) for mode, bits in odd.values()]
    assert set(cheap(facts, range(9), [0] * 9, [0, 1, 0] * 3, geometry)) & set(odd) == kinds


def test_findings_are_the_same_as_those_of_a_whole_survey(survey_of, photo):
    facts = [photo, photo._replace(orientation=3)] * 10
    survey = survey_of("ab" * 10, facts=facts, marks=[*range(19), 0], parts="t" * 15 + "e" * 5)
    whole = {finding.kind: finding for finding in all_findings(survey, GEOMETRY)}
    own = cheap_findings(
        facts,
        survey.marks,
        survey.parts,
        survey.targets.numbers,
        names=survey.names,
        classes=survey.classes,
        geometry=GEOMETRY,
    )
    assert own == [whole[finding.kind] for finding in own]


def test_faults_come_first_and_remarks_are_notes(survey_of):
    survey = survey_of("ab", marks=[5, 5], parts="te", remarks=("labels without an image: 3",))
    found = all_findings(survey, GEOMETRY)
    levels = [finding.level for finding in found]
    assert levels == sorted(levels, key=("fault", "look", "note").index)
    assert found[0].kind == "copies_across_parts"
    assert any(finding.kind == "remark" and finding.example == "labels without an image: 3" for finding in found)


def test_images_count_once_and_boxes_each():
    cases = [Case(0, "x", box=0), Case(0, "y", box=1)]
    (images,) = of_cases(Kind("k", "t", "look", ""), cases, ["a"])
    (boxes,) = of_cases(Kind("k", "t", "look", "", "boxes"), cases, ["a"])
    assert (images.many, boxes.many) == ("1 image", "2 boxes")
    assert Finding("k", "t", "look", 1, "", "", "boxes").many == "1 box"
    assert Finding("k", "t", "look", 1, "", "", "classes").many == "1 class"
    assert of_cases(Kind("k", "t", "look", ""), [], ["a"]) == []


def test_a_finding_becomes_plain_values():
    (finding,) = of_cases(Kind("k", "t", "fault", "x"), [Case(1, "d", 0, True), Case(0, "e")], ["a", "b"])
    assert finding.to_dict(["a", "b"])["cases"] == [
        {"path": "b", "detail": "d", "partner": "a", "leave_out": True},
        {"path": "a", "detail": "e", "leave_out": False},
    ]
