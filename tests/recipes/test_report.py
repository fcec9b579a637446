import shutil

import pytest

import striate
from tests.recipes.pages import Page

NASTY = '<b>&"'


@pytest.fixture(scope="module")
def page(run):
    return Page(run.folder / "report.html")


@pytest.fixture(scope="module")
def nasty(shown, tmp_path_factory):
    """The report of a run whose names are made of what HTML is made of, and whose test images have wrong labels."""
    root = tmp_path_factory.mktemp("nasty")
    names = (NASTY, "[red]{{ 7 * 7 }}")
    for place, label in (("circle", 0), ("square", 1)):
        for number, file in enumerate(sorted((shown / place).iterdir())):
            part, name = ("test", names[1 - label]) if number >= 10 else ("train", names[label])
            (root / "photos" / part / name).mkdir(parents=True, exist_ok=True)
            (root / "photos" / part / name / f"<script>{place}{file.name}").write_bytes(file.read_bytes())
    (root / "photos" / "train" / NASTY / "<i>broken.png").write_bytes(b"")
    settings = {"model": "linear", "size": 16, "epochs": 4, "batch_size": 4}
    return Page(striate.train(root / "photos", **settings, out=str(root / "run"), quiet=True).folder / "report.html")


def test_the_page_is_one_file_that_fetches_nothing(page):
    assert page.fetched
    assert all(place.startswith("data:image/") for place in page.fetched)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not any(sign in page.source for sign in ("http://", "https://", "url(", "@import"))


def test_the_page_says_the_figures(page, run):
    assert f"{100 * run.evaluation.accuracy:.1f} %" in page.text
    assert f"{run.evaluation.right} / 6" in page.text
    low, high = run.evaluation.interval
    assert f"{100 * low:.1f} – {100 * high:.1f} %" in page.text
    assert f"{striate.describe(run.folder).parameters:,}" in page.text
    assert "fünf Äpfel 苹果" in page.text
    assert (run.folder / "run.toml").read_text(encoding="utf-8").splitlines()[1] in page.text


def test_the_page_has_every_section_and_a_picture_of_every_filter(page):
    for heading in ("Learning", "Which classes are taken for which", "Each class", "What moved the answer"):
        assert heading in page.text
    assert page.source.count('alt="first-layer filter') == 6  # C1 of LeNet-5
    assert page.source.count('alt="saliency of') == 3  # one of each class


def test_names_are_escaped_wherever_they_stand(nasty):
    assert NASTY not in nasty.source
    assert "<script>" not in nasty.source
    assert "<i>" not in nasty.source
    assert NASTY in nasty.text
    assert "[red]{{ 7 * 7 }}" in nasty.text
    assert "<i>broken.png" in nasty.text


def test_mistakes_are_shown_with_what_was_said_and_what_is_true(nasty):
    assert "4 of 4 test images are wrong; the surest mistakes come first" in nasty.text
    assert "but was called" in nasty.text
    assert "<script>circle10.png" in nasty.text


def test_a_report_is_the_same_bytes_each_time(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "copy")
    striate.train(resume=tmp_path / "copy", quiet=True)  # nothing is left to do but the report
    assert (tmp_path / "copy" / "report.html").read_bytes() == (run.folder / "report.html").read_bytes()


def test_many_classes_are_drawn_instead_of_written(draw, tmp_path):
    for number in range(21):
        draw(tmp_path / "photos" / f"class {number:02d}", number % 3, 3, first=100 * number)
    run = striate.train(tmp_path / "photos", model="linear", size=8, epochs=1, out=str(tmp_path / "run"), quiet=True)
    page = Page(run.folder / "report.html")
    assert 'alt="Confusion matrix"' in page.source
    assert 'class="confusion"' not in page.source
