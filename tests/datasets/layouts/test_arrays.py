import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from striate.datasets.dataset import PARTS
from striate.datasets.layouts.arrays import from_arrays, read_npz, recognises_npz
from striate.errors import DataError


def drawn(*shape, kind=np.uint8):
    values = np.random.default_rng(0).integers(0, 256, shape)
    return values.astype(kind) if np.issubdtype(kind, np.integer) else (values / 255).astype(kind)


@pytest.mark.parametrize("shape", [(3, 5, 4), (3, 5, 4, 1), (3, 5, 4, 3), (3, 1, 1)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_arrays_of_numpy_are_read_as_they_are(shape, kind):
    dataset = from_arrays(drawn(*shape, kind=kind), [0, 1, 1])
    expected = drawn(*shape).reshape(*shape[:3], -1)
    assert all(np.array_equal(dataset.read(index), expected[index]) for index in range(3))


def test_sixteen_bits_arrive_as_sixteen_bits():
    images = np.array([[[0, 257, 65535]]], np.uint16)
    dataset = from_arrays(images, [0])
    assert dataset.source(0).dtype == np.uint16 and dataset.source(0).tolist() == [[0, 257, 65535]]
    assert dataset.read(0)[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    "kind", [torch.uint8, torch.uint16, torch.float16, torch.bfloat16, torch.float32, torch.float64]
)
def test_tensors_of_torch_have_their_channels_first(kind):
    values = torch.from_numpy(drawn(2, 3, 5, 4))
    scaled = values.to(torch.float64) / 255
    tensor = values.to(kind) * 257 if kind == torch.uint16 else scaled.to(kind) if kind.is_floating_point else values
    dataset = from_arrays(tensor, torch.tensor([1, 0]))
    tolerance = {torch.bfloat16: 1, torch.float16: 1}.get(kind, 0)  # steps of 255; their numbers are coarser than that
    for index in range(2):
        assert np.abs(dataset.read(index).astype(int) - drawn(2, 3, 5, 4)[index].transpose(1, 2, 0)).max() <= tolerance


def test_a_tensor_without_channels_and_one_that_is_trained_are_images_too():
    assert from_arrays(torch.zeros(2, 5, 4), [0, 1]).read(0).shape == (5, 4, 1)
    assert from_arrays(torch.zeros(2, 3, 5, 4, requires_grad=True), [0, 1]).read(0).shape == (5, 4, 3)


def test_a_list_may_hold_images_of_any_size():
    images = [drawn(5, 4), drawn(2, 9, 3), torch.from_numpy(drawn(3, 6, 7))]
    dataset = from_arrays(images, ["a", "b", "a"])
    assert [dataset.read(index).shape for index in range(3)] == [(5, 4, 1), (2, 9, 3), (6, 7, 3)]
    assert np.array_equal(dataset.read(2), drawn(3, 6, 7).transpose(1, 2, 0))


def test_nothing_is_copied(tmp_path):
    images, tensor = drawn(3, 5, 4), torch.from_numpy(drawn(3, 3, 5, 4))
    assert np.shares_memory(from_arrays(images, [0, 1, 2]).source(1), images)
    assert np.shares_memory(from_arrays(tensor, [0, 1, 2]).source(1), tensor.numpy())
    np.save(tmp_path / "images.npy", images)
    mapped = from_arrays(np.load(tmp_path / "images.npy", mmap_mode="r"), [0, 1, 2]).source(1)
    assert isinstance(mapped, np.memmap) and np.array_equal(mapped, images[1])


@pytest.mark.parametrize(
    ("labels", "given", "classes", "numbers"),
    [
        ([7, 3, 7], None, ("3", "7"), [1, 0, 1]),
        ([10, 9, 10], None, ("9", "10"), [1, 0, 1]),
        ([True, False, True], None, ("0", "1"), [1, 0, 1]),
        (np.array([2, 0, 2], np.uint8), ("a", "b", "c"), ("a", "b", "c"), [2, 0, 2]),
        (torch.tensor([2, 0, 2]), ("a", "b", "c"), ("a", "b", "c"), [2, 0, 2]),
        (["dog", "cat", "dog"], None, ("cat", "dog"), [1, 0, 1]),
        (["dog", "cat", "dog"], ("dog", "owl", "cat"), ("dog", "owl", "cat"), [0, 2, 0]),
        (np.array(["dog", "cat", "dog"], object), None, ("cat", "dog"), [1, 0, 1]),
    ],
)
def test_labels_are_numbers_or_names(labels, given, classes, numbers):
    dataset = from_arrays(drawn(3, 2, 2), labels, classes=given)
    assert (dataset.classes, dataset.targets.numbers.tolist()) == (classes, numbers)


@given(
    table=some.integers(2, 5).flatmap(
        lambda classes: some.lists(some.lists(some.integers(0, 1), min_size=classes, max_size=classes), min_size=1)
    ),
    kind=some.sampled_from([bool, np.int64, np.float32]),
)
def test_a_table_of_zeros_and_ones_is_tags(table, kind):
    dataset = from_arrays(np.zeros((len(table), 2, 2), np.uint8), np.array(table, kind))
    assert dataset.task == "tags" and dataset.classes == tuple(map(str, range(len(table[0]))))
    for index, row in enumerate(table):
        assert dataset.targets.of(index).tolist() == [place for place, one in enumerate(row) if one]


def test_parts_and_groups_are_taken():
    dataset = from_arrays(
        drawn(4, 2, 2), [0, 1, 0, 1], parts=["train", "val", "test", "train"], groups=["ann", "bob", "ann", "cy"]
    )
    assert [PARTS[part] for part in dataset.parts] == ["train", "validation", "test", "train"] and dataset.divided
    assert dataset.groups.tolist() == [0, 1, 0, 2] and dataset.groups.dtype == np.int32
    assert not from_arrays(drawn(4, 2, 2), [0, 1, 0, 1]).divided


@pytest.mark.parametrize(
    ("images", "labels", "options", "sentence"),
    [
        (drawn(3, 2, 2), [0, 1], {}, r"there are 2 labels for 3 images; expected one for each"),
        (drawn(3, 2, 2), 5, {}, r"there are one number of labels for 3 images"),
        (drawn(3, 2, 2), [0, 1, 2], {"parts": ["train"]}, r"there are 1 parts for 3 images"),
        (drawn(3, 2, 2), [0, 1, 2], {"groups": [1, 2]}, r"there are 2 groups for 3 images"),
        (drawn(3, 2, 2), [0, 1, 2], {"parts": ["train", "dev", "test"]}, r"parts has 'dev'; expected train, val"),
        (drawn(3, 2, 2, kind=np.int64), [0, 1, 2], {}, r"the images are int64; expected uint8.*images\.astype"),
        (drawn(3, 2, 2, kind=np.float32) * 255, [0, 1, 2], {}, r"values from .*; expected floats in 0\.\.1: scale"),
        (np.full((3, 2, 2), np.nan), [0, 1, 2], {}, r"values from nan to nan; expected floats in 0\.\.1"),
        (drawn(3, 2), [0, 1, 2], {}, r"the images are of shape \(3, 2\); expected \(N, H, W\)"),
        (drawn(3, 3, 32, 32), [0, 1, 2], {}, r"the array is .*\(N, H, W, C\): images\.transpose\(0, 2, 3, 1\)"),
        (torch.zeros(3, 32, 32, 3), [0, 1, 2], {}, r"the tensor is .*\(N, C, H, W\): images\.permute\(0, 3, 1, 2\)"),
        (drawn(3, 0, 2), [0, 1, 2], {}, r"an image is of shape \(0, 2\); expected at least one pixel"),
        (drawn(0, 2, 2), [], {}, r"there are no images; expected at least one"),
        ([], [], {}, r"there are no images"),
        ([[[0, 1]]], [0], {}, r"the list of images holds a list; expected arrays of NumPy or torch"),
        ([drawn(2, 2), drawn(2, 2, kind=np.int32)], [0, 1], {}, r"the images are int32"),
        (drawn(3, 2, 2), [0, 1, 5], {"classes": ["a", "b"]}, r"arrays has an image of the class 5; expected .* 0 to 1"),
        (drawn(3, 2, 2), [0, 1, -1], {"classes": ["a", "b"]}, r"of the class -1"),
        (drawn(3, 2, 2), ["a", "b", "c"], {"classes": ["a", "b"]}, r"of the class 'c'"),
        (drawn(3, 2, 2), [0, 1, 1], {"classes": ["a", "a"]}, r"the classes a, a name one twice"),
        (drawn(3, 2, 2), [0.5, 1, 2], {}, r"the labels are float64 of shape \(3,\); expected whole numbers or names"),
        (drawn(3, 2, 2), [[5], [1], [2]], {}, r"of shape \(3, 1\); expected .*: labels\.ravel\(\)"),
        (drawn(3, 2, 2), [[5, 0], [1, 0], [1, 1]], {}, r"0 and 1 for each class \(N, K\)"),
        (drawn(3, 2, 2), [[0, 0], [1, 0], [1, 1]], {"classes": ["a"]}, r"there are 1 classes and 2 columns of labels"),
        (drawn(3, 2, 2), [None, 1, 2], {}, r"the labels are object"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_repair(images, labels, options, sentence):
    with pytest.raises(DataError, match=sentence):
        from_arrays(images, labels, **options)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_file_is_read(tmp_path, save):
    save(tmp_path / "shapes.npz", images=drawn(3, 5, 4), labels=np.array([1, 0, 1]))
    dataset = read_npz(tmp_path / "shapes.npz")
    assert dataset.name == "shapes" and dataset.names[2] == "shapes/000002"
    assert dataset.targets.numbers.tolist() == [1, 0, 1] and np.array_equal(dataset.source(1), drawn(3, 5, 4)[1])


def test_an_npz_file_may_hold_classes_parts_and_groups(tmp_path):
    told = {"classes": ["dog", "cat"], "parts": ["train", "test", "train"], "groups": [4, 4, 9]}
    np.savez(tmp_path / "a.npz", images=drawn(3, 5, 4), labels=[1, 0, 1], **told)
    dataset = read_npz(tmp_path / "a.npz")
    assert list(dataset.labels) == ["cat", "dog", "cat"] and dataset.divided
    assert dataset.groups.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ({"images": drawn(1, 2, 2)}, r"has no labels, but images; write it with np\.savez\(file, images=…, labels=…\)"),
        ({"x_train": drawn(1, 2, 2)}, r"has no images and no labels, but x_train"),
        ({}, r"but nothing"),
        ({"images": np.array([{}]), "labels": [0]}, r"cannot be read: Object arrays cannot be loaded"),
    ],
)
def test_an_npz_file_without_the_two_arrays_is_refused(tmp_path, held, sentence):
    np.savez(tmp_path / "a.npz", **held)
    with pytest.raises(DataError, match=sentence):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk", "cut", "npy", "pickle"])
def test_what_is_no_whole_npz_file_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    if content == "cut":
        np.savez(path, images=drawn(9, 20, 20), labels=[0] * 9)
        content = path.read_bytes()[:2000]
    elif content == "npy":
        with path.open("wb") as file:
            np.save(file, drawn(3, 2, 2))
        content = path.read_bytes()
    elif content == "pickle":
        content = b"\x80\x04}."
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz (cannot be read|is)"):
        read_npz(path)


def test_only_files_of_that_name_are_taken_for_it(tmp_path):
    (tmp_path / "a.npz").touch()
    (tmp_path / "b.NPZ").touch()
    (tmp_path / "c.npz").mkdir()
    assert [recognises_npz(tmp_path / name) for name in ("a.npz", "b.NPZ", "c.npz", "d.npz")] == [
        True,
        True,
        False,
        False,
    ]
