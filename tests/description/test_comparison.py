import csv
import io
import json

import pytest
from PIL import Image
from torch import nn

from striate.architectures.catalogue import CATALOGUE
from striate.description.comparison import compare
from striate.description.describing import describe
from striate.description.picture import Circle, draw_comparison
from striate.errors import SettingsError, StorageError, UnknownNameError

NAMES = ("lenet5", "resnet18", "resnet34", "vgg11")


@pytest.fixture(scope="module")
def compared():
    return compare(*NAMES, batch=4)


def test_each_row_has_the_figures_of_its_card_and_the_published_accuracy(compared):
    assert [row.name for row in compared.rows] == list(NAMES)
    for row in compared.rows:
        card = describe(row.name, batch=4)
        assert (row.parameters, row.multiplies, row.activations) == (
            card.parameters,
            card.multiplies,
            card.activations,
        )
        assert (row.inference_bytes, row.training_bytes) == (card.memory.inference, card.memory.training)
    assert [row.accuracy and row.accuracy.top1 for row in compared.rows] == [None, 69.758, 73.314, 69.020]
    assert [row.parameters for row in compared.rows] == [61_706, 11_689_512, 21_797_672, 132_863_336]  # torchvision's
    assert compared.rows[0].field == (16, 16)  # LeNet-5's s4: 1 + 4 + 1, then 2·4 + 2 more


def test_findings_name_who_needs_most_and_who_gives_most(compared):
    assert compared.findings() == [
        "most parameters: vgg11",
        "most multiplies: vgg11",
        "most memory in training: vgg11",
        "most accurate: resnet34",
        "most accuracy for its multiplies: resnet18",
        "most accuracy for its parameters: resnet18",
    ]
    assert compare("lenet5").findings() == []


def test_an_accuracy_holds_for_the_published_network_alone():
    assert compare("resnet18", size=160).rows[0].accuracy is None
    assert compare("resnet18", num_classes=10).rows[0].accuracy is None
    assert compare("resnet18").rows[0].accuracy is not None
    for published in (224, (224, 224), "224", "224x224"):
        assert compare("resnet18", size=published).rows[0].accuracy.top1 == 69.758
    assert compare("resnet18@224").rows[0].accuracy.top1 == 69.758
    assert compare("resnet18@224x160").rows[0].accuracy is None
    assert compare(nn.Conv2d(3, 4, 3), size=8).rows[0].accuracy is None


def test_the_csv_reads_back_as_the_rows(compared, tmp_path):
    text = compared.to_csv(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["name"] for line in lines] == list(NAMES)
    for line, row in zip(lines, compared.rows, strict=True):
        assert int(line["parameters"]) == row.parameters
        assert int(line["training_bytes"]) == row.training_bytes
        assert tuple(map(int, line["size"].split("x"))) == row.size
        assert line["accuracy"] == ("" if row.accuracy is None else str(row.accuracy.top1))


def test_a_comparison_is_plain_values(compared):
    again = json.loads(json.dumps(compared.to_dict()))
    assert again["batch"] == 4
    assert [network["name"] for network in again["networks"]] == list(NAMES)
    assert again["networks"][1]["accuracy"] == 69.758
    assert again["findings"] == compared.findings()


def test_nothing_to_compare_and_names_that_are_none_are_refused():
    with pytest.raises(SettingsError, match="no network to compare"):
        compare()
    with pytest.raises(UnknownNameError, match="did you mean lenet5"):
        compare("lenet5", "lenet")


@pytest.mark.parametrize(
    ("ending", "start"), [(".png", b"\x89PNG\r\n\x1a\n"), (".pdf", b"%PDF-"), (".svg", b"<?xml"), (".PNG", b"\x89PNG")]
)
def test_the_picture_is_what_its_name_says(compared, tmp_path, ending, start):
    path = compared.save_picture(tmp_path / f"picture{ending}")
    content = path.read_bytes()
    assert content.startswith(start)
    assert b"</svg>" in content or ending != ".svg"
    if ending == ".png":
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) >= 1000
            assert len(picture.convert("RGB").getcolors(1_000_000)) > 50


@pytest.mark.parametrize("name", ["picture", "picture.jpg", "picture.png.txt", ".png"])
def test_a_picture_with_another_ending_is_refused(compared, tmp_path, name):
    with pytest.raises(SettingsError, match=r"expected one that ends in \.png, \.pdf, \.svg"):
        compared.save_picture(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused(compared, tmp_path):
    with pytest.raises(StorageError, match=r"picture\.png cannot be written: there is no folder"):
        compared.save_picture(tmp_path / "nowhere" / "picture.png")


@pytest.mark.parametrize(
    "rows",
    [
        [Circle("alone", 1000, 10, 50.0)],
        [Circle("alone", 1000, 10, None)],
        [Circle("same", 1000, 10, 50.0), Circle("as this", 1000, 10, 50.0)],
        [Circle("nothing", 0, 0, None), Circle("$much_{more}$", 10**15, 10**12, 99.9)],
        [Circle("INPUT -> " + "CONV -> RELU -> " * 500 + "FC", 10**6, 10**6, None)],
    ],
    ids=lambda rows: rows[0].name[:8],
)
def test_odd_networks_have_a_picture_too(rows, tmp_path):
    assert draw_comparison(rows, tmp_path / "odd.png").stat().st_size > 5_000


@pytest.mark.slow
def test_the_whole_catalogue_has_a_picture(tmp_path):
    compared = compare(*CATALOGUE)
    assert len(compared.rows) == len(CATALOGUE) == len(list(csv.DictReader(io.StringIO(compared.to_csv()))))
    assert compared.save_picture(tmp_path / "all.png").stat().st_size > 20_000
