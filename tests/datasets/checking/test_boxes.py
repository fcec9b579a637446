import numpy as np
import pytest

from striate.datasets.checking.boxes import boxes
from striate.datasets.targets import Boxes


def boxed(survey, corners, *, sizes=None, numbers=None):
    """One row of corners for each box of each image."""
    starts = np.cumsum([0, *map(len, corners)])
    flat = np.array([box for own in corners for box in own], float).reshape(-1, 4)
    numbers = np.zeros(len(flat), np.int32) if numbers is None else np.array(numbers, np.int32)
    sizes = np.zeros((len(corners), 2), np.int32) if sizes is None else np.array(sizes, np.int32)
    return type(survey)(**{**vars(survey), "targets": Boxes(starts, flat, numbers, sizes)})


def found(survey):
    return {own.kind: [(case.place, case.box) for case in own.cases] for own in boxes(survey)}


def test_data_without_boxes_have_no_findings(survey_of):
    assert boxes(survey_of("a")) == []


def test_boxes_inside_the_image_give_no_findings(survey_of):
    assert found(boxed(survey_of("a"), [[(0, 0, 300, 200), (10, 10, 20, 20)]])) == {}


@pytest.mark.parametrize(
    ("corners", "faulty"),
    [
        ((-0.9, 0, 10, 10), False),  # within a pixel: formats count from 0 or from 1
        ((-1.1, 0, 10, 10), True),
        ((290, 190, 301, 201), False),
        ((290, 190, 302, 195), True),
        ((290, 190, 295, 202), True),
        ((400, 300, 500, 400), True),
    ],
)
def test_boxes_more_than_a_pixel_outside_are_told(survey_of, corners, faulty):
    assert found(boxed(survey_of("a"), [[corners]])) == ({"boxes_outside": [(0, 0)]} if faulty else {})


def test_the_box_that_is_farthest_out_comes_first(survey_of):
    survey = boxed(survey_of("aa"), [[(-5, 0, 9, 9)], [(0, 0, 9, 9), (0, 0, 9, 290)]])
    assert found(survey) == {"boxes_outside": [(1, 2), (0, 0)]}
    assert boxes(survey)[0].example == "a/1.jpg: a at 0, 0 to 9, 290"


def test_boxes_of_no_and_of_negative_extent_are_told_once(survey_of):
    survey = boxed(survey_of("a"), [[(5, 5, 5, 9), (9, 5, 2, 9), (0, 0, 1, 1)]])
    assert found(survey) == {"flat_boxes": [(0, 1), (0, 0)]}
    assert boxes(survey)[0].many == "2 boxes"


def test_an_image_that_cannot_be_decoded_has_no_outside(survey_of):
    assert found(boxed(survey_of("a", facts=[None]), [[(400, 300, 500, 400)]])) == {}


def test_a_box_drawn_twice_is_told_and_two_classes_in_one_place_are_not(survey_of):
    twice = [(10, 10, 50, 50), (10.3, 9.8, 50, 50.2), (10, 10, 50, 50), (12, 10, 50, 50)]
    survey = boxed(survey_of("ab"), [twice, [(10, 10, 50, 50)]], numbers=[0, 0, 1, 0, 0])
    assert found(survey) == {"boxes_twice": [(0, 1)]}


def test_an_image_of_another_size_than_annotated_is_told(survey_of, photo):
    turned = photo._replace(orientation=6)  # upright it is 200×300
    survey = survey_of("aaaa", facts=[photo, photo, turned, turned])
    survey = boxed(survey, [[(0, 0, 9, 9)]] * 4, sizes=[(300, 200), (150, 100), (300, 200), (0, 0)])
    (finding,) = boxes(survey)
    assert finding.kind == "other_size"
    assert [(case.place, case.detail) for case in finding.cases] == [
        (1, "annotated as 150×100, but is 300×200"),
        (2, "annotated as 300×200, but is 200×300: drawn on the image before EXIF turned it"),
    ]


def test_images_without_a_box_are_a_note(survey_of):
    (finding,) = boxes(boxed(survey_of("aa"), [[(0, 0, 9, 9)], []]))
    assert (finding.kind, finding.level, finding.count) == ("without_boxes", "note", 1)
