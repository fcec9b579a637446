"""Cards as CSV, JSON, HTML and in fewer rows: everything that leaves them reads back as what is in them."""

import csv
import io
import json
from collections import OrderedDict
from html.parser import HTMLParser

import pytest
from torch import nn

from striate.description.comparison import compare
from striate.description.describing import describe
from striate.description.rows import FIELD_COLUMNS, WINDOW_COLUMNS
from striate.errors import StorageError

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=y>', "a&b;<td>", "'quotes', comma\nand a line")


def numbers(text):
    return tuple(int(part) for part in text.split("x")) if text else ()


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet", "mlp"])
def test_the_csv_reads_back_as_the_rows(name, tmp_path):
    card = describe(name)
    text = card.to_csv(tmp_path / "card.csv")
    assert (tmp_path / "card.csv").read_bytes().decode() == text == card.to_csv()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == len(card.rows)
    for line, row in zip(lines, card.rows, strict=True):
        assert (line["layer"], line["kind"]) == (row.layer, row.kind)
        assert (numbers(line["input"]), numbers(line["output"])) == (row.input, row.output)
        assert [int(line[c]) for c in ("parameters", "multiplies", "activations")] == [
            row.parameters,
            row.multiplies,
            row.activations,
        ]
        assert {"window", "field"}.isdisjoint(line)
        assert line["kernel"] == ("" if row.window is None else "x".join(map(str, row.window.kernel)))
        assert line["field_size"] == ("" if row.field is None else "x".join(map(str, row.field.size)))
    assert {*WINDOW_COLUMNS, *(f"field_{column}" for column in FIELD_COLUMNS)} <= lines[0].keys()


def test_the_csv_of_odd_names_reads_back():
    network = nn.Sequential(OrderedDict((name.replace(".", ""), nn.Conv2d(3, 3, 1)) for name in HOSTILE))
    lines = list(csv.DictReader(io.StringIO(describe(network, 4).to_csv())))
    assert [line["layer"] for line in lines[1:]] == list(HOSTILE)


