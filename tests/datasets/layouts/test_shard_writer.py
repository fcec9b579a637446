"""Written and read again, everything is as it was; tarfile and webdataset say what is in the shards."""

import hashlib
import json
import shutil
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from striate.datasets.dataset import PARTS, Dataset
from striate.datasets.dividing import divide
from striate.datasets.layouts.arrays import from_arrays
from striate.datasets.layouts.folders import read_folders
from striate.datasets.layouts.shard_writer import write_shards
from striate.datasets.layouts.shards import read_shards
from striate.datasets.names import Names
from striate.datasets.targets import Boxes, Classes, Masks, Tags
from striate.errors import DataError, ImageError, SettingsError, StorageError
from tests.datasets.layouts.tars import by_webdataset, picture


def made(targets, classes=("cat", "dog", "owl"), parts=None, names=None, fetch=picture):
    """A data set whose image i is grey i."""
    count = len(targets)
    given = np.zeros(count, np.uint8) if parts is None else np.array(parts, np.uint8)
    called = Names(names or [f"deep/er/{index}.png" for index in range(count)])
    return Dataset("made", classes, called, targets, given, fetch, divided=parts is not None)


def written(dataset, out, **options):
    """Written, read again, and in the order of the one that was written: image i is grey i."""
    write_shards(dataset, out, **options)
    again = read_shards(out)
    order = np.argsort([int(again.read(index)[0, 0, 0]) for index in range(len(again))])
    return again.at(order)


def classes_of(*numbers):
    return Classes(np.array(numbers, np.int32))


def names_in(path):
    with tarfile.open(path) as archive:
        return archive.getnames()


def test_classes_parts_and_bytes_come_back(tmp_path):
    dataset = made(classes_of(2, 0, 0, 2, 1), parts=[0, 1, 2, 0, 0])
    again = written(dataset, tmp_path / "out", per_shard=2)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "classes.txt",
        "test-000000.tar",
        "train-000000.tar",
        "train-000001.tar",
        "validation-000000.tar",
    ]
    assert again.classes == dataset.classes and again.divided
    assert again.labels == dataset.labels and again.parts.tolist() == dataset.parts.tolist()
    assert [again.source(i) for i in range(5)] == [picture(i) for i in range(5)]
    assert again.names[1] == "validation-000000.tar/deep/er/1.png"


def test_what_was_not_divided_is_not_divided_afterwards(tmp_path):
    again = written(made(classes_of(0, 1, 2)), tmp_path / "out")
    assert not again.divided and not again.parts.any()


def test_tags_come_back(tmp_path):
    tags = Tags(np.array([0, 2, 2, 3]), np.array([0, 2, 1], np.int32))
    again = written(made(tags), tmp_path / "out").targets
    assert [again.of(i).tolist() for i in range(3)] == [[0, 2], [], [1]]


@settings(max_examples=30, deadline=None)
@given(data=some.data())
def test_boxes_come_back_to_the_last_bit(data, tmp_path_factory):
    number = some.floats(-1e6, 1e6)
    counts = data.draw(some.lists(some.integers(0, 3), min_size=1, max_size=4))
    boxes = sum(counts)
    low = np.array(data.draw(some.lists(some.tuples(number, number), min_size=boxes, max_size=boxes))).reshape(-1, 2)
    flags = some.lists(some.booleans(), min_size=boxes, max_size=boxes)
    ring = some.lists(some.tuples(number, number), min_size=3, max_size=4).map(np.array)
    rings = some.lists(ring, min_size=1, max_size=2).map(tuple)
    given = Boxes(
        np.concatenate([[0], np.cumsum(counts)]),
        np.hstack([low, low + 7.25]),
        np.arange(boxes, dtype=np.int32) % 3,
        np.array([[index * 4, index * 3] for index in range(len(counts))], np.int32),
        data.draw(some.just(()) | some.tuples(*[rings] * boxes)),
        {name: np.array(data.draw(flags), bool) for name in data.draw(some.sampled_from([(), ("crowd", "difficult")]))},
    )
    again = written(made(given), tmp_path_factory.mktemp("boxes") / "out").targets
    for field in ("starts", "corners", "numbers", "sizes"):
        assert getattr(again, field).tolist() == getattr(given, field).tolist()
    assert [[r.tolist() for r in box] for box in again.polygons] == [
        [r.tolist() for r in box] for box in given.polygons
    ]
    assert {name: flag.tolist() for name, flag in again.flags.items()} == {
        name: flag.tolist() for name, flag in given.flags.items()
    }


