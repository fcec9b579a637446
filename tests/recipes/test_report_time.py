import pytest

from striate.recipes.report_time import duration, time_spent, waited


def row(seconds, data, forward, backward, optimizer):
    laps = {"data": data, "forward": forward, "backward": backward, "optimizer": optimizer}
    return {"seconds": seconds} | {f"{name}_seconds": value for name, value in laps.items()}


def test_the_parts_are_the_sums_over_the_epochs_and_the_rest_is_what_is_left():
    spent = time_spent([row(10, 1, 2, 4, 1), row(20, 1, 2, 4, 1)])
    assert [own.name for own in spent] == ["data", "forward", "backward", "optimizer", "the rest"]
    assert [own.seconds for own in spent] == [2, 4, 8, 2, 4]
    assert [own.share for own in spent] == pytest.approx([0.1, 0.2, 0.4, 0.1, 0.2])


def test_a_resumed_epoch_whose_parts_count_more_than_its_seconds_leaves_no_rest():
    spent = time_spent([row(5, 2, 2, 4, 2)])
    assert [own.share for own in spent] == pytest.approx([0.2, 0.2, 0.4, 0.2, 0])


@pytest.mark.parametrize("rows", [[], [{"seconds": 3.0}], [row(1, 0, 0, 0, 0)], [{"seconds": 1.0}, row(2, 1, 0, 0, 0)]])
def test_a_logbook_that_does_not_say_gives_nothing(rows):
    assert time_spent(rows) == []
    assert waited(time_spent(rows)) == 0


def test_waiting_for_data_is_worth_a_word_above_two_fifths():
    assert waited(time_spent([row(10, 5, 1, 3, 1)])) == 0.5
    assert waited(time_spent([row(10, 4, 1, 4, 1)])) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.9, "900 ms"), (59.94, "59.9 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7322, "2 h 2 min")],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert duration(seconds) == text
