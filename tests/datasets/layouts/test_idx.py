"""Files made by hand after MNIST's page, and the real ones; struct and gzip are the oracle."""

import gzip
import shutil
import struct

import numpy as np
import pytest

from striate.datasets.dataset import PARTS
from striate.datasets.layouts import idx
from striate.datasets.layouts.idx import read_idx, recognises_idx
from striate.errors import DataError


def images_file(images):
    return struct.pack(">BBBBIII", 0, 0, 8, 3, *images.shape) + images.tobytes()


def labels_file(labels):
    return struct.pack(">BBBBI", 0, 0, 8, 1, len(labels)) + bytes(labels)


def put(root, part, images, labels, *, packed=False, dot=False):
    ending = ".gz" if packed else ""
    for kind, digit, content in (("images", 3, images_file(images)), ("labels", 1, labels_file(labels))):
        name = f"{part}-{kind}{'.' if dot else '-'}idx{digit}-ubyte{ending}"
        (root / name).write_bytes(gzip.compress(content) if packed else content)


def scans(count, size=(3, 2)):
    return np.random.default_rng(count).integers(0, 256, (count, *size), np.uint8)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dot", [False, True])
def test_both_parts_are_read_in_order(tmp_path, packed, dot):
    put(tmp_path, "train", scans(5), [3, 1, 3, 7, 1], packed=packed, dot=dot)
    put(tmp_path, "t10k", scans(2), [7, 1], packed=packed, dot=dot)
    assert recognises_idx(tmp_path)
    dataset = read_idx(tmp_path)
    assert np.array_equal(np.stack([dataset.source(i) for i in range(7)]), np.concatenate([scans(5), scans(2)]))
    assert list(dataset.labels) == ["3", "1", "3", "7", "1", "7", "1"] and dataset.classes == ("1", "3", "7")
    assert [PARTS[part] for part in dataset.parts] == ["train"] * 5 + ["test"] * 2 and dataset.divided
    assert (dataset.names[0], dataset.names[6]) == ("train/00000", "test/00001")
    assert dataset.source(0).dtype == np.uint8 and dataset.source(0).base is not None


@pytest.mark.parametrize("part", ["train", "t10k", "test"])
def test_one_part_alone_is_not_divided(tmp_path, part):
    put(tmp_path, part, scans(3), [0, 1, 2])
    dataset = read_idx(tmp_path)
    assert not dataset.divided and not dataset.parts.any() and len(dataset) == 3


def test_the_unpacked_one_of_two_files_is_taken(tmp_path):
    put(tmp_path, "train", scans(3), [0, 1, 2], packed=True)
    put(tmp_path, "train", scans(4), [0, 1, 2, 3])
    assert len(read_idx(tmp_path)) == 4


def test_a_list_beside_the_files_names_the_classes(tmp_path):
    put(tmp_path, "train", scans(3), [2, 0, 2])
    (tmp_path / "classes.txt").write_text("cat\ndog\nowl\n")
    dataset = read_idx(tmp_path)
    assert dataset.classes == ("cat", "dog", "owl") and list(dataset.labels) == ["owl", "cat", "owl"]
    with pytest.raises(DataError, match=r"has an image of the class 2; expected a number from 0 to 1"):
        read_idx(tmp_path, classes=("cat", "dog"))


def test_the_real_test_images_of_mnist_are_ten_thousand_digits(shared):
    dataset = read_idx(shared / "data/mnist")
    with gzip.open(shared / "data/mnist/t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(shared / "data/mnist/t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    assert len(dataset) == len(pixels) == 10_000 and not dataset.divided
    assert dataset.classes == tuple("0123456789")
    assert dataset.targets.numbers.tolist() == labels.tolist()
    for index in (0, 1234, 9_999):
        assert np.array_equal(dataset.read(index)[:, :, 0], pixels[index])
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]  # the digits that every tutorial shows