def test_masks_come_back(tmp_path):
    masks = np.random.default_rng(0).choice(np.array([0, 1, 2, 255], np.uint8), (4, 3, 4))
    again = written(made(Masks(lambda place: masks[place], np.arange(4))), tmp_path / "out")
    assert again.task == "masks"
    assert [again.targets.of(i).tolist() for i in range(4)] == masks.tolist()


def test_photographs_in_folders_keep_their_very_bytes(tmp_path, shared):
    dataset = divide(read_folders(shared / "data/hymenoptera/train"), 0)
    done = []
    write_shards(dataset, tmp_path / "out", per_shard=30, watch=lambda: done.append(1))
    again = read_shards(tmp_path / "out")
    assert len(done) == len(again) == len(dataset) == 110

    def told(data, content):
        return Counter(
            (hashlib.sha256(content(i)).hexdigest(), data.labels[i], PARTS[data.parts[i]]) for i in range(len(data))
        )

    with_paths = told(dataset, lambda i: Path(dataset.source(i)).read_bytes())
    assert told(again, again.source) == with_paths


def test_webdataset_reads_what_is_written(tmp_path):
    mask = np.array([[0, 1, 2, 255]] * 3, np.uint8)
    for target in (
        classes_of(2, 0, 1),
        Tags(np.array([0, 1, 1, 1]), np.array([2], np.int32)),
        Masks(lambda _: mask, np.arange(3)),
    ):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        write_shards(made(target, names=["v1.0/a.b.png", "c.PNG", "plain"]), tmp_path / "out")
        samples = {sample["__key__"]: sample for sample in by_webdataset(tmp_path / "out/train-000000.tar")}
        assert {key: sample["png"] for key, sample in samples.items()} == {
            key: picture(place) for place, key in enumerate(["v1.0/a_b", "c", "plain"])
        }
        beside = [samples[key] for key in ("v1.0/a_b", "c", "plain")]
        if isinstance(target, Classes):
            assert [sample["cls"] for sample in beside] == [b"2", b"0", b"1"]
        elif isinstance(target, Tags):
            assert [json.loads(sample["json"]) for sample in beside] == [
                {"labels": [2]},
                {"labels": []},
                {"labels": []},
            ]
        else:
            assert all(sample["mask.png"] == beside[0]["mask.png"] for sample in beside)


def test_the_same_data_set_gives_the_same_bytes(tmp_path):
    dataset = made(classes_of(*[0, 1] * 20), parts=[0, 1] * 20)
    for name in ("a", "b"):
        write_shards(dataset, tmp_path / name, per_shard=7)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    with tarfile.open(tmp_path / "a/train-000000.tar") as archive:
        told = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in archive}
    assert told == {(0, 0, 0, "", "", 0o644)}


def test_training_images_are_mixed_and_the_others_are_not(tmp_path):
    write_shards(made(classes_of(*[0] * 100, *[1] * 100), parts=[0, 1] * 100), tmp_path / "out", per_shard=50)
    again = read_shards(tmp_path / "out")
    first = again.at(np.flatnonzero(again.shards == 0))
    assert again.names[0].startswith("train-000000")
    assert 15 <= first.targets.numbers.sum() <= 35  # about half of 50, where the order of folders would give none
    others = again.at(again.members("validation"))
    assert others.targets.numbers.tolist() == [0] * 50 + [1] * 50


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["a.png", "a.jpg", "a.b.png", "a_b"], ["a", "a-2", "a_b", "a_b-2"]),
        (["../x/1.png", "/abs/1.png", "__meta__/1.png", "__1__.png"], ["abs/1", "meta__/1", "x/1", "1__"]),
        ([".hidden", "é ü/ß.png", "1.tar/2.png", "a/..png"], ["1.tar/2", "a/_", "hidden", "é ü/ß"]),
    ],
)
def test_every_image_gets_a_key_of_its_own_that_others_understand(tmp_path, names, keys):
    write_shards(made(classes_of(0, 0, 0, 0), names=names), tmp_path / "out")
    found = sorted(
        name.removesuffix(".cls") for name in names_in(tmp_path / "out/train-000000.tar") if name.endswith("cls")
    )
    assert found == sorted(keys)
    assert sorted(sample["__key__"] for sample in by_webdataset(tmp_path / "out/train-000000.tar")) == found
    assert len(read_shards(tmp_path / "out")) == 4


def test_shards_that_are_written_again_keep_their_keys(tmp_path):
    write_shards(made(classes_of(0, 1)), tmp_path / "a")
    write_shards(read_shards(tmp_path / "a"), tmp_path / "b")
    assert sorted(names_in(tmp_path / "a/train-000000.tar")) == sorted(names_in(tmp_path / "b/train-000000.tar"))


