"""Shards made by Python's tarfile; what is read from them is compared with what was put in, and with webdataset."""

import io
import json
import os
import shutil
import subprocess
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.datasets.dataset import PARTS
from striate.datasets.layouts.shard_paths import expand, find_shards, recognises_shards
from striate.datasets.layouts.shards import read_shards
from striate.errors import DataError, ImageError
from tests.datasets.layouts.tars import by_webdataset, pack, picture


def labelled(*labels, first=0):
    """A file .png of grey k and a file .cls for each label."""
    return [
        file
        for number, label in enumerate(labels, first)
        for file in ((f"{number:03d}.png", picture(number)), (f"{number:03d}.cls", str(label).encode()))
    ]


def told(tmp_path, *records, classes=None):
    """Shards whose images have these records as JSON beside them."""
    if classes:
        (tmp_path / "classes.txt").write_text("\n".join(classes))
    files = [(f"{i}.{end}", content) for i, record in enumerate(records) for end, content in beside(record)]
    return read_shards(pack(tmp_path / "a.tar", files))


def beside(record):
    return (
        ("jpg", picture(ending="JPEG")),
        ("json", record if isinstance(record, bytes) else json.dumps(record).encode()),
    )


def array(value):
    content = io.BytesIO()
    np.save(content, np.full((3, 4), value, np.uint8))
    return content.getvalue()


def test_an_array_is_the_image_where_there_is_no_picture_and_else_passed_over(tmp_path):
    files = [("a.npy", array(7)), ("a.cls", b"0"), ("b.first.npy", array(1)), ("b.npy", array(2)), ("b.cls", b"0")]
    dataset = read_shards(pack(tmp_path / "s.tar", [*files, ("b.png", picture(9))]))
    assert list(dataset.names) == ["s.tar/a.npy", "s.tar/b.png"]
    assert [int(dataset.read(place)[0, 0, 0]) for place in range(2)] == [7, 9]
    with pytest.raises(DataError, match=r"holds b\.first\.npy and b\.npy, which have one key"):
        read_shards(pack(tmp_path / "t.tar", files))


def test_an_image_is_read_with_its_class_name_and_shard(tmp_path):
    pack(tmp_path / "s-1.tar", labelled(1, 0))
    pack(tmp_path / "s-2.tar", labelled(1, first=2))
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    dataset = read_shards(tmp_path)
    assert list(dataset.names) == ["s-1.tar/000.png", "s-1.tar/001.png", "s-2.tar/002.png"]
    assert dataset.classes == ("cat", "dog")
    assert list(dataset.labels) == ["dog", "cat", "dog"]
    assert dataset.shards.tolist() == [0, 0, 1] and dataset.shards.dtype == np.int32
    assert [int(dataset.read(i)[0, 0, 0]) for i in range(3)] == [0, 1, 2]
    assert dataset.source(2) == picture(2)
    assert not dataset.divided and dataset.remarks == ()


def test_a_selection_reads_its_own_images(tmp_path):
    dataset = read_shards(pack(tmp_path / "s.tar", labelled(*range(9)))).at([7, 2])
    assert [dataset.source(i) for i in range(2)] == [picture(7), picture(2)]
    assert dataset.name == "s"


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ((10, 9, 10), ("9", "10")),
        (("10\n", " 9"), ("9", "10")),
        (("dog", "cat", "dog"), ("cat", "dog")),
        (("dog", 10, 9), ("10", "9", "dog")),
    ],
)
def test_without_a_list_the_classes_are_what_stands_beside_the_images(tmp_path, labels, classes):
    dataset = read_shards(pack(tmp_path / "s.tar", labelled(*labels)))
    assert dataset.classes == classes
    assert list(dataset.labels) == [str(label).strip() for label in labels]


def test_with_a_list_numbers_are_places_and_texts_are_names(tmp_path):
    (tmp_path / "classes.txt").write_text("zebra\nant\n10\n")
    assert list(read_shards(pack(tmp_path / "s.tar", labelled(1, "zebra", 2))).labels) == ["ant", "zebra", "10"]


