import numpy as np

from striate.datasets.checking.balance import alone, class_counts, counts, few, unequal
from striate.datasets.checking.findings import all_findings
from striate.datasets.checking.survey import MaskTable
from striate.datasets.targets import Boxes, Masks, Tags
from striate.images.preparation import Geometry


def with_targets(survey, targets, **more):
    return type(survey)(**{**vars(survey), "targets": targets, **more})


def test_images_are_counted_by_part_and_class_and_only_if_they_can_be_decoded(survey_of, photo):
    survey = survey_of("aabbb", parts="tetvt", facts=[photo, photo, photo, photo, None])
    assert class_counts(survey).tolist() == [[1, 1], [0, 1], [1, 0]]


def test_tags_and_boxes_are_counted_one_by_one(survey_of):
    starts, numbers = np.array([0, 2, 3]), np.array([0, 1, 1], np.int32)
    survey = survey_of("ab", parts="te")
    assert class_counts(with_targets(survey, Tags(starts, numbers))).tolist() == [[1, 1], [0, 0], [0, 1]]
    boxes = Boxes(starts, np.zeros((3, 4)), numbers, np.zeros((2, 2), np.int32))
    boxed = with_targets(survey, boxes)
    assert class_counts(boxed).tolist() == [[1, 1], [0, 0], [0, 1]]
    (finding,) = counts(boxed)
    assert (finding.many, finding.example) == ("3 boxes", "2 classes; boxes: a 1, b 2")


def test_masks_are_counted_by_the_images_that_show_a_class(survey_of):
    table = MaskTable.room(2)
    table.images[:, :2] = [(1, 1), (0, 0), (1, 0)]
    survey = with_targets(survey_of("ab"), Masks(lambda place: np.zeros((2, 2), np.uint8), np.arange(2)), masks=table)
    assert class_counts(survey).tolist() == [[1, 1], [0, 0], [1, 0]]
    assert unequal(survey) == few(survey) == []


def test_an_image_of_several_classes_counts_once_in_the_whole(survey_of):
    table = MaskTable.room(2)
    table.images[0, :2] = 2, 2
    masked = with_targets(survey_of("ab"), Masks(lambda place: np.zeros((2, 2), np.uint8), np.arange(2)), masks=table)
    tagged = with_targets(survey_of("ab"), Tags(np.array([0, 2, 4]), np.array([0, 1, 0, 1], np.int32)))
    for survey in (masked, tagged):
        (finding,) = counts(survey)
        assert (finding.many, finding.example) == ("2 images", "2 classes; images: a 2, b 2")


def test_counts_are_a_note_and_name_the_first_classes(survey_of):
    (finding,) = counts(survey_of("abcdefgha"))
    assert finding.level == "note"
    assert finding.example == "8 classes; images: a 2, b 1, c 1, d 1, e 1, f 1, … (2 more)"


def test_one_class_is_a_fault_where_an_image_has_one(survey_of):
    (finding,) = alone(survey_of("aaa"))
    assert (finding.level, finding.many, finding.example) == ("fault", "1 class", "all images are 'a'")
    assert "a classifier needs at least two classes" in finding.advice
    assert alone(survey_of("aab")) == []
    assert alone(with_targets(survey_of("aa"), Tags(np.array([0, 1, 2]), np.zeros(2, np.int32)))) == []


def test_one_class_is_among_the_findings_of_a_check(survey_of):
    assert "one_class" in [finding.kind for finding in all_findings(survey_of("aaa"), Geometry((32, 32)))]


def test_more_than_ten_times_as_many_are_unequal(survey_of):
    assert unequal(survey_of("a" * 10 + "b")) == []
    (finding,) = unequal(survey_of("a" * 11 + "b"))
    assert finding.example == "11 of 'a', 1 of 'b': 11 times"
    assert "--balance" in finding.advice


def test_a_class_without_a_training_image_is_few_and_not_unequal(survey_of):
    survey = survey_of("a" * 20 + "b", parts="t" * 20 + "e")
    assert unequal(survey) == []
    assert [finding.kind for finding in few(survey)] == ["few", "untested"]


def test_fewer_than_ten_training_images_are_few(survey_of):
    assert few(survey_of("a" * 10)) == []
    (finding,) = few(survey_of("a" * 9 + "b" * 3))
    assert (finding.many, finding.example) == ("2 classes", "training: b 3, a 9")


def test_a_class_that_is_never_tested_is_told_only_where_there_is_a_test(survey_of):
    assert few(survey_of("a" * 12 + "b" * 12)) == []
    found = few(survey_of("a" * 12 + "b" * 12 + "a", parts="t" * 24 + "e"))
    assert [(finding.kind, finding.example) for finding in found] == [("untested", "b 12")]
