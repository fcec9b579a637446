"""A file of weights, known by its content: safetensors, torch's zip or older pickle, NumPy's npz, or our model file.

Nothing of a file is ever run: torch reads with `weights_only`, NumPy without pickles. A file that is cut off, damaged,
of another kind, or holds a program's objects is refused with one sentence.
"""

import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

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
        return {name: _tensor(arrays, name) for name in arrays.files}


def _tensor(arrays: Mapping[str, Any], name: str) -> Any:
    """An array of numbers as a tensor; others as they are."""
    try:
        array = arrays[name]
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        return None  # Python's objects, which NumPy has not unpickled
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufc":
        return array
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
    """The state dict of what a file holds: all of it, or one of its parts."""
    parts = {str(key): value for key, value in content.items() if _tensors_of(value)}
    if part is not None and part not in parts:
        known = f"it has {few(list(parts), 12)}" if parts else "it has no parts: leave the name out"
        raise WeightsError(f"{path} has no part {part!r} with weights; {known}")
    chosen = part or max(parts, key=lambda name: len(_tensors_of(parts[name])), default=None)
    tensors = _tensors_of(content if chosen is None else parts[chosen])
    if not tensors:
        raise WeightsError(f"{path} holds no tensors with names; {EXPECTED}")
    left_out = [f"{few([other])}: {few([str(chosen)])} was taken" for other in parts if other != chosen]
    odd = [str(key) for key in content if key not in tensors] if chosen is None else []
    if odd:
        left_out.append(f"{few(odd)}: no tensors")
    _expect_plain(path, tensors)
    return WeightFile(path, _unwrapped(tensors), tuple(left_out))


def _tensors_of(content: object) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    return {k: value.detach() for k, value in content.items() if isinstance(k, str) and isinstance(value, Tensor)}


def _expect_plain(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise WeightsError if there are tensors that are not simply all of their values."""
    odd = [name for name, tensor in tensors.items() if tensor.is_quantized or tensor.layout != torch.strided]
    odd += [name for name, tensor in tensors.items() if tensor.is_meta or tensor.is_complex()]
    if odd:
        raise WeightsError(
            f"{path} has sparse, quantised, complex or empty tensors ({few(odd)}); expected all their values as real "
            "numbers: save them with .to_dense() or .dequantize()"
        )


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the prefixes that all names have.

    >>> list(_unwrapped({"module.model.fc.weight": torch.ones(1), "module.model.fc.bias": torch.ones(1)}))
    ['fc.weight', 'fc.bias']
    """
    for wrapper in _WRAPPERS:
        if all(name.startswith(wrapper) for name in tensors):
            return _unwrapped({name.removeprefix(wrapper): tensor for name, tensor in tensors.items()})
    return tensors


def few(names: list[str], most: int = 3) -> str:
    """The first of many, as they can be printed, and how many more there are.

    >>> few(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(printable(name[:_LONG]) for name in names[:most]) + more