@pytest.mark.parametrize("label", [3, -1, "cow"])
def test_a_label_outside_the_list_is_refused(tmp_path, label):
    (tmp_path / "classes.txt").write_text("cat\ndog\nowl")
    with pytest.raises(
        DataError, match=rf"s\.tar has an image of the class '?{label}'?; expected a number from 0 to 2"
    ):
        read_shards(pack(tmp_path / "s.tar", labelled(0, label)))


@pytest.mark.parametrize(
    ("content", "what"), [("cat\n\ndog", "has an empty line"), ("cat\ncat", "names 'cat' twice"), ("", "is empty")]
)
def test_a_list_that_names_no_or_the_same_class_twice_is_refused(tmp_path, content, what):
    (tmp_path / "classes.txt").write_text(content)
    with pytest.raises(DataError, match=f"classes.txt {what}; expected one name a line"):
        read_shards(pack(tmp_path / "s.tar", labelled(0)))


def test_the_members_of_a_sample_need_not_lie_side_by_side(tmp_path):
    files = labelled("a", "b", "c")
    dataset = read_shards(pack(tmp_path / "s.tar", files[::2] + files[1::2][::-1]))
    assert list(dataset.labels) == ["a", "b", "c"]


def test_the_key_ends_at_the_first_dot_of_the_base_name(tmp_path):
    files = {
        "v1.0/a.input.png": picture(1),
        "v1.0/a.cls": b"x",
        "v1.0/b.JPG": picture(2, ending="JPEG"),
        "v1.0/b.cls": b"y",
    }
    dataset = read_shards(pack(tmp_path / "s.tar", files))
    assert list(dataset.names) == ["s.tar/v1.0/a.input.png", "s.tar/v1.0/b.JPG"]
    assert list(dataset.labels) == ["x", "y"]


def test_hidden_files_and_notes_on_the_shard_are_no_samples(tmp_path):
    junk = [
        ("._000.png", b"x"),
        ("__meta__/1.png", picture()),
        ("__info__", b"{}"),
        (".DS_Store", b"x"),
        ("README", b"x"),
    ]
    dataset = read_shards(pack(tmp_path / "s.tar", junk + labelled(1)))
    assert list(dataset.names) == ["s.tar/000.png"] and dataset.remarks == ()


def test_samples_without_an_image_are_left_out_and_counted(tmp_path):
    others = [("talk.wav", b"x"), ("talk.cls", b"1"), ("text.txt", b"x")]
    dataset = read_shards(pack(tmp_path / "s.tar", [*labelled(1), *others]))
    assert len(dataset) == 1
    assert dataset.remarks == ("left out 2 samples without an image, as s.tar/talk",)


def test_an_image_without_a_label_is_refused_by_its_name(tmp_path):
    with pytest.raises(DataError, match=r"s\.tar/lone has no label; expected beside it \.cls, \.txt, \.json"):
        read_shards(pack(tmp_path / "s.tar", [*labelled(1), ("lone.png", picture())]))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("a.png", b""), ("a.png", b"")], r"s.tar holds a.png and a.png, which have one key"),
        ([("a.png", b""), ("a.jpg", b"")], r"s.tar holds a.png and a.jpg, which have one key; .* rename one"),
        ([("v1.0.png", b""), ("v1.1.png", b"")], r"holds v1.0.png and v1.1.png, which have one key; a key is the name"),
        ([("a.png", b""), ("a.cls", b"1"), ("a.cls", b"2")], r"s.tar holds a.cls twice"),
        ([("a.png", b""), ("a.mask.png", b""), ("a.seg.png", b"")], r"holds a.mask.png and a.seg.png"),
    ],
)
def test_two_of_a_kind_under_one_key_are_refused(tmp_path, files, sentence):
    with pytest.raises(DataError, match=sentence):
        read_shards(pack(tmp_path / "s.tar", files))


