"""A file of weights, known by its content: safetensors, torch's zip or older pickle, NumPy's npz, or our model file.

Nothing of a file is ever run: torch reads with `weights_only`, NumPy without pickles. A file that is cut off, damaged,
of another kind, or holds a program's objects is refused with one sentence.
"""

import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from striate.architectures.weights.matching import is_counter
from striate.errors import WeightsError, printable

HEADER, SEEN, WEIGHT = "striate", "seen", "weights."  # of a model file: its metadata, and the names of its tensors
EXPECTED = "expected weights as safetensors, as torch.save writes a state dict, or as .npz"
_ANEW = "save its state dict alone where it was made, torch.save(model.state_dict(), FILE), and give that"
_WRAPPERS = ("module.", "model.", "_orig_mod.")  # of data parallel, averaged and compiled networks
_OTHERS = {  # what people have under the name of weights, by how it begins
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"RIFF": "a WebP image or a sound",
    b"\x89HDF": "an HDF5 file, as Keras writes",
    b"\x93NUMPY": "a single array without names",
    b"\x1f\x8b": "a gzip archive: unpack it and give what is in it",
    b"version https://git-lfs": "a pointer of Git LFS in place of the file: git lfs pull",
    b"<": "a web page or XML",
}
_TAR = slice(257, 262)  # where a tar archive says "ustar"
_TORCH = bytes.fromhex("6cfc9c46f9206aa85019")  # torch's number, at the start of its older files
_LONG = 200  # characters of a name that are shown
_RUNS = "which could run code and was not loaded"
_DEPTH, _LEVELS = 3, 1_000  # of dictionaries in dictionaries that are searched for tensors
_FORMATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool} | {
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
}
_FLOATS = "expected float16, bfloat16, float32 or float64: convert them where they were made"
_INFLATED, _RATIO = 1 << 30, 100  # bytes in a zip: fewer than that, or than as many times the file; weights give 2

_Keys = tuple[str, ...]


@dataclass(frozen=True)
class WeightFile:
    """Tensors by the names that their file gives them, without the prefix of a wrapper that all of them have."""

    path: Path
    tensors: dict[str, Tensor] = field(repr=False)
    left_out: tuple[str, ...] = ()  # what else the file holds, a sentence each


def read_weights(path: Path, part: str | None = None) -> WeightFile:
    """The tensors of a file; of several state dicts in it `part`, or the largest, of equals the first.

    Raises WeightsError.
    """
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise WeightsError(f"{what}; {EXPECTED}")
    try:
        with path.open("rb") as file:
            start = file.read(512)
        reader = _reader(path, start)
        with warnings.catch_warnings(action="ignore"):  # torch's and NumPy's, on what damaged files look like
            content = reader(path)
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}; check it and its permissions") from error
    except MemoryError as error:
        raise WeightsError(
            f"{path} does not fit in this machine's memory; close other programs, or use a smaller network"
        ) from error
    except Exception as error:  # bytes that are damaged make these readers raise nearly anything
        raise WeightsError(f"{path} is damaged or cut off ({_reason(error)}); get it again: {EXPECTED}") from error
    return _weights_in(path, content, part)


def _reader(path: Path, start: bytes) -> Callable[[Path], Mapping[Any, Any]]:
    """What reads a file that starts like this."""
    if start.startswith(b"PK\x03\x04"):
        return _read_zip
    if start[8:9] == b"{":
        return _read_safetensors
    if start[_TAR] == b"ustar":
        raise WeightsError(f"{path} is a tar archive, perhaps of a torch before 0.1.10; {_ANEW}")
    if _TORCH in start[:32]:
        return _read_torch
    if start.startswith(b"\x80"):
        raise WeightsError(f"{path} is a pickle of another program than torch, {_RUNS}; {EXPECTED}")
    kind = next((kind for sign, kind in _OTHERS.items() if start.startswith(sign)), f"a file that begins {start[:8]!r}")
    raise WeightsError(f"{path} is {kind if start else 'empty (0 bytes)'}; {EXPECTED}")