def test_the_real_clothes_are_six_thousand_of_each_kind(shared):
    dataset = read_idx(shared / "data/fashion_mnist")
    assert dataset.targets.counts(10).tolist() == [6_000] * 10


@pytest.mark.parametrize("kind", ["images", "labels"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("cut", [0, 3, 9, -1])
def test_a_file_that_is_cut_short_is_refused(tmp_path, kind, packed, cut):
    put(tmp_path, "train", scans(9), list(range(9)), packed=packed)
    path = next(path for path in tmp_path.iterdir() if kind in path.name)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=rf"train-{kind}-idx.-ubyte.* (damaged or cut short|begins with|promises)"):
        read_idx(tmp_path)


def test_a_real_file_that_is_cut_short_is_refused(tmp_path, shared):
    for path in (shared / "data/mnist").iterdir():
        shutil.copy(path, tmp_path)
        (tmp_path / path.name).chmod(0o644)
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:1_000_000])
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz is damaged or cut short: .*; download it again"):
        read_idx(tmp_path)


def test_a_packed_file_with_a_wrong_checksum_is_refused(tmp_path):
    put(tmp_path, "train", scans(9), list(range(9)), packed=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged or cut short"):
        read_idx(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("images", labels_file([1, 2]), r"begins with 00 00 08 01; expected 00 00 08 03, the sign of images"),
        ("labels", images_file(scans(1)), r"begins with 00 00 08 03; expected 00 00 08 01, the sign of labels"),
        ("images", struct.pack(">BBBBIII", 0, 0, 0x0D, 3, 1, 1, 1), r"begins with 00 00 0d 03"),
        ("images", b"", r"begins with nothing"),
        ("images", images_file(scans(2)) + b"x", r"promises 12 bytes and holds more"),
        ("images", images_file(scans(2))[:-1], r"promises 12 bytes and holds 11"),
        ("images", images_file(scans(0)), r"says it holds 0 × 3 × 2 values"),
        (
            "images",
            struct.pack(">BBBBIII", 0, 0, 8, 3, *[2**32 - 1] * 3),
            r"expected some, and at most .*, half of this",
        ),
        (
            "labels",
            labels_file([1, 2, 3]),
            r"holds 2 images and train-labels-idx1-ubyte 3 labels; expected one for each",
        ),
    ],
)
def test_a_file_that_is_another_is_refused(tmp_path, name, content, sentence):
    put(tmp_path, "train", scans(2), [0, 1])
    next(path for path in tmp_path.iterdir() if name in path.name).write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        read_idx(tmp_path)


def test_more_than_half_of_the_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    put(tmp_path, "train", scans(100), [0] * 100)
    monkeypatch.setattr(idx, "memory_limit", lambda: 1_000)
    with pytest.raises(DataError, match=r"says it holds 100 × 3 × 2 values; expected some, and at most 500"):
        read_idx(tmp_path)


def test_images_without_labels_are_refused(tmp_path):
    put(tmp_path, "train", scans(2), [0, 1], packed=True)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"no labels for it; put train-labels-idx1-ubyte\.gz beside it"):
        read_idx(tmp_path)


def test_parts_of_two_sizes_are_refused(tmp_path):
    put(tmp_path, "train", scans(2), [0, 1])
    put(tmp_path, "t10k", scans(2, (4, 4)), [0, 1])
    with pytest.raises(DataError, match=r"has images of 3×2 and 4×4; expected one size"):
        read_idx(tmp_path)


def test_other_folders_are_not_taken_for_it(tmp_path):
    assert not recognises_idx(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").touch()
    (tmp_path / "emnist-train-images-idx3-ubyte").touch()
    assert not recognises_idx(tmp_path) and not recognises_idx(tmp_path / "train-labels-idx1-ubyte")
    with pytest.raises(DataError, match=r"has no train-images-idx3-ubyte or t10k-images-idx3-ubyte"):
        read_idx(tmp_path)
