"""Files of weights of every make, and what is none: one sentence each, and nothing of a file is run."""

import argparse
import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image
from safetensors.torch import save, save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from striate.architectures.catalogue import architecture, build, create_model, declare
from striate.architectures.weights import files
from striate.architectures.weights.files import read_weights
from striate.architectures.weights.loading import network_with
from striate.architectures.weights.needs import Zoo
from striate.errors import WeightsError

TENSORS = {"conv.weight": torch.arange(12.0).reshape(2, 1, 2, 3), "conv.bias": torch.tensor([1.0, 2.0])}
TINY = "INPUT 1x4x4 -> CONV 2 -> FC 3"
LEGACY = {"_use_new_zipfile_serialization": False}


def write_npz(tensors, path, write=np.savez):
    with path.open("wb") as file:
        write(file, **{name: tensor.numpy() for name, tensor in tensors.items()})


WRITERS = {
    "safetensors": save_file,
    "torch": torch.save,
    "old torch": lambda tensors, path: torch.save(tensors, path, **LEGACY),
    "npz": write_npz,
    "packed npz": lambda tensors, path: write_npz(tensors, path, np.savez_compressed),
}
FORMATS = list(WRITERS)


def refusal(path, part=None):
    with pytest.raises(WeightsError) as caught:
        read_weights(path, part)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence


def assert_same(tensors, expected):
    assert list(tensors) == list(expected)
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth", "weights"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_known_by_its_content_and_not_by_its_name(tmp_path, form, name):
    WRITERS[form](TENSORS, tmp_path / name)
    read = read_weights(tmp_path / name)
    assert_same({key: read.tensors[key] for key in TENSORS}, TENSORS)
    assert read.left_out == ()


@pytest.mark.parametrize("key", ["state_dict", "model", "model_ema", "net"])
def test_the_state_dict_inside_a_checkpoint_is_taken(tmp_path, key):
    torch.save({"epoch": 3, key: TENSORS, "optimizer": {"state": {}, "param_groups": []}}, tmp_path / "file")
    assert_same(read_weights(tmp_path / "file").tensors, TENSORS)


def test_of_several_state_dicts_the_first_is_taken_and_the_others_are_told_unless_one_is_named(tmp_path):
    average = {name: tensor + 1 for name, tensor in TENSORS.items()}
    torch.save({"model": TENSORS, "model_ema": average}, tmp_path / "file")
    assert_same(read_weights(tmp_path / "file").tensors, TENSORS)
    assert read_weights(tmp_path / "file").left_out == ("model_ema: model was taken",)
    assert_same(read_weights(tmp_path / "file", "model_ema").tensors, average)
    assert "no part 'ema' with weights; it has model, model_ema" in refusal(tmp_path / "file", "ema")


def test_a_state_that_comes_first_but_is_smaller_is_not_taken_for_the_weights(tmp_path):
    torch.save({"random": {"state": torch.zeros(4)}, "model": TENSORS}, tmp_path / "file")
    read = read_weights(tmp_path / "file")
    assert_same(read.tensors, TENSORS)
    assert read.left_out == ("random: model was taken",)


MEAN = {name: tensor * 0 + 7 for name, tensor in TENSORS.items()}


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        ({**TENSORS, "ema": MEAN}, ("ema: the top level was taken",)),
        ({**TENSORS, "rng": {"state": torch.ones(4)}}, ("rng: the top level was taken",)),
        (
            {"state_dict": TENSORS, "class_weights": torch.ones(2), "epoch": 3},
            ("class_weights: state_dict was taken", "epoch: no tensors with names"),
        ),
        ({"model": {"state_dict": TENSORS, "epoch": 3}}, ("model.epoch: no tensors with names",)),
        (
            {"net": {"model": {"state_dict": TENSORS}}, "ema": {"a": torch.ones(1)}},
            ("ema: net.model.state_dict was taken",),
        ),
    ],
    ids=["an average beside", "a state beside", "a tensor beside", "deeper", "deepest"],
)
def test_the_most_tensors_of_any_level_are_taken_and_all_else_is_told(tmp_path, content, left_out):
    torch.save(content, tmp_path / "file")
    read = read_weights(tmp_path / "file")
    assert_same(read.tensors, TENSORS)
    assert read.left_out == left_out