def is_model_file(path: Path) -> bool:
    """Whether a file is one of ours, which has more than weights."""
    try:
        with safe_open(path, framework="pt") as content:
            return HEADER in (content.metadata() or {})
    except (OSError, SafetensorError):
        return False


def _read_safetensors(path: Path) -> Mapping[str, Tensor]:
    with safe_open(path, framework="pt") as content:
        tensors = {name: content.get_tensor(name) for name in content.keys()}
        if HEADER not in (content.metadata() or {}):
            return tensors
    return {name.removeprefix(WEIGHT): tensor for name, tensor in tensors.items() if name.startswith(WEIGHT)}


def _read_zip(path: Path) -> Mapping[Any, Any]:
    """A zip of torch's or of NumPy's, all of whose parts are what they were when they were written."""
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        inflated = sum(part.file_size for part in parts)
        if inflated > max(_INFLATED, _RATIO * path.stat().st_size):
            raise WeightsError(
                f"{path} would grow to {inflated:,} bytes when it is unpacked, as no weights do; {EXPECTED}"
            )
        for part in parts:
            if part.CRC:  # torch can leave the sums out
                with archive.open(part) as stream:
                    while stream.read(1 << 20):
                        pass
    names = [part.filename for part in parts]
    if any(name.endswith("/constants.pkl") for name in names):
        raise WeightsError(f"{path} is a TorchScript program; {_ANEW}")
    if any(name.endswith("/data.pkl") for name in names):
        return _read_torch(path, mmap=all(part.compress_type == zipfile.ZIP_STORED for part in parts))
    if not any(name.endswith(".npy") for name in names):
        raise WeightsError(f"{path} is a zip archive without weights in it; {EXPECTED}")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: _tensor(arrays, name, path) for name in arrays.files}


def _tensor(arrays: Mapping[str, Any], name: str, path: Path) -> Any:
    """An array of numbers as a tensor; others as they are."""
    try:
        array = arrays[name]
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        return None  # Python's objects, which NumPy has not unpickled
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufc":
        return array
    if array.dtype.char in "gG":  # long double
        raise WeightsError(
            f"{path} has numbers in a format that is not read ({few([name])} of {array.dtype}); {_FLOATS}"
        )
    return torch.from_numpy(np.array(array, array.dtype.newbyteorder("="), order="C"))


def _read_torch(path: Path, *, mmap: bool = False) -> Mapping[Any, Any]:
    mmap = mmap and path.suffix != ".safetensors"  # by that name torch takes a file for one, whatever it holds
    try:
        with path.open("rb") as file:
            content = torch.load(path if mmap else file, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        if found is None:
            raise
        raise WeightsError(f"{path} holds an object of a program, {found[1]}, {_RUNS}; {_ANEW}") from error
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path} holds a {type(content).__name__} without names; {_ANEW}")
    return content


def _reason(error: Exception) -> str:
    """What a reader said, as a part of a sentence: torch's advice takes many lines."""
    said = printable(" ".join(str(error).split())).rstrip(".")
    return said if said and len(said) < 160 else type(error).__name__


def _weights_in(path: Path, content: Mapping[Any, Any], part: str | None) -> WeightFile:
    """The state dict of what a file holds: its own tensors, or one of its parts."""
    parts = _parts(content)
    named = {".".join(keys): keys for keys in parts if keys}
    if part is not None and part not in named:
        known = f"it has {few(list(named), 12)}" if named else "it has no parts: leave the name out"
        raise WeightsError(f"{path} has no part {part!r} with weights; {known}")
    if not parts:
        raise WeightsError(f"{path} holds no tensors with names; {EXPECTED}")
    chosen = max(parts, key=lambda keys: len(parts[keys])) if part is None else named[part]
    _expect_plain(path, parts[chosen])
    return WeightFile(path, _unwrapped(parts[chosen]), tuple(_left_out(content, parts, chosen)))