def test_texts_beside_images_are_classes(tmp_path):
    files = {
        "a.png": picture(),
        "a.txt": "Käfer\n".encode(),
        "b.png": picture(),
        "b.json": b'{"label": "cat", "id": 9}',
    }
    assert list(read_shards(pack(tmp_path / "s.tar", files)).labels) == ["Käfer", "cat"]


def test_a_number_in_json_is_a_number_and_a_text_a_name(tmp_path):
    assert list(told(tmp_path, {"label": 1}, {"label": "b"}, classes=["b", "a"]).labels) == ["a", "b"]


@pytest.mark.parametrize("text", ["A photograph of a dog that runs after a ball. " * 9, "two\nlines"])
def test_a_caption_is_no_class(tmp_path, text):
    with pytest.raises(DataError, match=r"s\.tar/a\.txt holds \d+ characters, which are no name of a class"):
        read_shards(pack(tmp_path / "s.tar", {"a.png": picture(), "a.txt": text.encode()}))


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (b"{", r"a.tar/0.json is not JSON"),
        (b"[" * 100_000, r"a.tar/0.json is not JSON"),
        (b"[1]", r"a.tar/0.json holds no object; expected one as \{\"label\": …\}"),
        ({"id": 3}, r"a.tar/0 has no label"),
        ({"label": 1.5}, r"the label is \[1.5\]; expected numbers or names of classes"),
        ({"label": True}, r"the label is \[True\]"),
        ({"labels": "cat"}, r"the label is 'cat'"),
        ({"boxes": [[0, 0, 1, 1]], "labels": []}, r"a.tar/0: boxes are .*; expected 0 × 4 numbers"),
        ({"boxes": [[0, 0, 1]], "labels": [1]}, r"expected 1 × 4 numbers"),
        ({"boxes": [[0, 0, 1, "x"]], "labels": [1]}, r"expected 1 × 4 numbers"),
        ({"boxes": [[2, 0, 1, 1]], "labels": [1]}, r"a box ends before it begins"),
        (b'{"boxes": [[0, 0, 1, NaN]], "labels": [1]}', r"no finite number"),
        ({"boxes": [[0, 0, 1, 1]]}, r"the label is None"),
        ({"boxes": [[0, 0, 1, 1]], "labels": [1], "size": [4]}, r"size are \[4\]; expected 2 numbers"),
        ({"boxes": [[0, 0, 1, 1]], "labels": [1], "size": [-4, 1]}, r"size is \[-4, 1\]; expected width and height"),
        ({"boxes": [[0, 0, 1, 1]], "labels": [1], "size": [1e99, 1]}, r"expected width and height"),
        ({"boxes": [[0, 0, 1, 1]], "labels": [1], "polygons": []}, r"polygons are not one for each of its 1 boxes"),
        ({"boxes": [[0, 0, 1, 1]], "labels": [1], "polygons": [[[1, 2, 3]]]}, r"polygons are .*expected 3 × 2 numbers"),
        ({"boxes": [[0, 0, 1, 1]], "labels": [1], "polygons": [7]}, r"a polygon is 7; expected rings"),
        ({"boxes": [[0, 0, 1, 1]], "labels": [1], "flags": {"crowd": [True, False]}}, r"crowd are not one for each"),
        ({"boxes": [[0, 0, 1, 1]], "labels": [1], "flags": [True]}, r"flags are \[True\]"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused_by_name(tmp_path, record, sentence):
    with pytest.raises(DataError, match=sentence):
        told(tmp_path, record)


def test_lists_of_labels_are_tags(tmp_path):
    dataset = told(tmp_path, {"labels": ["cat", "dog"]}, {"labels": []}, {"labels": ["dog", "dog"]})
    assert dataset.task == "tags" and dataset.classes == ("cat", "dog")
    assert [dataset.targets.of(i).tolist() for i in range(3)] == [[0, 1], [], [1]]


def test_boxes_come_with_polygons_flags_and_sizes(tmp_path):
    square = [[0.0, 0.0], [2.5, 0.0], [2.5, 2.0]]
    boxes = told(
        tmp_path,
        {"boxes": [[0, 0, 2.5, 2], [1, 1, 2, 2]], "labels": [1, 0], "size": [4, 3], "polygons": [[square], None]},
        {"boxes": [], "labels": []},
        {"boxes": [[0, 1, 1, 2]], "labels": ["owl"], "flags": {"crowd": [True]}},
        classes=["owl", "cat"],
    ).targets
    assert boxes.starts.tolist() == [0, 2, 2, 3]
    assert boxes.corners.tolist() == [[0, 0, 2.5, 2], [1, 1, 2, 2], [0, 1, 1, 2]]
    assert boxes.numbers.tolist() == [1, 0, 0]
    assert boxes.sizes.tolist() == [[4, 3], [0, 0], [0, 0]]
    assert [[ring.tolist() for ring in rings] for rings in boxes.polygons] == [[square], [], []]
    assert {name: flag.tolist() for name, flag in boxes.flags.items()} == {"crowd": [False, False, True]}


def test_images_of_one_data_set_have_one_kind_of_label(tmp_path):
    with pytest.raises(DataError, match=r"a\.tar/1 has tags and a\.tar/0 has classes; expected the same of all images"):
        told(tmp_path, {"label": 1}, {"labels": [1]})


def masked(tmp_path, mask, classes="sky\nroad\n"):
    """A shard with one image and this mask."""
    if classes:
        (tmp_path / "classes.txt").write_text(classes)
    content = io.BytesIO()
    mask.save(content, "PNG")
    return read_shards(pack(tmp_path / "a.tar", {"0.jpg": picture(ending="JPEG"), "0.mask.png": content.getvalue()}))


@pytest.mark.parametrize("mode", ["L", "P"])
def test_a_mask_holds_class_numbers_in_grey_or_in_a_palette(tmp_path, mode):
    values = np.array([[0, 1, 255], [1, 1, 0]], np.uint8)
    mask = Image.fromarray(values)
    if mode == "P":
        mask = Image.frombytes("P", (3, 2), values.tobytes())
        mask.putpalette([0, 0, 0, 200, 0, 0] + [9] * 750)
    dataset = masked(tmp_path, mask)
    assert dataset.task == "masks" and dataset.classes == ("sky", "road")
    assert dataset.targets.of(0).tolist() == values.tolist()


def test_a_mask_that_holds_no_class_numbers_is_refused(tmp_path):
    with pytest.raises(ImageError, match="its mask holds 2; expected 0 to 1, or 255"):
        masked(tmp_path, Image.new("L", (3, 2), 2)).targets.of(0)
    with pytest.raises(ImageError, match="its mask is RGB; expected 8-bit grey or a palette"):
        masked(tmp_path, Image.new("RGB", (3, 2))).targets.of(0)


def test_masks_without_a_list_of_classes_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"has masks and no list of classes; write classes\.txt beside"):
        masked(tmp_path, Image.new("L", (3, 2)), classes="")


