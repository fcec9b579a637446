import shutil
from dataclasses import replace

import numpy as np
import PIL
import pytest
import torch

import striate
from striate.recipes.augmented import Augmented
from striate.recipes.report import Results, make_report
from striate.training.logbook import read_rows
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
    assert all(place.startswith("data:image/") for place in page.sources)
    assert all(place.startswith("file:///") for place in set(page.fetched) - set(page.sources))  # to be clicked on
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
    for heading in (
        "Learning",
        "Where the time went",
        "Which classes are taken for which",
        "Each class",
        "Is it as sure as it is right?",
        "Worst errors",
        "What the first layer looks for",
        "What moved the answer",
        "The network",
        "The images",
        "Can this be repeated?",
    ):
        assert heading in page.text
    assert page.source.count('alt="first-layer filter') == 6  # C1 of LeNet-5
    assert page.source.count('alt="Saliency of') == 3  # one of each class


def test_names_are_escaped_wherever_they_stand(nasty):
    assert NASTY not in nasty.source
    assert "<script>" not in nasty.source
    assert "<i>" not in nasty.source
    assert NASTY in nasty.text
    assert "[red]{{ 7 * 7 }}" in nasty.text
    assert "<i>broken.png" in nasty.text


def test_mistakes_are_shown_with_what_was_said_and_what_is_true(nasty):
    assert "4 of 4 test images are wrong; these are all, the highest loss first" in nasty.text
    assert "but was called" in nasty.text
    assert "<script>circle10.png" in nasty.text


def test_the_page_says_the_calibration_with_its_number_of_images(page, run):
    sure = run.evaluation.probabilities.max(axis=1)
    right = run.evaluation.probabilities.argmax(axis=1) == run.evaluation.images.targets
    bins = np.clip(np.ceil(sure * 10), 1, 10)
    gaps = [abs(right[bins == own].mean() - sure[bins == own].mean()) * (bins == own).sum() for own in set(bins)]
    assert f"{100 * sum(gaps) / len(sure):.1f} %expected calibration error" in page.text
    assert f"{len(sure)}images" in page.text
    assert 'alt="Reliability diagram' in page.source


def test_curves_are_drawn_against_epochs_and_against_time(page):
    assert page.source.count('alt="Loss, validation accuracy and learning rate against epochs"') == 1
    assert page.source.count('alt="Loss, validation accuracy and learning rate against time"') == 1


def test_the_page_says_what_a_repetition_depends_on(page, run):
    assert "Here, to the last bit" in page.text
    for version in (torch.__version__, f"Pillow {PIL.__version__}", torch.backends.cpu.get_cpu_capability()):
        assert version in page.text


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    """Make the page of `run` with other results; its evaluation is the same."""

    def make(**changes):
        plain = Results(
            title="t",
            model=run.model,
            part="test",
            evaluation=run.evaluation,
            epochs=read_rows(run.folder),
            run_file=(run.folder / "run.toml").read_text(encoding="utf-8"),
            skipped=(),
            leaked=(),
            findings=(),
        )
        file = tmp_path_factory.mktemp("made") / "report.html"
        file.write_text(make_report(replace(plain, **changes)), encoding="utf-8")
        return Page(file)

    return make


def test_what_augmentation_shows_is_a_row_for_each_image(made):
    image = np.zeros((3, 4, 4), np.uint8)
    one = Augmented("<cat>", image, (image, image), ("<cat>", "60 % <cat> + 40 % dog"))
    page = made(augmented=(one, one))
    assert "What augmentation shows the network" in page.text
    assert "with the shares that the network is told" in page.text
    assert page.text.count("60 % <cat> + 40 % dog") == 2
    assert page.source.count('alt="&lt;cat&gt;, as it is"') == 2
    assert page.source.count("varies it") == 4


def test_what_was_not_recorded_is_said_to_be_so(made):
    page = made(epochs=(), augmented=())
    assert "metrics.csv was removed, so there are no curves" in page.text
    assert "metrics.csv does not say" in page.text
    assert "What augmentation shows" not in page.text


def test_a_logbook_of_an_earlier_version_is_drawn(made, run):
    old = [{name: value for name, value in row.items() if "_seconds" not in name} for row in read_rows(run.folder)]
    page = made(epochs=old)
    assert page.source.count('alt="Loss, validation accuracy') == 2
    assert "metrics.csv does not say" in page.text


def test_where_the_time_went_is_said_in_shares_and_waiting_is_worth_advice(made):
    laps = {"data_seconds": 6.0, "forward_seconds": 1.0, "backward_seconds": 2.0, "optimizer_seconds": 0.5}
    row = {"epoch": 1.0, "seconds": 10.0, "rate": 0.1, "images_per_second": 3.0, "train_loss": 1.0} | laps
    page = made(epochs=[row])
    assert "10.0 s of training for 1 epoch;" in page.text
    for name, share in {"data": 60, "forward": 10, "backward": 20, "optimizer": 5, "rest": 5}.items():
        assert f'<span class="{name}" style="width: {share}.000%">' in page.source
    assert "waited for its images 60 % of the time" in page.text
    assert "waited for its images" not in made(epochs=[row | {"data_seconds": 1.0}]).text


def test_resumed_epochs_are_named(made):
    row = {"rate": 0.1, "train_loss": 1.0, "images_per_second": 100.0}
    cut = [row | {"epoch": 1.0, "seconds": 2.0}, row | {"epoch": 2.0, "seconds": 3.0}]
    assert "in which the run was resumed: 2." in made(epochs=cut).text
    assert "resumed:" not in made(epochs=cut[:1]).text


def test_of_several_processes_the_same_bits_are_not_promised(made):
    page = made(processes=2, parts=4)
    assert "Here, to the last bit" not in page.text
    assert "batches in 4 parts" in page.text


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
