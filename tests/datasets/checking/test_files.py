import pytest

from striate.datasets.checking.files import animated, flat, formats, turned, unreadable
from striate.datasets.checking.finding import left_out
from striate.datasets.checking.mixing import mixed


def kinds(findings):
    return {finding.kind: [case.place for case in finding.cases] for finding in findings}


def test_broken_and_empty_files_are_told_apart_and_left_out(survey_of, photo):
    reasons = {
        0: "image file is truncated (10 bytes not processed)",
        2: "the file is empty (0 bytes)",
        3: "truncated (0 bytes not processed)",
    }
    found = unreadable(survey_of("aaaa", facts=[None, photo, None, None], reasons=reasons))
    assert kinds(found) == {"unreadable": [0, 3], "empty": [2]}
    assert left_out(found) == [0, 2, 3]
    assert all(finding.level == "fault" for finding in found)


def test_what_only_wants_an_option_is_not_left_out(survey_of):
    reasons = {0: "it has 5 bands: --channels 5 takes them all"}
    (finding,) = found = unreadable(survey_of("a", facts=[None], reasons=reasons))
    assert (finding.kind, finding.level) == ("unsettled", "look")
    assert left_out(found) == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_but_the_upright_one_are_told(survey_of, photo, orientation):
    found = turned(survey_of("aa", facts=[photo, photo._replace(orientation=orientation)]))
    assert kinds(found) == ({} if orientation == 1 else {"turned": [1]})


def test_animations_are_told_with_their_frames(survey_of, photo):
    (finding,) = animated(survey_of("aa", facts=[photo, photo._replace(frames=12)]))
    assert finding.example == "a/1.jpg: 12 frames or pages"


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"mode": "CMYK"}, "cmyk"),
        ({"mode": "RGBA", "transparent": True}, "transparent"),
        ({"mode": "RGB;16", "bits": 16}, "deep"),
        ({"mode": "P"}, "palette"),
        ({"mode": "5×uint8"}, "bands"),
        ({"mode": "5×float32", "bits": 32}, "float"),
    ],
)
def test_some_of_another_kind_are_to_be_looked_at_and_all_of_it_are_a_note(survey_of, photo, facts, kind):
    odd = photo._replace(**facts)
    some = next(own for own in mixed(survey_of("aaa", facts=[photo, odd, None])) if own.kind == kind)
    assert (some.level, [case.place for case in some.cases]) == ("look", [1])
    every = next(own for own in mixed(survey_of("aa", facts=[odd, odd])) if own.kind == kind)
    assert (every.level, every.count) == ("note", 2)


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (["RGB", "RGB", "L"], {"grey_among_colour": [2]}),
        (["L", "RGB", "L"], {"colour_among_grey": [1]}),
        (["L", "L", "L"], {}),
        (["RGB", "CMYK", "RGB"], {"cmyk": [1]}),
    ],
)
def test_the_rarer_of_grey_and_colour_is_told(survey_of, photo, modes, expected):
    facts = [photo._replace(mode=mode) for mode in modes]
    assert kinds(mixed(survey_of("aaa", facts=facts))) == expected


def test_pictures_of_almost_one_colour_are_told(survey_of_pictures, scene):
    pictures = [scene(0), scene(1) // 128 + 100]  # the second has the values 100 and 101
    assert kinds(flat(survey_of_pictures(pictures, "aa"))) == {"flat": [1]}
    assert flat(survey_of_pictures([scene(0)], "a")) == []


def test_formats_are_counted_the_commonest_first(photo):
    png = photo._replace(format="PNG")
    assert list(formats([photo, png, None, png]).items()) == [("PNG", 2), ("JPEG", 1)]
