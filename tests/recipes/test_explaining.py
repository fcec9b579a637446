import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import striate
from striate.errors import DataError, SettingsError, UnknownNameError
from striate.explain.faithfulness import curves
from striate.explain.saliency import saliency
from striate.recipes import explaining, heat_section
from striate.recipes.explaining import explain_images
from striate.recipes.trust import Trust, _verdict


@pytest.fixture
def few(draw, tmp_path):
    draw(tmp_path / "few", 2, 3, first=50)
    return tmp_path / "few"


@pytest.fixture
def made(run, few, tmp_path):
    return explain_images(run.folder, few, methods="saliency,grad_cam", trust=False, out=tmp_path / "out", quiet=True)


def test_each_image_has_a_picture_and_the_page_has_them_all(made, few):
    assert [Path(image.path).name for image in made.images] == sorted(file.name for file in few.iterdir())
    page = Path(made.page).read_text(encoding="utf-8")
    for image in made.images:
        with Image.open(image.picture) as picture:
            assert picture.format == "PNG" and picture.width > 900
        assert image.path in page
    assert page.count("<img") == 3


def test_the_page_needs_nothing_else(made):
    page = Path(made.page).read_text(encoding="utf-8")
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert links and all(link.startswith(("data:image/", "#")) for link in links)
    assert "arXiv:1312.6034" in page and "When not to trust it" in page


def test_it_asks_about_what_the_model_says(made, run):
    model = striate.load(run.folder)
    for image in made.images:
        said = model.predict(image.path)
        assert (image.label, image.probability) == (said.label, pytest.approx(said.probability, abs=1e-6))


def test_or_about_the_class_that_is_named(run, few, tmp_path):
    made = explain_images(
        run.folder, few, methods="saliency", label="circle", trust=False, out=tmp_path / "out", quiet=True
    )
    model = striate.load(run.folder)
    for image in made.images:
        chances = {guess.label: guess.probability for guess in model.predict(image.path).top}
        assert image.label == "circle"
        assert image.probability == pytest.approx(chances["circle"], abs=1e-6)


def test_the_map_is_that_of_the_method(run, few, tmp_path, monkeypatch):
    maps = []
    monkeypatch.setattr(
        heat_section, "draw_panel", lambda image, own, *_: maps.append((image, own)) or np.zeros((8, 8, 3), np.uint8)
    )
    explain_images(
        run.folder, sorted(few.iterdir())[:1], methods="saliency", trust=False, out=tmp_path / "out", quiet=True
    )
    ((image, (own,)),) = maps
    model = striate.load(run.folder)
    prepared = model.preparation.normalise(torch.from_numpy(image)[None])
    target = model.network(prepared).argmax(dim=1)
    torch.testing.assert_close(torch.from_numpy(own.heat), saliency(model.network, prepared, target)[0])


def test_how_far_to_trust_a_method_is_measured(run, few, tmp_path):
    made = explain_images(run.folder, few, methods="saliency,integrated_gradients", out=tmp_path / "out", quiet=True)
    first, second, drawn = made.trust
    assert (first.method, second.method, drawn.method) == ("saliency", "integrated_gradients", "random")
    assert first.n == 3 and first.m == 1 and len(first.likeness) == 3
    page = Path(made.page).read_text(encoding="utf-8")
    assert f"{first.deletion:.3f}" in page and f"{drawn.insertion:.3f}" in page


def test_the_areas_are_those_of_the_curves(run, few, tmp_path):
    made = explain_images(run.folder, few, methods="saliency", out=tmp_path / "out", quiet=True)
    model = striate.load(run.folder)
    images = np.stack([model.preparation.geometry.prepare(file)[0] for file in sorted(few.iterdir())])
    prepared = model.preparation.normalise(torch.from_numpy(images))
    targets = model.network(prepared).argmax(dim=1)
    expected = curves(model.network, prepared, targets, saliency(model.network, prepared, targets))
    assert made.trust[0].deletion == pytest.approx(float(expected.deletion_area.mean()), rel=1e-3)


DRAWN = Trust("random", deletion=0.5, insertion=0.5, n=8)


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        (Trust("a", 0.2, 0.7, 8, (0.3, 0.1, 0.0), 4), "no doubt found"),
        (Trust("a", 0.5, 0.7, 8, (0.3, 0.1, 0.0), 4), "deletes no better than chance"),
        (Trust("a", 0.2, 0.4, 8, (0.3, 0.1, 0.0), 4), "inserts no better than chance"),
        (Trust("a", 0.2, 0.7, 8, (0.3, 0.1, 0.6), 4), "shows the image, not the network"),
        (Trust("a", 0.2, 0.7, 8, (0.95, 0.1, 0.0), 4), "does not notice that the last layer is lost"),
    ],
)
def test_the_verdict_goes_by_the_figures(trust, said):
    assert _verdict(trust, DRAWN).startswith(said)