@pytest.mark.parametrize(
    ("shards", "parts"),
    [
        (("train-0.tar", "val-0.tar", "test-0.tar"), ("test", "train", "validation")),
        (("train/0.tar", "val/0.tar"), ("train", "validation")),
        (("imagenet_train_000.tar", "imagenet_validation_000.tar"), ("train", "validation")),
        (("training/val-0.tar", "valid/train-0.tar"), ("train", "validation")),  # folders win
    ],
)
def test_the_part_stands_in_the_folder_or_the_name_of_a_shard(tmp_path, shards, parts):
    for number, shard in enumerate(shards):
        pack(tmp_path / shard, labelled(1, first=number))
    dataset = read_shards(tmp_path)
    assert dataset.divided
    assert [PARTS[part] for part in dataset.parts] == list(parts)


@pytest.mark.parametrize("shards", [("test-0.tar", "test-1.tar"), ("a.tar", "b.tar"), ("train/0.tar",)])
def test_one_part_alone_is_no_division(tmp_path, shards):
    for shard in shards:
        pack(tmp_path / shard, labelled(1))
    dataset = read_shards(tmp_path)
    assert not dataset.divided and not dataset.parts.any()


def test_shards_to_evaluate_on_need_none_for_training(tmp_path):
    for shard in ("val-0.tar", "test-0.tar"):
        pack(tmp_path / shard, labelled(1))
    dataset = read_shards(tmp_path)
    assert dataset.divided and dataset.parts.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("shards", "sentence"),
    [
        (("train-0.tar", "more.tar"), r"more\.tar belongs to no part and others belong to train; put train"),
    ],
)
def test_parts_that_leave_a_doubt_are_refused(tmp_path, shards, sentence):
    for shard in shards:
        pack(tmp_path / shard, labelled(1))
    with pytest.raises(DataError, match=sentence):
        read_shards(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("s-{000..002}.tar", ["s-000", "s-001", "s-002"]),
        ("s-{002,000}.tar", ["s-002", "s-000"]),
        ("s-*.tar", ["s-000", "s-001", "s-002"]),
        ("s-00[12].tar", ["s-001", "s-002"]),
        ("{s,t}-00?.tar", ["s-000", "s-001", "s-002", "t-000"]),
        ("s-{000..001}.{tar,tar}", ["s-000", "s-001"]),
    ],
)
def test_a_pattern_names_the_shards_that_a_shell_would(tmp_path, pattern, found):
    for name in ("s-000", "s-001", "s-002", "t-000"):
        pack(tmp_path / f"{name}.tar", labelled(1))
    base, shards = find_shards(tmp_path / pattern)
    assert (base, [shard.stem for shard in shards]) == (tmp_path, found)
    assert recognises_shards(tmp_path / pattern) or pattern.endswith("}")
    assert len(read_shards(tmp_path / pattern)) == len(found)


