import html
import shutil

import pytest

import striate

QUICK = {"model": "linear", "size": 16, "epochs": 2, "batch_size": 8}


@pytest.fixture
def divided(photos, tmp_path):
    """A folder of two classes, divided into train/, val/ and test/: eight, two and two images of each."""
    for name in ("circle", "square"):
        files = sorted((photos / name).iterdir())
        for part, chosen in (("train", files[:8]), ("val", files[8:10]), ("test", files[10:])):
            (tmp_path / "divided" / part / name).mkdir(parents=True)
            for file in chosen:
                shutil.copy(file, tmp_path / "divided" / part / name)
    return tmp_path / "divided"


def counts(run):
    document = (run.folder / "run.toml").read_text(encoding="utf-8")
    return [line for line in document.splitlines() if line.partition(" =")[0] in ("train", "validation", "test")]


def test_the_datas_own_parts_are_kept(divided, tmp_path):
    run = striate.train(divided, **QUICK, out=str(tmp_path / "run"), quiet=True)
    assert counts(run) == ["train = 16", "validation = 4", "test = 4"]
    assert sorted(run.evaluation.images.names) == sorted(
        str(file.relative_to(divided)) for file in (divided / "test").rglob("*.*")
    )


def test_without_a_test_folder_the_figures_are_of_the_validation_and_say_so(divided, tmp_path, capsys):
    shutil.rmtree(divided / "test")
    run = striate.train(divided, **QUICK, out=str(tmp_path / "run"))
    assert counts(run) == ["train = 16", "validation = 4"]
    assert (run.part, run.to_dict()["part"]) == ("validation", "validation")
    told = capsys.readouterr().err
    assert "validation accuracy" in told
    assert "these images also chose the best epoch" in told
    assert "These images also chose the best epoch" in (run.folder / "report.html").read_text(encoding="utf-8")
    assert "validation" in run.model.checkpoint.measured
    assert "test" not in run.model.checkpoint.measured


def test_with_a_test_folder_nobody_is_warned_of_the_validation(divided, tmp_path, capsys):
    run = striate.train(divided, **QUICK, out=str(tmp_path / "run"))
    assert "chose the best epoch" not in capsys.readouterr().err
    assert "chose the best epoch" not in (run.folder / "report.html").read_text(encoding="utf-8")


def test_the_division_changes_with_the_seed(photos, tmp_path):
    runs = [striate.train(photos, **QUICK, seed=seed, out=str(tmp_path / str(seed)), quiet=True) for seed in (1, 2)]
    assert runs[0].evaluation.images.names != runs[1].evaluation.images.names


def test_copies_of_trained_images_in_the_test_are_reported(divided, tmp_path, capsys):
    shutil.copy(divided / "train" / "circle" / "00.png", divided / "test" / "circle" / "copy of 00 & more.png")
    shutil.copy(divided / "val" / "square" / "08.tiff", divided / "test" / "square" / "from val.tiff")
    run = striate.train(divided, **QUICK, out=str(tmp_path / "run"))
    assert run.leaked == ("test/circle/copy of 00 & more.png", "test/square/from val.tiff")
    assert run.to_dict()["leaked"] == list(run.leaked)
    assert "2 test images are exact copies" in capsys.readouterr().err
    page = html.unescape((run.folder / "report.html").read_text(encoding="utf-8"))
    assert all(name in page for name in run.leaked)


@pytest.mark.parametrize(("modes", "channels"), [(("L", "L"), 1), (("L", "RGB"), 3), (("RGB", "RGB"), 3)])
def test_a_network_sees_colours_if_one_image_has_them(draw, tmp_path, modes, channels):
    for pattern, mode in enumerate(modes):
        draw(tmp_path / "photos" / f"class {pattern}", pattern, 8, mode=mode)
    run = striate.train(tmp_path / "photos", **QUICK, out=str(tmp_path / "run"), quiet=True)
    assert run.model.checkpoint.declaration.in_channels == channels
    assert run.model.preparation.geometry.channels == channels
    assert run.model.network.head.score.in_features == channels * 16 * 16