def _parts(content: Mapping[Any, Any]) -> dict[_Keys, dict[str, Tensor]]:
    """Named tensors by the keys under which they stand; those of the top level by none.

    >>> list(_parts({"model": {"state_dict": {"fc.bias": torch.ones(1)}}, "weights": torch.ones(1), "epoch": 3}))
    [(), ('model', 'state_dict')]
    """
    levels: list[tuple[_Keys, Mapping[Any, Any]]] = [((), content)]
    for keys, level in levels:  # which grows meanwhile
        if len(keys) < _DEPTH and len(levels) < _LEVELS:
            inner = ((key, value) for key, value in level.items() if isinstance(value, Mapping))
            levels += [((*keys, key), value) for key, value in inner if isinstance(key, str)]
    return {keys: tensors for keys, level in levels if (tensors := _tensors_of(level))}


def _left_out(content: Mapping[Any, Any], parts: Mapping[_Keys, Mapping[str, Tensor]], chosen: _Keys) -> Iterator[str]:
    """What a file holds beside the chosen part."""
    others = [name for keys, inner in parts.items() if keys != chosen for name in ([".".join(keys)] if keys else inner)]
    if others:
        yield f"{few(others)}: {few(['.'.join(chosen) or 'the top level'])} was taken"
    known = {keys[:length] for keys in parts for length in range(len(keys) + 1)}
    odd, level = list[str](), content
    for depth in range(len(chosen) + 1):
        above = chosen[:depth]
        unknown = [key for key in level if key not in parts.get(above, ()) and (*above, key) not in known]
        odd += [".".join((*above, str(key))) for key in unknown]
        level = level[chosen[depth]] if depth < len(chosen) else level
    if odd:
        yield f"{few(odd)}: no tensors with names"


def _tensors_of(content: object) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    return {k: value.detach() for k, value in content.items() if isinstance(k, str) and isinstance(value, Tensor)}


def _expect_plain(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise WeightsError if there are tensors that are not simply all of their values, in a usual format."""
    odd = [name for name, tensor in tensors.items() if tensor.is_quantized or tensor.layout != torch.strided]
    odd += [name for name, tensor in tensors.items() if tensor.is_meta or tensor.is_complex()]
    if odd:
        raise WeightsError(
            f"{path} has sparse, quantised, complex or empty tensors ({few(odd)}); expected all their values as real "
            "numbers: save them with .to_dense() or .dequantize()"
        )
    other = [f"{name} of {tensor.dtype}" for name, tensor in tensors.items() if tensor.dtype not in _FORMATS]
    if other:
        raise WeightsError(f"{path} has numbers in a format that is not read ({few(other)}); {_FLOATS}")
    repeated = [name for name, tensor in tensors.items() if tensor.nbytes > tensor.untyped_storage().nbytes()]
    if repeated:
        raise WeightsError(
            f"{path} has tensors of more values than are stored ({few(repeated)}); expected each value of its own: "
            "save them with .contiguous()"
        )


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the prefixes that all names have, but those of counters: torch's averaged networks count outside.

    >>> list(_unwrapped({"module.model.fc.weight": torch.ones(1), "module.model.fc.bias": torch.ones(1)}))
    ['fc.weight', 'fc.bias']
    """
    weights = [name for name in tensors if not is_counter(name)]
    for wrapper in _WRAPPERS:
        if weights and all(name.startswith(wrapper) for name in weights):
            return _unwrapped({name.removeprefix(wrapper): tensor for name, tensor in tensors.items()})
    return tensors


def few(names: list[str], most: int = 3) -> str:
    """The first of many, as they can be printed, and how many more there are.

    >>> few(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(printable(name[:_LONG]) for name in names[:most]) + more
