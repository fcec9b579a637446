"""`striate check` as a whole: what was planted is found, what is clean is clean, and nothing is changed."""

import csv
import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

import striate
from striate.architectures.catalogue import create_model
from striate.cli.main import main
from striate.datasets.checking.taking import take_survey
from striate.datasets.dataset import Dataset
from striate.datasets.excluding import read_excluded
from striate.datasets.loading import Unwatched
from striate.datasets.names import Names
from striate.datasets.opening import open_dataset
from striate.datasets.targets import Boxes
from striate.errors import DataError, RunError, SettingsError
from striate.recipes.check_features import take_features
from striate.recipes.checking import check
from tests.recipes.pages import Page

NASTY = "<b>&\"'{{ 7 * 7 }}"


def scene(kind, number, side=64):
    """A picture of many discs (kind 0) or bars (kind 1), red or blue: no two alike."""
    random = np.random.default_rng((kind, number))
    down, right = np.mgrid[:side, :side] / side
    picture = np.zeros((side, side, 3)) + ((90, 40, 40), (40, 40, 90))[kind]
    for _ in range(14):
        y, x, extent = random.uniform(0, 1), random.uniform(0, 1), random.uniform(0.04, 0.2)
        shape = (
            np.hypot(down - y, right - x) < extent if kind == 0 else np.abs(down - y) + 0.2 * (right - x) < extent / 2
        )
        shape &= np.abs(right - x) < 3 * extent
        picture[shape] = random.uniform(60, 255, 3) * ((1, 0.5, 0.4), (0.4, 0.5, 1))[kind]
    return np.clip(picture + random.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Two classes, thirty images each, twenty of them for training; nobody changes them."""
    root = tmp_path_factory.mktemp("clean") / "photos"
    for kind, name in enumerate(("discs", "bars")):
        for number in range(30):
            folder = root / ("train", "val", "test")[(number >= 20) + (number >= 25)] / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(scene(kind, number)).save(folder / f"{number:02d}.png")
    return root


PLANTED = {  # what is found in which file
    "copies_across_parts": {"test/discs/copy.png"},
    "copies_within_part": {"train/discs/again.png"},
    "copies_with_other_labels": {"train/discs/04.png", "train/bars/contradicts.png"},
    "near_across_parts": {"test/bars/turned.jpg"},
    "turned": {"train/bars/phone.jpg"},
    "empty": {"train/discs/empty.png"},
    "unreadable": {f"train/bars/{NASTY}.png"},
    "deep": {"train/bars/deep.png"},
    "grey_among_colour": {"train/bars/deep.png"},
    "animated": {"train/discs/moving.gif"},
    "palette": {"train/discs/moving.gif"},
    "small": {"train/discs/tiny.png"},
    "long": {"train/bars/long.png"},
    "flat": {"train/bars/black.png"},
}


def plant(root):
    """One of each of `PLANTED`."""
    train, test = root / "train", root / "test"
    (test / "discs" / "copy.png").write_bytes((train / "discs" / "01.png").read_bytes())
    Image.open(train / "discs" / "02.png").save(train / "discs" / "again.png", compress_level=1)  # other bytes
    (train / "bars" / "contradicts.png").write_bytes((train / "discs" / "04.png").read_bytes())
    turned = Image.open(train / "bars" / "03.png").transpose(Image.Transpose.ROTATE_90)
    turned.resize((90, 90)).save(test / "bars" / "turned.jpg", quality=60)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(scene(1, 100)).save(train / "bars" / "phone.jpg", exif=exif)
    (train / "discs" / "empty.png").write_bytes(b"")
    (train / "bars" / f"{NASTY}.png").write_bytes(b"no pixels")
    Image.fromarray(scene(1, 101)[:, :, 2].astype(np.uint16) * 250).save(train / "bars" / "deep.png")
    frames = [Image.fromarray(scene(0, number)) for number in (102, 103)]
    frames[0].save(train / "discs" / "moving.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(scene(0, 104, 20)).save(train / "discs" / "tiny.png")
    Image.fromarray(scene(1, 105, 300)[:70]).save(train / "bars" / "long.png")
    Image.new("RGB", (64, 64), (3, 3, 3)).save(train / "bars" / "black.png")


@pytest.fixture(scope="module")
def planted(clean, tmp_path_factory):
    """The clean images with faults among them, and what the check says."""
    root = tmp_path_factory.mktemp("planted") / "photos"
    for file in sorted(path for path in clean.rglob("*.png")):
        (root / file.relative_to(clean)).parent.mkdir(parents=True, exist_ok=True)
        (root / file.relative_to(clean)).write_bytes(file.read_bytes())
    plant(root)
    before = contents(root)
    result = check(root, size=64, out=root.parent / "check", quiet=True)
    assert contents(root) == before  # it changes nothing
    return root, result


def contents(root):
    """Every file with its content and when it was changed."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return [(path, path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).digest()) for path in files]


def places(result):
    return {
        finding.kind: {result.names[case.place] for case in finding.cases}
        for finding in result.findings
        if finding.cases
    }


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    """A network with random weights, which is enough to tell red from blue."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    torch.save(create_model("lenet5", num_classes=2, in_channels=3).state_dict(), folder / "weights")
    striate.import_weights(folder / "weights", "lenet5", classes=["x", "y"], out=folder / "model")
    return folder / "model"


def test_a_clean_folder_gives_counts_and_nothing_else(clean, tmp_path):
    result = check(clean, size=64, out=tmp_path / "out", quiet=True)
    assert result.clean
    assert [finding.kind for finding in result.findings] == ["fit", "counts"]
    assert result.left_out == ()
    assert result.facts["parts"] == {"train": 40, "validation": 10, "test": 10}


def test_no_image_is_too_small_for_a_size_that_nobody_asked_for(clean, features, tmp_path):
    def small(name, **options):
        return [own for own in check(clean, **options, out=tmp_path / name, quiet=True).findings if own.kind == "small"]

    assert small("neither") == []
    assert "60 of 60 are smaller than 65×65" in small("asked", size=65)[0].example
    assert small("model", model=features) == []  # of 32×32


def test_the_size_of_a_model_is_the_size_asked_for(features, tmp_path):
    for kind, name in enumerate(("discs", "bars")):
        (tmp_path / "tiny" / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(scene(kind, number, 20)).save(tmp_path / "tiny" / name / f"{number}.png")
    result = check(tmp_path / "tiny", model=features, out=tmp_path / "out", quiet=True)
    (small,) = [own for own in result.findings if own.kind == "small"]
    assert "12 of 12 are smaller than 32×32" in small.example


def test_all_that_was_planted_is_found_and_nothing_else(planted):
    _, result = planted
    assert not result.clean
    assert places(result) == PLANTED


def test_the_list_names_what_is_better_left_out_and_train_would_take_it(planted):
    root, result = planted
    expected = {
        "test/discs/copy.png",
        "train/discs/again.png",
        "train/discs/04.png",
        "train/bars/contradicts.png",
        "train/discs/empty.png",
        f"train/bars/{NASTY}.png",
    }
    assert set(result.left_out) == expected
    assert set(read_excluded(result.folder / "exclude.txt")) == expected
    assert set(read_excluded(result.folder / "check.csv")) == expected
    again = check(root, size=64, exclude=result.folder / "exclude.txt", out=root.parent / "again", quiet=True)
    assert again.left_out == ()
    assert set(places(again)) == set(PLANTED) - {
        "copies_across_parts",
        "copies_within_part",
        "copies_with_other_labels",
        "empty",
        "unreadable",
    }


def test_the_table_has_a_row_for_each_image_and_finding(planted):
    _, result = planted
    with (result.folder / "check.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "finding", "detail", "suggestion"]
    assert {(row["finding"], row["path"]) for row in rows} == {
        (kind, name) for kind in PLANTED for name in PLANTED[kind]
    }
    assert {row["suggestion"] for row in rows} == {"yes", "no"}


def test_the_page_is_one_file_that_fetches_nothing_and_escapes_every_name(planted):
    _, result = planted
    page = Page(result.page)
    assert all(place.startswith(("data:image/", "#")) for place in page.fetched)
    assert sum(place.startswith("data:image/webp") for place in page.fetched) > 15
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not any(sign in page.source for sign in ("http://", "https://", "url(", "@import", NASTY))
    assert page.text.count(NASTY) >= 2
    for finding in result.findings:
        assert finding.title in page.text


def test_a_page_shows_few_of_many_and_says_how_many_there_are(tmp_path):
    root = tmp_path / "many"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for number in range(30):
            exif = Image.Exif()
            exif[274] = 3
            Image.fromarray(scene(name == "b", number)).save(root / name / f"{number}.jpg", exif=exif)
    result = check(root, size=64, out=tmp_path / "out", quiet=True)
    assert places(result)["turned"] == {f"{name}/{number}.jpg" for name in "ab" for number in range(30)}
    page = Page(result.page)
    assert "24 of 60 shown" in page.text
    assert page.source.count('class="frame"') == 24


def test_a_mislabelled_image_is_found_by_the_features_of_a_network(clean, features, tmp_path):
    root = tmp_path / "photos"
    for file in clean.rglob("*.png"):
        (root / file.relative_to(clean)).parent.mkdir(parents=True, exist_ok=True)
        (root / file.relative_to(clean)).write_bytes(file.read_bytes())
    (root / "train/discs/07.png").rename(root / "train/bars/swapped.png")
    result = check(root, model=features, size=64, out=tmp_path / "out", quiet=True)
    assert places(result) == {"doubted": {"train/bars/swapped.png"}}
    (finding,) = (own for own in result.findings if own.kind == "doubted")
    assert "the input of its last fully connected layer" in finding.advice


def test_features_are_what_the_last_layer_makes_the_scores_of(clean, features):
    classifier, dataset = striate.load(features, device="cpu"), open_dataset(clean)
    taken = take_features(classifier, dataset, take_survey(dataset), Unwatched())
    assert taken.places.tolist() == list(range(60))
    assert np.allclose(np.linalg.norm(taken.values.astype(float), axis=1), 1, atol=1e-2)
    last = [module for module in classifier.network.modules() if isinstance(module, torch.nn.Linear)][-1]
    images = [classifier.preparation.geometry.prepare(dataset.source(place))[0] for place in range(60)]
    scores = classifier.scores(torch.from_numpy(np.stack(images)))
    ours = torch.from_numpy(taken.values.astype(np.float32)) @ last.weight.T
    cosines = torch.nn.functional.cosine_similarity(ours, scores - last.bias)  # the features are scaled to length 1
    assert cosines.min() > 0.99


def test_a_network_without_a_fully_connected_head_gives_the_maps_that_enter_it(clean, tmp_path):
    torch.manual_seed(0)
    torch.save(create_model("squeezenet1_1", num_classes=2).state_dict(), tmp_path / "weights")
    striate.import_weights(tmp_path / "weights", "squeezenet1_1", classes=["x", "y"], out=tmp_path / "model")
    classifier, dataset = striate.load(tmp_path / "model", device="cpu"), open_dataset(clean).at(range(5))
    taken = take_features(classifier, dataset, take_survey(dataset), Unwatched())
    assert taken.told == "features: the maps that enter its head, averaged"
    images = [classifier.preparation.geometry.prepare(dataset.source(place))[0] for place in range(5)]
    with torch.no_grad():
        (batch,) = classifier.preparation.batches(torch.from_numpy(np.stack(images)))
        maps = classifier.network.features(batch)[-1].maps.mean(dim=(2, 3))
    expected = maps / maps.norm(dim=1, keepdim=True)
    assert np.allclose(taken.values, expected, atol=2e-3)


def test_an_image_that_has_gone_since_it_was_looked_at_has_no_features(clean, features, tmp_path):
    for number in range(3):
        (tmp_path / "photos" / "abc"[number]).mkdir(parents=True)
        Image.fromarray(scene(0, number)).save(tmp_path / "photos" / "abc"[number] / "x.png")
    dataset = open_dataset(tmp_path / "photos")
    survey = take_survey(dataset)
    (tmp_path / "photos" / "b" / "x.png").unlink()
    taken = take_features(striate.load(features, device="cpu"), dataset, survey, Unwatched())
    assert [dataset.names[int(place)] for place in taken.places] == ["a/x.png", "c/x.png"]


def test_a_test_folder_that_is_a_link_to_training_is_told(clean, tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    (root / "train").symlink_to(clean / "train")
    (root / "test").symlink_to(clean / "train")
    result = check(root, size=64, out=tmp_path / "out", quiet=True)
    assert result.findings[0].kind == "same_folder"
    assert len(result.left_out) == 40
    detail = next(own for own in result.findings if own.kind == "copies_across_parts").cases[0].detail
    assert detail.startswith("the same file as train/")


def test_boxes_are_drawn_on_the_page(tmp_path):
    pictures = [scene(0, number) for number in range(6)]
    corners = np.array([[5, 5, 30, 30], [40, 40, 90, 50], [20, 20, 20, 40], [9, 9, 2, 20], [1, 1, 9, 9], [1, 1, 9, 9]])
    boxes = Boxes(
        np.array([0, 1, 2, 3, 4, 6, 6]), corners.astype(float), np.zeros(6, np.int32), np.full((6, 2), 64, np.int32)
    )
    data = Dataset("made", ("disc",), Names("abcdef"), boxes, np.zeros(6, np.uint8), pictures.__getitem__)
    result = check(data, size=64, out=tmp_path / "out", quiet=True)
    found = places(result)
    assert found["boxes_outside"] == {"b"}
    assert found["flat_boxes"] == {"c", "d"}
    assert found["boxes_twice"] == {"e"}
    assert found["without_boxes"] == {"f"}
    assert Page(result.page).source.count("data:image/webp") >= 5


def test_images_that_no_row_names_are_told_in_the_page_and_the_answer(tmp_path):
    for number in range(4):
        Image.fromarray(scene(0, number)).save(tmp_path / f"{number}.png")
    (tmp_path / "labels.csv").write_text("path,label\n0.png,a\n1.png,b\n2.png,b\n")
    result = check(tmp_path, size=64, out=tmp_path.parent / "out", quiet=True)
    levels = [finding.level for finding in result.findings]
    assert levels == sorted(levels, key=["fault", "look", "note"].index)
    (finding,) = (own.to_dict(result.names) for own in result.findings if own.kind == "images_without_labels")
    assert (finding["count"], finding["example"], finding["cases"]) == (1, "3.png", [])
    page = Page(result.page)
    assert "images without labels" in page.text and "3.png" in page.text


def scans(folder):
    """Two classes of arrays of five bands, 12 bits; one image is there twice."""
    for kind, name in enumerate(("discs", "bars")):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            colours = scene(kind, number).astype(np.uint16) * 16
            np.save(folder / name / f"{number:02d}.npy", np.concatenate([colours, colours[:, :, :2]], axis=2))
    (folder / "discs" / "twice.npy").write_bytes((folder / "discs" / "05.npy").read_bytes())
    return folder


def test_bands_of_a_range_are_looked_at_and_shown_if_the_command_is_told(tmp_path):
    root, blind, out = scans(tmp_path / "scans"), tmp_path / "blind", tmp_path / "out"
    assert main(["check", str(root), "--size", "64", "--out", str(blind)]) == 0
    assert found_in(blind).keys() == {"unsettled"}
    assert main(["check", str(root), "--size", "64", "--channels", "5", "--range", "0:4095", "--out", str(out)]) == 0
    found = found_in(out)
    assert found.keys() == {"copies_across_parts", "deep", "bands"}
    assert found["copies_across_parts"] == "discs/05.npy"  # of the test; discs/twice.npy is for training
    assert Page(out / "check.html").source.count("data:image/webp") > 4


def found_in(folder):
    """The last path of each finding in check.csv."""
    with (folder / "check.csv").open(encoding="utf-8", newline="") as file:
        return {row["finding"]: row["path"] for row in csv.DictReader(file)}


def test_channels_and_range_are_the_models_if_they_are_not_given(tmp_path):
    root = scans(tmp_path / "scans")
    settings = {"model": "linear", "size": 8, "epochs": 1, "channels": 5, "range": "0:4095"}
    run = striate.train(root, **settings, out=str(tmp_path / "run"), quiet=True)
    model = run.folder / "model.safetensors"
    result = check(root, model=model, size=64, out=tmp_path / "out", quiet=True)
    assert result.facts["readable"] == 25
    again = check(root, model=model, range="auto", channels=4, size=64, out=tmp_path / "again", quiet=True)
    assert again.facts["readable"] == 0


def test_images_of_which_none_can_be_read_make_a_page_too(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "x.png").write_bytes(b"nothing")
    result = check(tmp_path / "photos", out=tmp_path / "out", quiet=True)
    assert result.findings[0].kind == "unreadable"
    assert "No image can be decoded." in Page(result.page).text


def test_names_that_a_line_cannot_hold_are_left_to_the_table(tmp_path):
    for name in ("# first", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "photos" / name / f"{number}.png").write_bytes(b"")
    result = check(tmp_path / "photos", out=tmp_path / "out", quiet=True)
    assert len(result.left_out) == 6
    assert len(read_excluded(result.folder / "exclude.txt")) == 3
    assert "# and 3 whose names a line cannot hold" in (result.folder / "exclude.txt").read_text(encoding="utf-8")
    assert len(open_dataset(tmp_path / "photos").without(read_excluded(result.folder / "check.csv"))) == 0


def test_folders_are_numbered_and_none_is_written_into(clean, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [str(check(clean, size=64, quiet=True).folder) for _ in range(2)]
    assert folders == ["check-photos", "check-photos-2"]
    with pytest.raises(RunError, match="exists and is not empty; choose another --out"):
        check(clean, out="check-photos", quiet=True)
    with pytest.raises(RunError, match="lies inside the images"):
        check(clean, out=clean / "train" / "check", quiet=True)


@pytest.mark.parametrize(
    ("options", "error", "sign"),
    [
        ({"size": 0}, SettingsError, "size is 0; expected a whole number from 1"),
        ({"channels": 0}, SettingsError, "channels is 0; expected a whole number from 1"),
        ({"range": "dark"}, SettingsError, "range is 'dark'; expected auto, 16bit, or LOW:HIGH"),
        ({"fit": "bend"}, SettingsError, "fit is 'bend'; expected one of crop, pad, stretch"),
        ({"exclude": "nowhere.txt"}, DataError, "nowhere.txt cannot be read"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_the_images_are_read(clean, tmp_path, options, error, sign):
    with pytest.raises(error, match=sign):
        check(clean, **options, out=tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()


def test_a_model_is_refused_for_data_without_one_class_an_image(features, tmp_path):
    boxes = Boxes(np.array([0, 0]), np.zeros((0, 4)), np.zeros(0, np.int32), np.zeros((1, 2), np.int32))
    data = Dataset("made", ("disc",), Names("a"), boxes, np.zeros(1, np.uint8), lambda _: scene(0, 0))
    with pytest.raises(SettingsError, match="made has boxes; leave out --model"):
        check(data, model=features, out=tmp_path / "out", quiet=True)


def test_the_command_prints_the_findings_and_exits_with_0(planted, tmp_path, capsys, monkeypatch):
    root, _ = planted
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["check", str(root), "--size", "64", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    for sign in ("copies across the division", "turned by EXIF", NASTY, "6 images better left out", "check.html"):
        assert sign in printed


def test_the_command_prints_one_json_object(planted, tmp_path, capsys):
    root, result = planted
    assert main(["check", str(root), "--size", "64", "--out", str(tmp_path / "out"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == json.loads(json.dumps(result.to_dict())) | {"folder": str(tmp_path / "out")}
    assert answer["facts"]["classes"][0] == {"class": "bars", "train": 25, "validation": 5, "test": 6}


def test_the_command_refuses_what_is_not_there_with_exit_code_2(capsys, tmp_path):
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is not there" in capsys.readouterr().err


@pytest.mark.slow
def test_planted_faults_are_all_found_among_500_real_images(shared, tmp_path):
    folder = shared / "data" / "cifar10"
    root = tmp_path / "photos"
    for name in ("airplane", "automobile", "frog", "horse", "ship"):
        sheet = np.asarray(Image.open(folder / "train" / f"{name}_0.webp").convert("RGB"))
        for number in {*range(103)} - {60, 86, 93}:  # which CIFAR-10 has twice
            row, column = divmod(number, 40)
            tile = sheet[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
            part = root / ("train" if number < 83 else "test") / name
            part.mkdir(parents=True, exist_ok=True)
            Image.fromarray(tile).resize((64, 64), Image.Resampling.BICUBIC).save(part / f"{number:02d}.png")
    before = check(root, size=64, out=tmp_path / "before", quiet=True)
    assert [finding.kind for finding in before.findings] == ["fit", "counts"]  # clean
    (root / "test/ship/copy.png").write_bytes((root / "train/ship/05.png").read_bytes())
    turned = Image.open(root / "train/horse/09.png").transpose(Image.Transpose.ROTATE_270)
    turned.save(root / "test/horse/turned.jpg", quality=80)
    exif = Image.Exif()
    exif[274] = 8
    Image.open(root / "train/frog/11.png").save(root / "train/frog/phone.jpg", exif=exif)
    (root / "train/frog/11.png").unlink()
    (root / "train/frog/empty.png").write_bytes(b"")
    grey = np.asarray(Image.open(root / "train/ship/13.png").convert("L")).astype(np.uint16)
    Image.fromarray(grey * 200).save(root / "train/ship/13.png")
    (root / "train/frog/21.png").rename(root / "train/airplane/frog.png")
    striate.import_weights(
        shared / "weights" / "mobilenet_v2_1.0_224_folded_float.npz",
        "tf_mobilenet_v2",
        classes=shared / "data" / "imagenet_sample" / "imagenet_labels_1001.txt",
        without=["background"],
        shown=striate.recipes.importing.Shown(mean=(0.5,), std=(0.5,)),
        out=tmp_path / "model",
    )
    result = check(root, model=tmp_path / "model", size=64, out=tmp_path / "after", quiet=True)
    found = places(result)
    assert found["copies_across_parts"] == {"test/ship/copy.png"}
    assert found["near_across_parts"] == {"test/horse/turned.jpg"}
    assert found["turned"] == {"train/frog/phone.jpg"}
    assert found["empty"] == {"train/frog/empty.png"}
    assert found["deep"] == found["grey_among_colour"] == {"train/ship/13.png"}
    assert "train/airplane/frog.png" in found["doubted"]
    assert len(found["doubted"]) < 25
    assert set(found) == {
        "copies_across_parts",
        "near_across_parts",
        "turned",
        "empty",
        "deep",
        "grey_among_colour",
        "doubted",
    }