@pytest.mark.parametrize("pattern", ["a", "{1..3}", "{08..11}", "{a,b}{1..2}", "x{,y}z", "{5..5}", "{a,b,c}-{0..1}"])
def test_braces_expand_as_in_bash(pattern):
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    echoed = subprocess.run(["bash", "-c", f"echo {pattern}"], capture_output=True, text=True, check=True).stdout
    assert list(expand(pattern)) == echoed.split()


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("s-{0..2}.tar", r"s-1\.tar is not there; put it there, or correct the pattern"),
        ("t*.tar", r"names no tar archive"),
        ("s-{3..1}.tar", r"counts from 3 to 1; expected at most"),
        ("s-{0..99999999999}.tar", r"expected at most 1,000,000 shards, upwards"),
        ("missing.tar", r"missing\.tar is not there"),
    ],
)
def test_a_pattern_that_names_what_is_not_there_is_refused(tmp_path, pattern, sentence):
    pack(tmp_path / "s-0.tar", labelled(1))
    with pytest.raises(DataError, match=sentence):
        read_shards(tmp_path / pattern)


def test_shards_are_told_from_other_folders(tmp_path):
    pack(tmp_path / "shards/a.tar", {})
    pack(tmp_path / "parts/train/a.tar", {})
    pack(tmp_path / "packed/a.tar.gz", {})
    pack(tmp_path / "cifar/cifar-10-binary.tar.gz", {})
    pack(tmp_path / "classes/images.tar", {})
    (tmp_path / "classes/cat").mkdir()
    pack(tmp_path / "loose/images.tar", {})
    (tmp_path / "loose/1.jpg").touch()
    (tmp_path / "empty").mkdir()
    assert [path.name for path in sorted(tmp_path.iterdir()) if recognises_shards(path)] == [
        "packed",
        "parts",
        "shards",
    ]
    assert recognises_shards(tmp_path / "shards/a.tar") and not recognises_shards(tmp_path / "shards/b.tar")
    assert not recognises_shards(tmp_path / "cifar/cifar-10-binary.tar.gz")


