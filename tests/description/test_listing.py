"""The list of the catalogue's networks: what is told, filtered and refused."""

import csv

import pytest

from striate.architectures.catalogue import CATALOGUE
from striate.description.listing import models
from striate.errors import SettingsError, UnknownNameError


def names(listed):
    return [row.name for row in listed.rows]


def test_a_row_has_the_paper_the_counts_and_the_accuracy_of_its_network():
    (row,) = models("resnet18").rows[:1]
    assert (row.name, row.paper, row.year) == ("resnet18", "He et al. 2015", 2015)
    assert row.place == "arXiv:1512.03385"
    assert (row.parameters, row.multiplies, row.size) == (11_689_512, 1_814_073_344, (3, 224, 224))
    assert row.top1 == "69.8 %"
    assert "torchvision 0.28" in row.accuracy.source


def test_networks_are_found_by_name_author_title_and_year():
    assert {"vgg11", "vgg13", "vgg16", "vgg19"} <= set(names(models("vgg1")))
    assert names(models("lecun")) == ["lenet5"]
    assert "lenet5" in names(models("document recognition"))
    assert set(names(models("2012"))) == {"alexnet", "alexnet_two_gpus"}


def test_limits_keep_what_stays_within_them_and_name_what_they_are():
    assert names(models("krizhevsky", max_multiplies="1G")) == ["alexnet_two_gpus", "alexnet_owt"]
    assert names(models("krizhevsky", max_multiplies=1_135_256_096)) == ["alexnet", "alexnet_two_gpus", "alexnet_owt"]
    assert names(models("vgg11", max_parameters="132.9M")) == ["vgg11", "vgg11_bn", "vgg11_lrn"]
    with pytest.raises(SettingsError, match=r"none of \d+ networks stays within multiplies of 1,000; allow more"):
        models("vgg11", max_multiplies="1K")
    with pytest.raises(SettingsError, match="'a lot' is no count"):
        models("vgg11", max_multiplies="a lot")


def test_they_are_sorted_by_what_they_take_or_reach():
    assert names(models("squeeze", sort="parameters"))[0] == "squeezenet1_1"
    by_accuracy = models("vgg", sort="accuracy").rows
    assert by_accuracy[0].name == "vgg19_bn"
    assert [row.accuracy.top1 for row in by_accuracy if row.accuracy] == sorted(
        (row.accuracy.top1 for row in by_accuracy if row.accuracy), reverse=True
    )
    assert [row.year for row in models("zeiler", sort="year").rows] == [2013]
    with pytest.raises(UnknownNameError, match=r"'size'; .*known: accuracy, multiplies, parameters, year"):
        models("lenet5", sort="size")


def test_what_is_like_nothing_is_refused():
    with pytest.raises(SettingsError, match="no network, author or year is like 'transformer'"):
        models("transformer")


def test_whoever_waits_is_handed_the_names_and_gives_them_on():
    handed = []
    models("lenet5", watch=lambda names: (handed.append(name) or name for name in names))
    assert handed == ["lenet5"]


def test_the_table_is_text_html_and_csv(tmp_path):
    listed = models("vgg11")
    assert "Simonyan & Zisserman 2014, A-LRN" in str(listed)
    assert "132,863,336" in listed._repr_html_()
    listed.to_csv(tmp_path / "models.csv")
    first, *_ = csv.DictReader((tmp_path / "models.csv").read_text().splitlines())
    assert (first["name"], first["size"], first["accuracy"]) == ("vgg11", "3x224x224", "69.02")


def test_every_network_has_a_paper_with_a_title_a_year_and_a_place():
    for name, entry in CATALOGUE.items():
        paper = entry.paper
        assert 1930 < paper.year < 2027 and len(paper.title) > 15 and paper.authors and paper.place, name
