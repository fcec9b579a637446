import numpy as np
import pytest

from striate.datasets.checking.copies import exact, label_keys, label_text, shared_folders
from striate.datasets.checking.finding import left_out
from striate.datasets.checking.survey import Origins
from striate.datasets.targets import Boxes, Tags


def found(survey):
    return {finding.kind: [case.place for case in finding.cases] for finding in exact(survey)}


def test_different_images_give_no_findings(survey_of):
    assert exact(survey_of("aabb")) == []


def test_the_copy_in_the_test_is_left_out_and_the_one_in_training_kept(survey_of):
    (finding,) = exact(survey_of("aabb", parts="ettv", marks=[7, 7, 8, 9]))
    assert (finding.kind, finding.level, finding.count) == ("copies_across_parts", "fault", 1)
    (case,) = finding.cases
    assert (case.place, case.partner, case.leave_out) == (0, 1, True)
    assert case.detail == "the same pixels as a/1.jpg (train)"


def test_of_copies_within_a_part_the_first_is_kept(survey_of):
    assert found(survey_of("aaaa", marks=[5, 6, 5, 5])) == {"copies_within_part": [2, 3]}


@pytest.mark.parametrize(("parts", "kept"), [("evv", 1), ("etv", 1), ("evt", 2), ("eee", 0)])
def test_training_is_kept_before_validation_before_the_test(survey_of, parts, kept):
    survey = survey_of("aaa", parts=parts, marks=[5, 5, 5])
    assert left_out(exact(survey)) == sorted({0, 1, 2} - {kept})


def test_copies_with_different_labels_are_all_left_out(survey_of):
    survey = survey_of("abac", marks=[5, 5, 5, 6])
    kinds = found(survey)
    assert kinds["copies_with_other_labels"] == [0, 1, 2]
    assert left_out(exact(survey)) == [0, 1, 2]
    finding = next(own for own in exact(survey) if own.kind == "copies_with_other_labels")
    partners = {case.place: case.partner for case in finding.cases}
    assert partners[0] == partners[2] == 1
    assert finding.cases[0].detail == "'a', but b/1.jpg, the same pixels, is 'b'"


def test_what_cannot_be_decoded_has_no_copies(survey_of, photo):
    assert exact(survey_of("aaa", facts=[None, None, photo], marks=[0, 0, 0])) == []


def test_bytes_and_files_are_told_apart(survey_of):
    origins = Origins(np.array([3, 3, 3, 4]), np.array([1, 1, 2, 3]))
    (finding,) = exact(survey_of("aaaa", marks=[5, 5, 5, 5], origins=origins))
    assert [case.detail.split(" as ")[0] for case in finding.cases] == [
        "the same file",
        "the same bytes",
        "the same pixels",
    ]


def test_a_test_folder_that_is_a_link_to_training_is_told(survey_of):
    files = np.array([1, 2, 3, 1, 2])
    survey = survey_of("aabab", parts="tttee", origins=Origins(files, files))
    (finding,) = shared_folders(survey)
    assert (finding.kind, finding.level, finding.count) == ("same_folder", "fault", 2)
    assert finding.example == "every file of test is a file of train or validation too, by a link"
    files = np.array([1, 2, 3, 1, 4])
    assert shared_folders(survey_of("aabab", parts="tttee", origins=Origins(files, files))) == []


def test_images_that_are_no_files_are_never_one_folder(survey_of):
    survey = survey_of("ab", parts="te", origins=Origins.room(2))
    assert shared_folders(survey) == []


def test_labels_of_several_classes_are_compared_as_sets(survey_of):
    tags = Tags(np.array([0, 2, 4, 5]), np.array([0, 1, 1, 0, 1], np.int32))
    survey = survey_of("abb", marks=[5, 5, 6])
    tagged = type(survey)(**{**vars(survey), "targets": tags})
    keys = label_keys(tagged)
    assert keys[0] == keys[1] != keys[2]
    assert label_text(tagged, 0) == "a, b"
    assert "copies_with_other_labels" not in found(tagged)


def test_an_image_without_boxes_shows_nothing(survey_of):
    boxes = Boxes(np.array([0, 0, 1]), np.zeros((1, 4)), np.zeros(1, np.int32), np.zeros((2, 2), np.int32))
    survey = type(own := survey_of("ab"))(**{**vars(own), "targets": boxes})
    assert [label_text(survey, place) for place in range(2)] == ["nothing", "a"]