def test_an_archive_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no image; expected archives of images, each with its label beside it"):
        read_shards(pack(tmp_path / "s.tar", {"a.txt": b"x"}))


@pytest.mark.parametrize("change", ["cut", "grown", "rewritten", "replaced", "removed"])
@pytest.mark.parametrize("read_before", [False, True])
def test_a_shard_that_changes_underneath_is_an_error_and_never_wrong_bytes(tmp_path, change, read_before):
    path = pack(tmp_path / "s.tar", labelled(1, 2))
    dataset = read_shards(path)
    if read_before:
        assert dataset.source(1) == picture(1)
    content = path.read_bytes()
    if change == "cut":
        os.truncate(path, 1024)
    elif change == "grown":
        path.write_bytes(content + b"x")
    elif change == "rewritten":
        path.write_bytes(content.replace(b"\x00", b"\x01"))
        os.utime(path, ns=(0, 12345))
    else:
        path.unlink()
        if change == "replaced":
            (tmp_path / "other").write_bytes(bytes(len(content)))
            (tmp_path / "other").rename(path)
    if read_before and change in ("replaced", "removed"):
        assert dataset.source(1) == picture(1)  # the file that was opened is still there, as it was
        return
    with pytest.raises(DataError, match=r"s\.tar (has changed while it was in use: it had|cannot be read any more)"):
        dataset.source(1)


def test_a_broken_image_names_its_reason_and_harms_no_other(tmp_path):
    dataset = read_shards(pack(tmp_path / "s.tar", [*labelled(1), ("b.png", b""), ("b.cls", b"1")]))
    assert dataset.read(0).shape == (3, 4, 1)
    with pytest.raises(ImageError, match=r"empty \(0 bytes\)"):
        dataset.read(1)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_more_shards_than_may_be_open_are_read_by_many_threads(tmp_path):
    before = open_files()
    for number in range(300):
        pack(tmp_path / f"{number:03d}.tar", labelled(1, first=number))
    dataset = read_shards(tmp_path)
    assert open_files() == before
    expected = [picture(number) for number in range(300)]
    places = np.random.default_rng(0).integers(0, 300, 6000)
    gate, most = threading.Barrier(8), []

    def read(thread, source=dataset.source):
        gate.wait()
        for place in places[thread::8]:
            assert source(int(place)) == expected[place]
        most.append(open_files())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
    assert 100 < max(most) - before <= 128 + 8


def test_an_index_takes_few_bytes_beside_the_names(tmp_path):
    content = picture()
    count = 200_000 // 10
    for shard in range(4):
        pack(
            tmp_path / f"{shard}.tar",
            (
                (f"{i:06d}.{end}", data)
                for i in range(count // 4)
                for end, data in (("png", content), ("cls", b"%d" % (i % 7)))
            ),
        )
    tracemalloc.start()
    dataset = read_shards(tmp_path)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(dataset) == count
    names = sum(len(os.fsencode(name)) + 8 for name in dataset.names)
    assert (held - names) / count <= 60


def test_webdataset_reads_the_same_samples(tmp_path):
    shards = [
        pack(tmp_path / "0.tar", labelled(*range(5))),
        pack(
            tmp_path / "1.tar",
            [("v1.0/a.b.JPG", picture(9)), ("v1.0/a.cls", b"7"), ("__x__/1.png", b""), (".h.png", b"")],
        ),
    ]
    dataset, samples = read_shards(tmp_path), by_webdataset(*shards)
    assert len(dataset) == len(samples) == 6
    for index, sample in enumerate(samples):
        assert dataset.labels[index].encode() == sample["cls"]
        assert dataset.source(index) == sample.get("png", sample.get("b.jpg"))
        assert dataset.names[index].partition("/")[2].startswith(sample["__key__"] + ".")
