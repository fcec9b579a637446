import numpy as np

from striate.datasets.checking.finding import left_out
from striate.datasets.checking.masks import masks
from striate.datasets.checking.survey import MaskTable
from striate.datasets.targets import IGNORED, Masks


def masked(survey, *, reasons=None, sizes=None, pixels=(1, 1)):
    """The survey with masks of 300×200 pixels, or these heights and widths."""
    room = MaskTable.room(len(survey))
    table = MaskTable(reasons or {}, room.sizes, room.pixels, room.images)
    table.sizes[:] = (200, 300) if sizes is None else sizes
    for value, count in enumerate(pixels):
        table.pixels[value], table.images[0, value] = count, count > 0
    targets = Masks(lambda place: np.zeros((200, 300), np.uint8), np.arange(len(survey)))
    return type(survey)(**{**vars(survey), "targets": targets, "masks": table})


def test_masks_that_fit_give_no_findings(survey_of):
    assert masks(masked(survey_of("ab"))) == []
    assert masks(survey_of("ab")) == []


def test_masks_that_cannot_be_read_or_are_of_another_size_are_told_and_left_out(survey_of):
    sizes = [(200, 300), (0, 0), (100, 150)]
    survey = masked(survey_of("aab"), reasons={1: "it holds the value 9, which is no class"}, sizes=sizes)
    (finding,) = masks(survey)
    assert (finding.kind, finding.level) == ("masks", "fault")
    assert [(case.place, case.detail) for case in finding.cases] == [
        (1, "it holds the value 9, which is no class"),
        (2, "its mask has 150×100 pixels and the image 300×200"),
    ]
    assert left_out([finding]) == [1, 2]


def test_an_image_turned_by_exif_is_compared_upright(survey_of, photo):
    facts = [photo._replace(orientation=8)]
    assert masks(masked(survey_of("a", facts=facts), sizes=[(300, 200)], pixels=(5,))) == []


def test_a_mask_of_an_image_that_cannot_be_read_is_not_told_again(survey_of):
    survey = survey_of("a", facts=[None], reasons={0: "broken"})
    assert masks(masked(survey, reasons={0: "its image is broken"}, pixels=(5,))) == []


def test_classes_without_a_pixel_are_told(survey_of):
    (finding,) = masks(masked(survey_of("abc"), pixels=(7, 0, 0)))
    assert (finding.kind, finding.many, finding.example) == ("unseen", "2 classes", "b, c")


def test_values_without_a_class_are_told_and_ignored_pixels_are_not(survey_of):
    survey = masked(survey_of("ab"), pixels=(7, 1, 0, 4))
    survey.masks.pixels[IGNORED] = 9
    (finding,) = masks(survey)
    assert (finding.kind, finding.count) == ("unknown_values", 1)
    assert finding.example == "the values 3 in at least 1 masks"
