import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from striate.datasets.checking.fitting import fit, fittings, median_image
from striate.datasets.checking.sizes import long, small
from striate.images.facts import Facts
from striate.images.preparation import Geometry

SQUARE = Geometry((32, 32))


def sized(width, height, orientation=1):
    return Facts("JPEG", "RGB", width, height, orientation, 1, 8, False)


def test_the_figures_by_hand():
    crop, pad, stretch = fittings([sized(720, 1280)], Geometry((224, 224)))
    assert crop.lost == pytest.approx(1 - 720 / 1280)  # 44 %
    assert pad.black == pytest.approx(1 - 720 / 1280)
    assert stretch.distorted == pytest.approx(1280 / 720)
    assert (crop.black, crop.distorted, pad.lost, pad.distorted, stretch.lost, stretch.black) == (0, 1, 0, 1, 0, 0)


@given(some.integers(20, 90), some.integers(20, 90))
def test_crop_keeps_the_share_of_pixels_that_the_geometry_shows(width, height):
    marked = np.zeros((height, width, 1), np.uint8)
    side = min(width, height)
    top, left = (height - side) // 2, (width - side) // 2
    marked[top : top + side, left : left + side] = 255
    shown = Geometry((side, side), interpolation="nearest").apply(marked)  # nothing but what is kept is white
    kept = 1 - fittings([sized(width, height)], Geometry((side, side)))[0].lost
    assert (shown == 255).mean() > 1 - 1.01 / side
    assert kept * width * height == pytest.approx(side * side)


@given(some.integers(10, 90), some.integers(10, 90))
def test_pad_leaves_the_share_black_that_the_geometry_does(width, height):
    shown = Geometry((60, 60), fit="pad").apply(np.full((height, width, 1), 255, np.uint8))
    assert fittings([sized(width, height)], Geometry((60, 60), fit="pad"))[1].black == pytest.approx(
        (shown == 0).mean(), abs=0.02
    )


def test_a_share_throws_more_away():
    crop, _, stretch = fittings([sized(100, 100)], Geometry((32, 32), share=0.5))
    assert crop.lost == stretch.lost == 0.75


def test_half_the_images_lose_less_than_the_median_and_a_tenth_more_than_the_worst():
    crop = fittings([sized(100, 100 + 10 * number) for number in range(11)], SQUARE)[0]
    assert crop.lost == pytest.approx(1 - 100 / 150)
    assert crop.lost_by_tenth == pytest.approx(1 - 100 / 190)


def test_exif_turns_the_size():
    assert fittings([sized(60, 30, 6)], Geometry((60, 30)))[0].lost == 0
    assert fittings([sized(60, 30, 1)], Geometry((60, 30)))[0].lost == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("chosen", "sign"),
    [
        ("crop", "crop at 32×32 discards 50% of the median image (200×100); pad would keep all"),
        ("pad", "pad at 32×32 leaves 50% of the frame black for the median image (200×100)"),
        ("stretch", "stretch to 32×32 makes the median image (200×100) 2.00 times too long"),
    ],
)
def test_what_throws_much_away_is_to_be_looked_at(survey_of, chosen, sign):
    (finding,) = fit(survey_of("a", facts=[sized(200, 100)]), Geometry((32, 32), fit=chosen))
    assert (finding.level, finding.example) == ("look", sign)
    (finding,) = fit(survey_of("a", facts=[sized(110, 100)]), Geometry((32, 32), fit=chosen))
    assert finding.level == "note"


@pytest.mark.parametrize(
    ("widths", "level"),
    [
        ([124] * 20, "note"),  # 19 % of each
        ([126] * 20, "look"),  # 21 % of the median
        ([100] * 17 + [148] * 3, "note"),  # 32 % of the worst tenth
        ([100] * 17 + [152] * 3, "look"),  # 34 % of it
        ([100] * 19 + [400], "note"),  # 75 % of a twentieth
    ],
)
def test_crop_is_to_be_looked_at_from_a_fifth_of_the_median_or_a_third_of_the_worst_tenth(survey_of, widths, level):
    (finding,) = fit(survey_of("a" * 20, facts=[sized(width, 100) for width in widths]), SQUARE)
    assert finding.level == level
    assert ("consider --fit pad" in finding.advice) == (level == "look")


def test_what_keeps_all_says_so(survey_of):
    (finding,) = fit(survey_of("a", facts=[sized(64, 64)]), SQUARE)
    assert finding.example == "crop at 32×32 keeps the median image (64×64) whole"


def test_without_a_readable_image_there_is_nothing_to_say(survey_of):
    survey = survey_of("a", facts=[None])
    assert fit(survey, SQUARE) == []
    assert fittings(survey.facts, SQUARE) == ()
    assert median_image(survey.facts, SQUARE) == -1


def test_the_median_image_is_one_that_can_be_read():
    assert median_image([None, sized(10, 10), sized(10, 20), None, sized(10, 40)], SQUARE) == 2


def test_small_images_are_told_the_smallest_first(survey_of):
    facts = [sized(40, 40), sized(31, 90), sized(8, 8), sized(40, 40), sized(32, 32)]
    (finding,) = small(survey_of("aaaaa", facts=facts), SQUARE)
    assert [(case.place, case.detail) for case in finding.cases] == [
        (2, "8×8: enlarged 4.0 times"),
        (1, "31×90: enlarged 1.0 times"),
    ]


def test_if_most_are_small_another_size_is_proposed(survey_of):
    (finding,) = small(survey_of("aaa", facts=[sized(16, 20), sized(16, 16), sized(64, 64)]), SQUARE)
    assert (finding.count, finding.cases) == (2, ())
    assert "--size 16" in finding.advice


def test_three_times_as_long_as_wide_is_extreme(survey_of):
    facts = [sized(300, 101), sized(100, 300), sized(500, 100), None]
    (finding,) = long(survey_of("aaaa", facts=facts))
    assert [(case.place, case.detail) for case in finding.cases] == [(2, "500×100, 5.0 to 1"), (1, "100×300, 3.0 to 1")]
