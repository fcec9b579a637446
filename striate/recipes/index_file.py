"""The file of `striate index`: what a model makes of every image of a folder, to be asked for similar ones.

One safetensors file: the features (N, D) in float32, the names, the class numbers if the data have one class an image,
what the model said of each with its probability; and in its header the model's fingerprint, the data's place, the
classes, and the preparation. Pictures are not in it.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from striate.checkpoints.model_file import Checkpoint
from striate.errors import ModelFileError
from striate.explain.neighbours import Index

INDEX_FILE = "index.safetensors"
_HEADER, _VERSION = "striate_index", 1


@dataclass(frozen=True)
class ImageIndex:
    """The features (N, D) of N images, and what is known of each."""

    features: Tensor = field(repr=False)
    names: Sequence[str] = field(repr=False)
    labels: NDArray[np.int64] | None = field(repr=False)  # (N,) places in `label_names`
    label_names: tuple[str, ...] = field(repr=False)
    said: NDArray[np.int64] = field(repr=False)  # (N,) places in `classes`
    probability: NDArray[np.float32] = field(repr=False)  # (N,)
    classes: tuple[str, ...] = field(repr=False)  # the model's
    model: str  # its fingerprint
    data: str  # where the images are
    preparation: dict[str, Any] = field(repr=False)
    taken: str  # where the features were taken

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def search(self) -> Index:
        """What is asked for the nearest."""
        return Index.of(self.features)

    def label(self, row: int) -> str:
        """The class of an image; nothing if the data have no classes."""
        return "" if self.labels is None else self.label_names[int(self.labels[row])]


def fingerprint(checkpoint: Checkpoint) -> str:
    """A digest of a model's weights and of how its images are prepared: features of another are not its own."""
    digest = hashlib.blake2b(json.dumps(checkpoint.preparation.to_dict()).encode(), digest_size=16)
    for name in sorted(checkpoint.weights):
        digest.update(name.encode())
        digest.update(checkpoint.weights[name].contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_index(path: str | os.PathLike[str], checkpoint: Checkpoint) -> ImageIndex:
    """Read an index. Raises ModelFileError if it is none, not whole, or was made with another model."""
    try:
        with safe_open(path, framework="pt") as content:
            header = json.loads((content.metadata() or {}).get(_HEADER, "null"))
            tensors = {key: content.get_tensor(key) for key in content.keys()}
        if not isinstance(header, dict) or header.pop("version", None) != _VERSION:
            raise ValueError("it has no index of this version")
        names = json.loads(tensors.pop("names").numpy().tobytes().decode())
        labels = tensors.pop("labels", None)
        found = ImageIndex(
            features=tensors["features"],
            names=names,
            labels=None if labels is None else labels.numpy(),
            said=tensors["said"].numpy(),
            probability=tensors["probability"].numpy(),
            **{**header, "label_names": tuple(header["label_names"]), "classes": tuple(header["classes"])},
        )
    except OSError as error:
        raise ModelFileError(
            f"the index {path} cannot be read: {error.strerror or error}; `striate index` makes it"
        ) from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path} is no whole index ({error}); make it anew with `striate index`") from error
    if found.model != fingerprint(checkpoint):
        raise ModelFileError(f"{path} was made with another model; make one of this model with `striate index`")
    return found


def bytes_of(made: ImageIndex) -> bytes:
    """The file's bytes."""
    names = json.dumps(list(made.names), ensure_ascii=False).encode()
    tensors = {
        "features": made.features.contiguous(),
        "said": torch.from_numpy(made.said),
        "probability": torch.from_numpy(made.probability),
        "names": torch.frombuffer(bytearray(names), dtype=torch.uint8),
    }
    if made.labels is not None:
        tensors["labels"] = torch.from_numpy(made.labels)
    keys = ("label_names", "classes", "model", "data", "preparation", "taken")
    header = {"version": _VERSION, **{key: getattr(made, key) for key in keys}}
    return save(tensors, {_HEADER: json.dumps(header, ensure_ascii=False)})
