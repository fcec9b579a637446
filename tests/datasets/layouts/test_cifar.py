"""Binary files made from real CIFAR-10 images, whose pixels Pillow reads from lossless mosaics."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from striate.datasets.dataset import PARTS
from striate.datasets.layouts.cifar import read_cifar, recognises_cifar
from striate.errors import DataError

TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def record(label, pixels):
    """One class byte, then the planes of red, green and blue."""
    return bytes([label]) + pixels.transpose(2, 0, 1).tobytes()


@pytest.fixture(scope="module")
def tiles(shared):
    """The first 12 test images of each class (10, 12, 32, 32, 3)."""
    counts = json.loads((shared / "data/cifar10/counts.json").read_text())
    classes = []
    for name in TEN:
        assert counts[f"test/{name}_0.webp"] >= 12
        with Image.open(shared / f"data/cifar10/test/{name}_0.webp") as mosaic:
            pixels = np.asarray(mosaic.convert("RGB"))
        classes.append(np.stack([pixels[:32, 32 * tile : 32 * tile + 32] for tile in range(12)]))
    return np.stack(classes)


@pytest.fixture
def ten(tiles, tmp_path):
    """Each of the six files with two images of every class."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for number, name in enumerate([*(f"data_batch_{batch}" for batch in range(1, 6)), "test_batch"]):
        own = b"".join(record(label, tiles[label, 2 * number + turn]) for turn in range(2) for label in range(10))
        (folder / f"{name}.bin").write_bytes(own)
    (folder / "batches.meta.txt").write_text("\n".join(TEN) + "\n\n")
    return folder


@pytest.fixture
def hundred(tmp_path):
    """CIFAR-100 with four images, two classes and one coarse class; image k has red k, green 50 + k, blue 100 + k."""
    folder = tmp_path / "cifar-100-binary"
    folder.mkdir()
    for name, images in (("train", (0, 1, 2)), ("test", (3,))):
        planes = [bytes([9, k % 2]) + b"".join(bytes([base + k]) * 1024 for base in (0, 50, 100)) for k in images]
        (folder / f"{name}.bin").write_bytes(b"".join(planes))
    (folder / "fine_label_names.txt").write_text("apple\nbaby\n")
    (folder / "coarse_label_names.txt").write_text("things\n")
    return folder


def packed(folder, name):
    with tarfile.open(folder.parent / name, "w:gz") as archive:
        archive.add(folder, folder.name)
    return folder.parent / name


def expect_ten(dataset, tiles):
    assert len(dataset) == 120 and dataset.classes == TEN and dataset.divided and dataset.remarks == ()
    for index in range(120):
        batch, turn, label = index // 20, index % 20 // 10, index % 10
        assert np.array_equal(dataset.read(index), tiles[label, 2 * batch + turn])
        assert dataset.labels[index] == TEN[label]
        assert PARTS[dataset.parts[index]] == ("test" if batch == 5 else "train")


def test_pixels_and_labels_of_cifar_10_are_those_that_were_written(ten, tiles):
    expect_ten(read_cifar(ten), tiles)
    assert read_cifar(ten).names[100] == "test_batch/00000"


def test_the_folder_around_is_enough(ten, tiles):
    assert recognises_cifar(ten.parent)
    expect_ten(read_cifar(ten.parent, name="cifar10"), tiles)


@pytest.mark.parametrize("inside", [False, True])
def test_the_archive_need_not_be_unpacked(ten, tiles, inside):
    archive = packed(ten, "cifar-10-binary.tar.gz")
    for path in ten.iterdir():
        path.unlink()
    root = archive.parent if inside else archive
    assert recognises_cifar(root)
    expect_ten(read_cifar(root), tiles)


@pytest.mark.parametrize("as_archive", [False, True])
def test_cifar_100_has_fine_classes(hundred, as_archive):
    dataset = read_cifar(packed(hundred, "cifar-100-binary.tar.gz") if as_archive else hundred)
    assert dataset.classes == ("apple", "baby") and list(dataset.labels) == ["apple", "baby", "apple", "baby"]
    assert [PARTS[part] for part in dataset.parts] == ["train"] * 3 + ["test"]
    assert [dataset.read(k)[5, 6].tolist() for k in range(4)] == [[k, 50 + k, 100 + k] for k in range(4)]
    assert dataset.read(0).shape == (32, 32, 3)


def test_missing_batches_are_told(ten):
    (ten / "data_batch_2.bin").unlink()
    (ten / "test_batch.bin").unlink()
    dataset = read_cifar(ten)
    assert len(dataset) == 80 and not dataset.divided and not dataset.parts.any()
    assert dataset.remarks == (f"{ten} lacks data_batch_2.bin, test_batch.bin",)


def test_test_images_alone_are_not_divided(ten):
    for batch in range(1, 6):
        (ten / f"data_batch_{batch}.bin").unlink()
    dataset = read_cifar(ten)
    assert len(dataset) == 20 and not dataset.divided and not dataset.parts.any()


@pytest.mark.parametrize(("content", "length"), [(b"", "0"), (bytes(3073 + 7), "3,080")])
def test_records_that_are_not_whole_are_refused(ten, content, length):
    (ten / "data_batch_3.bin").write_bytes(content)
    with pytest.raises(DataError, match=rf"data_batch_3\.bin has {length} bytes; expected whole records of 3,073"):
        read_cifar(ten)


def test_a_class_without_a_name_is_refused(ten):
    (ten / "data_batch_3.bin").write_bytes(bytes([10]) + bytes(3072))
    with pytest.raises(DataError, match=r"data_batch_3\.bin holds the class 10; expected 0 to 9: download it again"):
        read_cifar(ten)


def test_a_missing_list_of_names_is_told(ten):
    (ten / "batches.meta.txt").unlink()
    with pytest.raises(DataError, match=r"batches\.meta\.txt is missing or empty; expected the names of the classes"):
        read_cifar(ten)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_an_archive_that_is_cut_short_is_refused(ten, share):
    archive = packed(ten, "cifar-10-binary.tar.gz")
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz is damaged or cut short: .*; download it again"):
        read_cifar(archive)


def test_only_the_files_of_the_data_set_are_taken_from_an_archive(ten, tiles):
    archive = ten.parent / "cifar-10-binary.tar.gz"
    with tarfile.open(archive, "w:gz") as files:
        files.add(ten, ten.name)
        for name in ("data_batch_1.bin", "other/data_batch_1.bin", "../data_batch_1.bin"):
            member = tarfile.TarInfo(name)
            member.size = 4
            files.addfile(member, io.BytesIO(b"evil"))
    expect_ten(read_cifar(archive), tiles)


def test_other_folders_are_not_taken_for_it(tmp_path):
    (tmp_path / "train.bin").write_bytes(b"x")
    assert not recognises_cifar(tmp_path) and not recognises_cifar(tmp_path / "train.bin")
    with pytest.raises(DataError, match="expected the binary version of CIFAR-10 or CIFAR-100"):
        read_cifar(tmp_path)
