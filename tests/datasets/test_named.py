"""The names, where they are looked for, and the real files against the sums that are published."""

import gzip
import hashlib
import json
import re
import shutil

import numpy as np
import pytest

from striate.datasets.digits import read_digits
from striate.datasets.named import NAMED, folders, named, open_named
from striate.errors import DataError, UnknownNameError


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Empty folders in place of the user's own."""
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path / "chosen"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_names_are_those_that_the_pages_list():
    assert list(NAMED) == ["digits", "mnist", "fashion_mnist", "cifar10", "cifar100"]
    assert [len(known.classes) for known in NAMED.values()] == [10, 10, 10, 10, 100]
    assert all(len(set(known.classes)) == len(known.classes) for known in NAMED.values())
    assert all(known.title and known.licence and known.page for known in NAMED.values())


def test_every_file_has_a_sum_of_the_right_form_and_an_address():
    for known in NAMED.values():
        assert bool(known.files) == bool(known.sources) == (known.name != "digits")
        assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) and file.size > 0 for file in known.files)
        assert all(re.fullmatch("https?://.*/", source) for source in known.sources)
    assert NAMED["mnist"].size == 11_594_722


@pytest.mark.parametrize("place", [0, 1])
def test_the_published_sums_are_those_of_the_real_files(shared, place):
    file = NAMED["fashion_mnist"].files[place]
    content = (shared / "data/fashion_mnist" / file.name).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)


def test_the_ten_classes_of_cifar_are_those_of_the_real_files(shared):
    counts = json.loads((shared / "data/cifar10/counts.json").read_text())
    assert sorted({name.partition("/")[2].rpartition("_")[0] for name in counts}) == list(NAMED["cifar10"].classes)


def test_digits_need_no_files():
    assert np.array_equal(open_named("digits").source(5), read_digits()[0][5])


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown data set 'minst'; did you mean mnist"):
        named("minst")


def test_a_data_set_that_is_not_there_is_told_where_to_get_and_where_to_put(places):
    with pytest.raises(DataError) as caught:
        open_named("mnist")
    sentence = str(caught.value)
    assert sentence.startswith(
        f"mnist is not in {places}/chosen/mnist or {places}/home/striate/mnist; run `striate fetch mnist`"
    )
    assert (
        "downloads 12 MB, or put there https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz"
        in sentence
    )
    for file in NAMED["mnist"].files:
        assert f"{file.name} ({file.size:,} bytes, SHA-256 {file.sha256})" in sentence
    assert "https://storage.googleapis.com/cvdf-datasets/mnist/" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("place", ["chosen", "home/striate"])
def test_the_files_are_found_in_either_folder(places, shared, place):
    shutil.copytree(shared / "data/mnist", places / place / "mnist")
    dataset = open_named("mnist")
    assert (dataset.name, len(dataset), dataset.classes) == ("mnist", 10_000, tuple("0123456789"))


def test_the_chosen_folder_wins(places, shared):
    shutil.copytree(shared / "data/mnist", places / "chosen/mnist")
    (places / "home/striate/mnist").mkdir(parents=True)
    (places / "home/striate/mnist/train-images-idx3-ubyte").write_bytes(b"broken")
    assert len(open_named("mnist")) == 10_000


def test_without_a_choice_the_users_folder_is_the_only_one(places, monkeypatch):
    monkeypatch.delenv("STRIATE_DATA")
    assert folders("mnist") == (places / "home/striate/mnist",)
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(places))
    assert folders("mnist") == (places / ".local/share/striate/mnist",)


def test_clothes_have_names(places, shared):
    shutil.copytree(shared / "data/fashion_mnist", places / "chosen/fashion_mnist")
    dataset = open_named("fashion_mnist")
    with gzip.open(shared / "data/fashion_mnist/train-labels-idx1-ubyte.gz") as file:
        first = file.read(9)[8]
    assert dataset.labels[0] == dataset.classes[first] == "Ankle boot"  # the first image of the training set is one


def test_another_data_set_in_the_folder_is_refused(places):
    folder = places / "chosen/cifar10"
    folder.mkdir(parents=True)
    (folder / "train.bin").write_bytes(bytes(3074))
    (folder / "fine_label_names.txt").write_text("apple\n")
    with pytest.raises(DataError, match=r"chosen/cifar10 does not hold cifar10, but classes as 'apple'; move it away"):
        open_named("cifar10")