def test_dictionaries_in_dictionaries_are_searched_to_a_bounded_depth(tmp_path):
    deep = TENSORS
    for _ in range(100):
        deep = {"in": deep}
    torch.save(deep, tmp_path / "file")
    assert "holds no tensors with names" in refusal(tmp_path / "file")


@pytest.mark.parametrize("form", ["torch", "old torch"])
def test_tensors_of_more_values_than_are_stored_are_refused(tmp_path, form):
    WRITERS[form]({"fc.weight": torch.zeros(1).expand(10**6, 10**6)}, tmp_path / "file")
    assert "tensors of more values than are stored (fc.weight)" in refusal(tmp_path / "file")


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("form", ["torch", "safetensors"])
def test_formats_of_fewer_bits_are_refused_by_name(tmp_path, form, dtype):
    WRITERS[form]({"fc.weight": torch.ones(4).to(dtype)}, tmp_path / "file")
    assert f"in a format that is not read (fc.weight of {dtype})" in refusal(tmp_path / "file")


def test_numbers_of_four_bits_are_refused(tmp_path):
    header = json.dumps({"fc.weight": {"dtype": "F4", "shape": [2, 4], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "file").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert "expected" in refusal(tmp_path / "file")


def test_long_doubles_of_numpy_are_refused(tmp_path):
    np.savez(tmp_path / "file.npz", weight=np.ones(3, np.longdouble))
    assert "in a format that is not read (weight of float128)" in refusal(tmp_path / "file.npz")


def test_a_zip_that_would_grow_beyond_all_weights_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_INFLATED", 1 << 20)
    np.savez_compressed(tmp_path / "file.npz", weight=np.zeros(1 << 19, np.float32))
    assert "would grow to 2,097,280 bytes" in refusal(tmp_path / "file.npz")


def test_averaged_networks_of_torch_are_read(tmp_path):
    network = create_model(TINY)
    torch.save(AveragedModel(network).state_dict(), tmp_path / "file")
    state = network.state_dict()
    assert_same({name: read_weights(tmp_path / "file").tensors[name] for name in state}, state)


def test_names_that_would_command_a_terminal_are_written_out(tmp_path):
    torch.save({"a\n\x1b[31m": 3, "b" * 1000: 4, **TENSORS}, tmp_path / "file")
    (sentence,) = read_weights(tmp_path / "file").left_out
    assert sentence.startswith(r"a\n\x1b[31m, bbb")
    assert len(sentence) < 300


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "module._orig_mod.", "model.module."])
def test_the_prefixes_of_wrappers_go_where_all_names_have_them(tmp_path, prefix):
    torch.save({prefix + name: tensor for name, tensor in TENSORS.items()}, tmp_path / "file")
    assert_same(read_weights(tmp_path / "file").tensors, TENSORS)


def test_a_prefix_that_one_name_has_not_stays(tmp_path):
    mixed = {"module.conv.weight": torch.ones(1), "fc.weight": torch.ones(1)}
    torch.save(mixed, tmp_path / "file")
    assert_same(read_weights(tmp_path / "file").tensors, mixed)


def test_a_model_file_of_ours_gives_its_weights_and_not_what_was_seen(tmp_path):
    tensors = {"seen": torch.arange(3), **{f"weights.{name}": tensor for name, tensor in TENSORS.items()}}
    save_file(tensors, tmp_path / "file", {"striate": "{}"})
    assert read_weights(tmp_path / "file").tensors.keys() == TENSORS.keys()


def test_what_is_no_tensor_beside_the_tensors_is_left_out_and_told(tmp_path):
    torch.save({**TENSORS, "epoch": 3, "name": "a net"}, tmp_path / "file")
    read = read_weights(tmp_path / "file")
    assert_same(read.tensors, TENSORS)
    assert read.left_out == ("epoch, name: no tensors with names",)


