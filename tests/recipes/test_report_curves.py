import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.recipes.report_curves import draw_curves, resumed_epochs
from striate.recipes.report_drawing import STYLE

RESUMED = "stroke: #cbd5e0"


@pytest.fixture(autouse=True)
def _words_as_words(monkeypatch):
    """Letters stay letters in the SVG, so that a test can read them."""
    monkeypatch.setitem(STYLE, "svg.fonttype", "none")


def rows(count, *, seconds=1.0, without=()):
    """The logbook of a run that takes so long for each epoch of 100 images."""
    whole = [
        {
            "epoch": float(number),
            "seconds": seconds * number,
            "rate": 0.1 / number,
            "images_per_second": 100 / seconds,
            "train_loss": 2 / number,
            "validation_loss": 3 / number,
            "validation_accuracy": 1 - 1 / (number + 1),
            "validation_balanced_accuracy": 1 - 1 / (number + 2),
        }
        for number in range(1, count + 1)
    ]
    return [{name: value for name, value in row.items() if name not in without} for row in whole]


def drawn(*arguments, **options):
    return base64.b64decode(draw_curves(*arguments, **options).removeprefix("data:image/svg+xml;base64,")).decode()


@pytest.mark.parametrize("count", [1, 2, 40, 300])
@pytest.mark.parametrize("against", ["epoch", "seconds"])
def test_a_run_of_any_length_is_drawn_with_its_kept_epoch(count, against):
    picture = drawn(rows(count), count, against)
    for word in ("loss (nats)", "validation accuracy (%)", "learning rate", f"kept: epoch {count}", ">training<"):
        assert word in picture


@pytest.mark.parametrize(
    ("seconds", "unit"), [(1.0, "seconds"), (12.0, "minutes"), (700.0, "minutes"), (800.0, "hours")]
)
def test_the_axis_of_time_has_a_unit_that_people_would_take(seconds, unit):
    assert f"{unit} of training" in drawn(rows(10, seconds=seconds), 1, "seconds")


def test_only_a_short_run_has_dots():
    dotted, plain = (drawn(rows(count), 1, "epoch").count("stroke: #9c4221") for count in (3, 4))
    assert dotted > plain


@pytest.mark.parametrize("missing", ["validation_balanced_accuracy", "validation_accuracy", "validation_loss", "rate"])
def test_what_an_old_logbook_lacks_is_left_out(missing):
    picture = drawn(rows(5, without=[missing]), 5, "epoch")
    assert "kept: epoch 5" in picture
    words = {"validation_balanced_accuracy": ">mean over classes<", "validation_accuracy": ">of all images<"}
    if missing in words:
        assert words[missing] in drawn(rows(5), 5, "epoch")
        assert words[missing] not in picture


def test_a_logbook_without_any_validation_still_has_its_training_loss():
    without = ["validation_loss", "validation_accuracy", "validation_balanced_accuracy"]
    assert ">training<" in drawn(rows(2, without=without), 1, "epoch")


def test_an_epoch_that_is_not_in_the_logbook_is_not_marked():
    assert "kept" not in drawn(rows(3), 7, "epoch")


def test_each_resumed_epoch_is_a_line_through_all_three_curves():
    assert RESUMED not in drawn(rows(9), 1, "epoch")
    assert drawn(rows(9), 1, "epoch", resumed=[3, 5]).count(RESUMED) == 6
    assert drawn(rows(9), 1, "seconds", resumed=[3, 5]).count(RESUMED) == 6


def test_a_run_in_one_piece_was_never_resumed():
    assert resumed_epochs(rows(30, seconds=0.37)) == []
    assert resumed_epochs([]) == []


@given(st.lists(st.floats(0.01, 1e4), min_size=2, max_size=40), st.data())
def test_epochs_of_which_only_a_part_was_counted_are_found(seconds, data):
    shares = data.draw(st.lists(st.sampled_from([1.0, 0.5, 0.9]), min_size=len(seconds), max_size=len(seconds)))
    shares[0], total, logbook = 1.0, 0.0, []
    for number, (own, share) in enumerate(zip(seconds, shares, strict=True), start=1):
        total += own * share  # the seconds of the last piece, in which this share of the 640 images was met
        logbook.append({"epoch": number, "seconds": total, "images_per_second": 640 / own})
    assert resumed_epochs(logbook) == [number for number, share in enumerate(shares, start=1) if share < 1]


def test_an_old_logbook_that_does_not_count_images_tells_of_no_piece():
    assert resumed_epochs(rows(3, without=["images_per_second"])) == []


def test_the_picture_is_the_same_bytes_each_time():
    assert draw_curves(rows(4), 2, "epoch") == draw_curves(rows(4), 2, "epoch")
