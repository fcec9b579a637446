import io

import numpy as np
import pytest
from PIL import Image

from striate.datasets.checking.dim import dim
from striate.datasets.checking.files import flat
from striate.datasets.checking.findings import all_findings
from striate.datasets.checking.shown import View
from striate.datasets.checking.taking import take_survey
from striate.datasets.dataset import Dataset
from striate.datasets.names import Names
from striate.datasets.targets import Classes
from striate.images.preparation import Geometry
from striate.images.ranges import parse_range


def survey_of_sources(sources, view=None):
    count = len(sources)
    targets, parts = Classes(np.zeros(count, np.int32)), np.zeros(count, np.uint8)
    names = Names(f"{number}.png" for number in range(count))
    return take_survey(Dataset("made", ("a",), names, targets, parts, sources.__getitem__), view)


def png(values):
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "png")
    return stream.getvalue()


def ramp(top, kind=np.uint16):
    """From 0 to `top`."""
    return np.linspace(0, top, 400).reshape(20, 20).astype(kind)


def test_twelve_bits_in_sixteen_are_told_with_the_range_that_holds_them():
    survey = survey_of_sources([png(ramp(4095)), png(ramp(3000))])
    (finding,) = dim(survey)
    assert (finding.level, finding.count) == ("look", 2)
    assert [case.detail for case in finding.cases] == [
        "values reach at most 3000 of 65535",
        "values reach at most 4095 of 65535",
    ]
    assert "--range 0:4095 keeps them apart" in finding.advice
    assert flat(survey) == []
    assert "dim" in [own.kind for own in all_findings(survey, Geometry((32, 32)))]


def test_floats_of_which_little_is_used_are_told():
    (finding,) = dim(survey_of_sources([ramp(0.05, np.float32)]))
    assert finding.cases[0].detail == "values reach at most 0.050000001 of 1"  # the nearest in 32 bits
    assert "--range 0:0.0625 " in finding.advice
    assert parse_range("0:0.0625") == (0, 0.0625)


@pytest.mark.parametrize("values", [ramp(8200), ramp(65535), ramp(20, np.uint8), ramp(0.2, np.float32)])
def test_what_uses_an_eighth_of_its_white_or_has_eight_bits_is_not_told(values):
    assert dim(survey_of_sources([values])) == []


def test_one_value_alone_is_of_one_colour():
    survey = survey_of_sources([png(np.full((20, 20), 300, np.uint16))])
    assert dim(survey) == []
    assert [own.kind for own in flat(survey)] == ["flat"]


def test_no_range_is_proposed_that_would_not_hold_the_others():
    (finding,) = dim(survey_of_sources([png(ramp(4095)), png(ramp(60000))]))
    assert [case.place for case in finding.cases] == [0]
    assert "0:4095" not in finding.advice


def test_a_range_that_was_given_leaves_nothing_to_say():
    survey = survey_of_sources([png(ramp(4095))], View(range=(0, 4095)))
    assert dim(survey) == []


def test_bands_are_told_as_they_are_stored():
    bands = np.stack([ramp(100), ramp(200), ramp(700), ramp(900)], axis=2)
    (finding,) = dim(survey_of_sources([bands], View(channels=4)))
    assert finding.example == "0.png: values reach at most 900 of 65535"
    assert "--range 0:1023" in finding.advice