@pytest.mark.parametrize(("kind", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("WEBP", "webp")])
def test_bytes_without_a_telling_name_get_the_ending_of_their_format(tmp_path, kind, ending):
    write_shards(made(classes_of(0), names=["image"], fetch=lambda _: picture(ending=kind)), tmp_path / "out")
    assert names_in(tmp_path / "out/train-000000.tar") == [f"image.{ending}", "image.cls"]


@pytest.mark.parametrize(
    "images",
    [
        np.arange(2 * 5 * 4, dtype=np.uint8).reshape(2, 5, 4),
        np.arange(2 * 5 * 4 * 3, dtype=np.uint8).reshape(2, 5, 4, 3),
        np.arange(2 * 5 * 4 * 3, dtype=np.uint8).reshape(2, 3, 5, 4).transpose(0, 2, 3, 1),
        np.arange(2 * 5 * 4, dtype=np.uint16).reshape(2, 5, 4, 1) * 1600,
    ],
    ids=["grey", "colour", "colour of planes", "deep grey"],
)
def test_arrays_are_written_as_files_that_hold_every_value(tmp_path, images):
    write_shards(from_arrays(images, [0, 1]), tmp_path / "out")
    with tarfile.open(tmp_path / "out/train-000000.tar") as archive:
        for member in archive:
            if member.name.endswith(".png"):
                index = int(member.name[:-4].rpartition("/")[2])
                drawn = np.asarray(Image.open(archive.extractfile(member)))
                assert drawn.tolist() == images[index].squeeze().tolist()


def test_arrays_that_no_file_holds_exactly_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"arrays/000000 is an array of float32 and shape \(4, 4\), which no PNG holds"):
        write_shards(from_arrays(np.zeros((1, 4, 4), np.float32), [0]), tmp_path / "out")


def broken(_):
    raise ImageError("its mask cannot be decoded")


@pytest.mark.parametrize(
    ("dataset", "sentence"),
    [
        (made(classes_of(0), names=["x"], fetch=lambda _: b"junk"), "x is no image of a known format"),
        (made(classes_of(0), fetch=lambda _: "/nowhere/1.png"), r"deep/er/0\.png cannot be read: No such file"),
        (made(Masks(broken, np.arange(1))), r"deep/er/0\.png: its mask cannot be decoded; repair or remove it"),
        (made(classes_of(0), classes=("cat ",)), "the class 'cat ' cannot stand in a list of names; rename it"),
        (made(classes_of(0), classes=("c\nd",)), r"the class 'c\\nd' cannot stand"),
    ],
)
def test_what_cannot_be_written_is_named_and_nothing_is_left(tmp_path, dataset, sentence):
    with pytest.raises(DataError, match=sentence):
        write_shards(dataset, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_image_is_written_as_it_is(tmp_path):
    write_shards(made(classes_of(0), fetch=lambda _: b"half a png"), tmp_path / "out")
    assert read_shards(tmp_path / "out").source(0) == b"half a png"


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("dear")
    with pytest.raises(DataError, match=r"out is there and not empty; choose another folder, or remove it"):
        write_shards(made(classes_of(0)), tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "out").mkdir()
    write_shards(made(classes_of(0)), tmp_path / "out")
    assert len(read_shards(tmp_path / "out")) == 1


def test_a_write_that_is_stopped_leaves_nothing_that_looks_whole(tmp_path):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(made(classes_of(*[0] * 9)), tmp_path / "out", per_shard=2, watch=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_write_has_left_is_no_hindrance(tmp_path):
    (tmp_path / ".out.unfinished").mkdir()
    (tmp_path / ".out.unfinished/train-000009.tar").write_bytes(b"old")
    assert len(written(made(classes_of(0)), tmp_path / "out")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StorageError, match=r"cannot write .*train-000000\.tar: Not a directory"):
        write_shards(made(classes_of(0)), tmp_path / "file/out")


def test_a_shard_without_images_makes_no_sense(tmp_path):
    with pytest.raises(SettingsError, match="per_shard is 0; expected a whole number from 1"):
        write_shards(made(classes_of(0)), tmp_path / "out", per_shard=0)


def test_a_part_of_a_data_set_is_written_alone(tmp_path):
    dataset = made(classes_of(0, 1, 2), parts=[0, 1, 2])
    write_shards(replace(dataset.at(dataset.members("test")), divided=True), tmp_path / "out")
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["classes.txt", "test-000000.tar"]