def test_a_place_that_cannot_be_written_is_an_error_with_its_name(tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        describe("lenet5").to_csv(tmp_path / "nowhere" / "card.csv")


@pytest.mark.parametrize("depth", [1, 2, 3, 9])
@pytest.mark.parametrize("name", ["lenet5", "vgg11", "googlenet", "resnet50"])
def test_fewer_rows_have_the_same_totals(name, depth):
    card = describe(name)
    grouped = card.grouped(depth)
    for column in ("parameters", "multiplies", "activations"):
        assert sum(getattr(row, column) for row in grouped.rows) == sum(getattr(row, column) for row in card.rows)
        assert getattr(grouped, column) == getattr(card, column)
    assert len(grouped.rows) <= len(card.rows)
    assert all(row.layer.count(".") < depth for row in grouped.rows)
    assert (grouped.rows[0], grouped.rows[-1].output) == (card.rows[0], card.rows[-1].output)
    if depth == 9:
        assert grouped.rows == card.rows


class Page(HTMLParser):
    """Reads a page, checks that every tag is closed in its turn, and keeps cells, tags and attributes."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.cells, self.names = [], set(), [], set()

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tags.add(tag)
        self.names |= {name for name, _ in attributes}
        if tag in {"td", "th", "caption"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in {"td", "th", "caption"}:
            self.cells[-1] += data


def read(html):
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


def test_the_page_of_a_card_holds_its_table():
    card = describe("lenet5")
    page = read(card._repr_html_())
    assert page.cells[0] == "lenet5, for one image"
    cells = page.cells[1:]
    rows = [cells[start : start + 8] for start in range(0, len(cells), 8)]
    assert [row[0] for row in rows] == ["layer", *(row.layer for row in card.rows), "total"]
    assert rows[2][-3:] == ["156", "117,600", "4,704"]
    assert rows[-1][-3:] == ["61,706", "416,520", "9,118"]


def test_names_that_are_html_are_shown_and_not_obeyed():
    network = nn.Sequential(OrderedDict((name.replace(".", ""), nn.Conv2d(3, 3, 1)) for name in HOSTILE))
    page = read(describe(network, 4)._repr_html_())
    assert {"script", "img"}.isdisjoint(page.tags)
    assert page.names <= {"class", "style"}
    assert set(HOSTILE) <= set(page.cells)


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "INPUT 1x8x8 -> CONV 2 -> FC 2"])
def test_a_card_is_plain_values(name):
    card = describe(name)
    again = json.loads(json.dumps(card.to_dict(), allow_nan=False))
    assert again["name"] == name
    assert len(again["rows"]) == len(card.rows)
    for column in ("parameters", "multiplies", "activations"):
        assert again[column] == sum(row[column] for row in again["rows"]) == getattr(card, column)
    assert again["memory"]["training"] == card.memory.training


def figures(line):
    """The whole numbers at the end of a line of text."""
    return [int(cell.replace(",", "")) for cell in line.split()[-3:]]


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "mlp"])
def test_printed_a_card_is_its_table_as_text(name):
    card = describe(name)
    caption, head, rule, *lines = str(card).splitlines()
    assert caption == f"{name}, for one image"
    assert head.split()[0] == "layer" and head.split()[-3:] == ["parameters", "multiplies", "activations"]
    assert set(rule) == {"─"}
    rows, total = lines[: len(card.rows)], lines[len(card.rows) + 1]
    assert [row.split()[0] for row in rows] == [row.layer for row in card.rows]
    assert [figures(row) for row in rows] == [[row.parameters, row.multiplies, row.activations] for row in card.rows]
    assert figures(total) == [sum(column) for column in zip(*map(figures, rows), strict=True)]
    assert lines[len(card.rows) + 2 :] == card.sentences()


def test_in_the_interpreter_a_card_is_one_line():
    card = describe("lenet5")
    assert repr(card) == "<Card 'lenet5' of 1×32×32: parameters=61,706 multiplies=416,520 activations=9,118>"
    assert "\n" not in repr([card])


@pytest.mark.parametrize("depth", [None, 1])
def test_parameters_that_were_not_used_have_a_row_so_that_the_column_adds_up(depth):
    class Spare(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Conv2d(3, 4, 3))
            self.spare = [nn.Linear(5, 2), nn.Linear(2, 2)]
            self.add_module("head", nn.Sequential(*self.spare))

        def forward(self, images):
            return self[0](images)

    card = describe(Spare(), 8)
    shown = card if depth is None else card.grouped(depth)
    assert [(row.layer, row.parameters) for row in shown.rows] == [("input", 0), ("0", 112), ("(unused)", 12 + 6)]
    assert sum(row.parameters for row in shown.rows) == card.parameters
    assert "(unused)" in str(card) and "(unused)" in card._repr_html_() and "(unused)" in card.to_csv()
    assert (shown.rows[-1].multiplies, shown.rows[-1].activations, shown.rows[-1].field) == (0, 0, None)


def test_a_card_of_no_levels_is_one_row():
    (row,) = describe("resnet18").grouped(0).rows
    assert (row.layer, row.input, row.output) == ("resnet18", (3, 224, 224), (1000,))
    assert (row.parameters, row.multiplies) == (11_689_512, 1_814_073_344)


def test_the_page_of_a_comparison_holds_its_table_and_its_findings():
    compared = compare("lenet5", "resnet18@64")
    html = compared._repr_html_()
    page = read(html)
    cells = page.cells[1:]
    rows = [cells[start : start + 6] for start in range(0, len(cells), 6)]
    assert [row[:2] for row in rows[1:3]] == [["lenet5", "32x32"], ["resnet18", "64x64"]]
    assert [row[-3:] for row in rows[1:3]] == [
        [f"{count:,}" for count in (row.parameters, row.multiplies, row.activations)] for row in compared.rows
    ]
    assert all(finding in html for finding in compared.findings())


def test_printed_a_comparison_is_its_table_as_text():
    compared = compare("resnet18", "lenet5")
    lines = str(compared).splitlines()
    (first,) = [line.split() for line in lines if line.startswith("resnet18 ")]
    assert first == ["resnet18", "224x224", "69.8", "%", "11,689,512", "1,814,073,344", "2,836,456"]
    assert lines[-len(compared.findings()) :] == compared.findings()