def test_arrays_of_another_byte_order_and_of_fortrans_layout_keep_their_values(tmp_path):
    np.savez(tmp_path / "file.npz", swapped=np.arange(3, dtype=">f4"), turned=np.asfortranarray(np.eye(2, 3)))
    tensors = read_weights(tmp_path / "file.npz").tensors
    assert tensors["swapped"].tolist() == [0, 1, 2]
    assert torch.equal(tensors["turned"], torch.eye(2, 3, dtype=torch.float64))


def picture():
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, "PNG")
    return stream.getvalue()


def archive(**parts):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return stream.getvalue()


def tape():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as file:
        file.addfile(tarfile.TarInfo("storages"))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "sign"),
    [
        (b"", "is empty (0 bytes); expected weights as safetensors, as torch.save writes a state dict, or as .npz"),
        (b"conv.weight = 3", "a file that begins b'conv.wei'"),
        (picture(), "is a PNG image"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\x1f\x8b\x08", "unpack it"),
        (archive(letter="dear"), "a zip archive without weights"),
        (tape(), "torch.save(model.state_dict(), FILE)"),
        (pickle.dumps({"conv.weight": [1.0]}), "a pickle of another program than torch"),
        ((2**62).to_bytes(8, "little") + b'{"a":1}', "damaged or cut off"),
        ((2**20).to_bytes(8, "little") + b'{"a":1}', "damaged or cut off"),
        ((7).to_bytes(8, "little") + b'{"a":1}', "damaged or cut off"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:20],
)
def test_what_is_no_file_of_weights_is_refused_by_what_it_is(tmp_path, content, sign):
    (tmp_path / "file").write_bytes(content)
    assert sign in refusal(tmp_path / "file")


@pytest.mark.parametrize(
    "described",
    [
        {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 10**15]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "Q7", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32"},
    ],
    ids=["a huge shape", "a huge offset", "a negative side", "an unknown format", "half of it"],
)
def test_safetensors_with_absurd_headers_are_refused(tmp_path, described):
    header = json.dumps({"conv.weight": described}).encode()
    (tmp_path / "file").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    refusal(tmp_path / "file")


@pytest.mark.parametrize(("name", "sign"), [("nowhere", "there is no file"), (".", "is a folder")])
def test_a_missing_file_and_a_folder_are_refused(tmp_path, name, sign):
    assert sign in refusal(tmp_path / name)


@pytest.mark.parametrize(
    "content", [{}, {"epoch": 3}, [torch.ones(1)], torch.ones(2), {0: torch.ones(1)}, {"layers": [torch.ones(1)]}]
)
def test_what_has_no_tensors_with_names_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "file")
    refusal(tmp_path / "file")


class Code:
    """Unpickling this makes the file `ran`."""

    def __init__(self, ran):
        self.ran = ran

    def __reduce__(self):
        return Path.touch, (self.ran,)


@pytest.mark.parametrize("form", ["torch", "old torch", "pickle", "pickle, protocol 2", "npz"])
def test_a_file_with_code_is_refused_and_its_code_does_not_run(tmp_path, form):
    ran, file = tmp_path / "ran", tmp_path / "file"
    content = {**TENSORS, "more": Code(ran)}
    if form == "npz":
        np.savez(file, more=np.array([Code(ran)], dtype=object))
        file = file.with_suffix(".npz")
    elif form.startswith("pickle"):
        file.write_bytes(pickle.dumps(content, protocol=2 if form.endswith("2") else None))
    else:
        WRITERS[form](content, file)
    assert "could run code and was not loaded" in refusal(file) or form == "npz"
    assert not ran.exists()


@pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "old"])
@pytest.mark.parametrize("content", [nn.Linear(2, 2), {"args": argparse.Namespace(a=1)}], ids=["a module", "arguments"])
def test_a_pickled_module_or_other_objects_are_refused_with_the_repair(tmp_path, content, options):
    torch.save(content, tmp_path / "file", **options)
    assert "torch.save(model.state_dict(), FILE)" in refusal(tmp_path / "file")


def test_a_program_of_torchscript_is_refused_with_the_repair(tmp_path):
    parts = {"net/data.pkl": b"", "net/constants.pkl": b"", "net/code/__torch__.py": b""}
    (tmp_path / "file").write_bytes(archive(**parts))
    assert "is a TorchScript program; save its state dict" in refusal(tmp_path / "file")


@pytest.mark.parametrize("kind", ["sparse", "complex", "meta"])
def test_tensors_that_are_not_all_of_their_values_are_refused_by_name(tmp_path, kind):
    odd = {"sparse": torch.eye(3).to_sparse(), "complex": torch.ones(1) * 1j, "meta": torch.empty(2, device="meta")}
    torch.save({"fc.weight": odd[kind]}, tmp_path / "file")
    assert "(fc.weight)" in refusal(tmp_path / "file")


@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")
def test_quantised_tensors_are_refused_with_the_repair(tmp_path):
    torch.save({"fc.weight": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}, tmp_path / "file")
    assert ".dequantize()" in refusal(tmp_path / "file")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def wholes(place):
    """The bytes of a small network's weights in every format."""
    state = create_model(TINY).state_dict()
    for form, write in WRITERS.items():
        write(state, place / form)
    return state, {form: (place / form).read_bytes() for form in WRITERS}


def loaded(path, content):
    """The weights of a network from a file of this content."""
    path.write_bytes(content)
    network, _ = network_with(read_weights(path), declare(TINY), Zoo({}, build, architecture))
    return network.state_dict()


@settings(max_examples=200, deadline=None)
@given(some.data())
def test_a_file_cut_off_at_any_byte_is_refused(wholes, place, data):
    form = data.draw(some.sampled_from(FORMATS))
    content = wholes[1][form]
    with pytest.raises(WeightsError):
        loaded(place / "cut", content[: data.draw(some.integers(0, len(content) - 1))])


@settings(max_examples=400, deadline=None)
@given(some.data())
def test_a_file_with_one_wrong_byte_is_refused_or_loads_numbers_and_where_there_is_a_sum_the_right_ones(
    wholes, place, data
):
    form = data.draw(some.sampled_from(FORMATS))
    state, content = wholes[0], bytearray(wholes[1][form])
    content[data.draw(some.integers(0, len(content) - 1))] = data.draw(some.integers(0, 255))
    try:
        given_back = loaded(place / "wrong", bytes(content))
    except WeightsError as error:
        assert "\n" not in str(error)
        return
    assert {name: tensor.shape for name, tensor in given_back.items()} == {n: t.shape for n, t in state.items()}
    assert all(tensor.isfinite().all() for tensor in given_back.values())
    if form not in ("safetensors", "old torch"):
        assert_same(given_back, state)


@settings(max_examples=100, deadline=None)
@given(some.binary(max_size=400), some.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", bytes(8) + b"{"]))
def test_bytes_at_random_are_refused(place, content, start):
    (place / "random").write_bytes(start + content)
    refusal(place / "random")


def test_a_name_may_be_used_by_safetensors_for_its_own_ends(tmp_path):
    (tmp_path / "file").write_bytes(save(TENSORS, {"format": "pt"}))
    assert read_weights(tmp_path / "file").tensors.keys() == TENSORS.keys()


def test_a_file_that_is_too_large_for_the_memory_is_not_called_damaged(tmp_path, monkeypatch):
    save_file({"weight": torch.ones(2)}, tmp_path / "large")

    def exhausted(path):
        raise MemoryError

    monkeypatch.setattr("striate.architectures.weights.files._reader", lambda *_: exhausted)
    with pytest.raises(WeightsError, match=r"large does not fit in this machine's memory"):
        read_weights(tmp_path / "large")