def test_a_file_that_is_no_image_is_named_and_left_out(run, few, tmp_path):
    (few / "notes.txt").write_text("no image", encoding="utf-8")
    made = explain_images(run.folder, few, methods="saliency", trust=False, out=tmp_path / "out", quiet=True)
    assert len(made.images) == 3
    assert [Path(file.name).name for file in made.skipped] == ["notes.txt"]
    assert "notes.txt" in Path(made.page).read_text(encoding="utf-8")


def test_images_none_of_which_can_be_read_are_refused_and_nothing_is_written(run, tmp_path):
    files = [tmp_path / "notes.txt", tmp_path / "more.txt"]
    for file in files:
        file.write_text("no image", encoding="utf-8")
    with pytest.raises(DataError, match="of 2 images none can be read"):
        explain_images(run.folder, files, methods="saliency", out=tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()


def test_interrupted_the_page_is_of_what_was_done(run, few, tmp_path, monkeypatch):
    real, calls = heat_section.draw_panel, []

    def interrupted(*asked):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*asked)

    monkeypatch.setattr(heat_section, "draw_panel", interrupted)
    with pytest.raises(KeyboardInterrupt):
        explain_images(run.folder, few, methods="saliency", out=tmp_path / "out", quiet=True)
    page = (tmp_path / "out" / "explanation.html").read_text(encoding="utf-8")
    assert page.count("<img") == 1 and "Interrupted" in page
    assert len(list((tmp_path / "out").glob("*.png"))) == 1


def test_interrupted_among_patches_the_page_is_of_what_was_seen_and_the_work_ends(run, shown, tmp_path, monkeypatch):
    real = explaining.patches_section

    def interrupted(*asked, watch):
        def stop(_count):
            raise KeyboardInterrupt

        return real(*asked, watch=stop)

    monkeypatch.setattr(explaining, "patches_section", interrupted)
    with pytest.raises(KeyboardInterrupt):
        explain_images(run.folder, shown, methods="patches,filters", out=tmp_path / "out", quiet=True)
    page = (tmp_path / "out" / "explanation.html").read_text(encoding="utf-8")
    assert "Interrupted after" in page and "Filters of" not in page


def test_filters_need_no_images(run, tmp_path):
    made = explain_images(run.folder, methods="filters", out=tmp_path / "out", quiet=True)
    assert len(made.pictures) == 1 and Path(made.pictures[0]).exists()


@pytest.mark.parametrize("method", ["patches", "hierarchy"])
def test_all_images_together(run, shown, tmp_path, method):
    made = explain_images(run.folder, shown, methods=method, out=tmp_path / "out", quiet=True)
    assert made.pictures and all(Path(place).exists() for place in made.pictures)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"methods": "salience"}, UnknownNameError, r"unknown method 'salience'; did you mean saliency"),
        ({"methods": ","}, SettingsError, "no method is named"),
        ({"label": "circel"}, UnknownNameError, "unknown class 'circel'; did you mean circle"),
        ({"methods": "grad_cam", "layer": "laier"}, UnknownNameError, "unknown layer 'laier'"),
        ({"methods": "occlusion", "window": 1000}, striate.StriateError, "window"),
    ],
)
def test_what_does_not_exist_is_refused(run, few, tmp_path, asked, error, said):
    with pytest.raises(error, match=said):
        explain_images(run.folder, few, out=tmp_path / "out", quiet=True, **asked)
    assert not (tmp_path / "out").exists()


def test_images_are_asked_for_where_a_method_needs_them(run, tmp_path):
    with pytest.raises(SettingsError, match="saliency explains images, and none came"):
        explain_images(run.folder, methods="saliency", out=tmp_path / "out", quiet=True)


def test_a_planted_corner_is_uncovered(tmp_path):
    """Two kinds of noise that differ in nothing but a coloured corner, which the page must name."""
    chance = np.random.default_rng(0)
    for label in ("marked", "plain"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(60):
            pixels = chance.integers(0, 256, (32, 32, 3), np.uint8)
            if label == "marked":
                pixels[:5, :5] = (255, 0, 200)
            Image.fromarray(pixels).save(tmp_path / "data" / label / f"{number}.png")
    asked = {"model": "lenet5", "epochs": 30, "augment": "none", "out": str(tmp_path / "run")}
    striate.train(tmp_path / "data", quiet=True, **asked)
    made = explain_images(tmp_path / "run", tmp_path / "data", methods="bias", out=tmp_path / "out", quiet=True)
    page = Path(made.page).read_text(encoding="utf-8")
    assert "marked hangs on one place, the upper left" in page
    assert Path(made.pictures[0]).exists()
