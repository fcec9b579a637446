"""`model.safetensors`: weights, declaration, preparation, classes, recipe and measured accuracy; never pickle.

One JSON object, under the key "striate" of the safetensors header, holds all that is not a tensor. The tensor `seen`
holds the fingerprints of the images that the weights were trained or chosen on, so that nobody tests on them unawares.
Version 1 had no stem, no share of a crop, and tensors named without their stages: its files are read still.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import ZOO, build
from striate.architectures.weights.files import HEADER, SEEN, WEIGHT
from striate.architectures.weights.matching import match
from striate.architectures.weights.needs import Needs
from striate.errors import ModelFileError, StriateError
from striate.images.preparation import Preparation
from striate.writing import write_whole

FORMAT_VERSION = 2
MODEL_FILE = "model.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """All of a model file. `recipe` and `measured` are plain values; `seen` is (N,) int64."""

    task: str
    declaration: Declaration
    preparation: Preparation
    classes: tuple[str, ...]
    recipe: dict[str, Any]
    measured: dict[str, Any]
    weights: dict[str, Tensor] = field(repr=False)
    seen: Tensor = field(repr=False)

    def network(self) -> nn.Module:
        """The declared network with these weights, in test mode."""
        with torch.device("meta"):
            network = build(self.declaration)  # draws no random numbers
        network.to_empty(device="cpu")
        network.load_state_dict(self.weights)
        return network.eval()

    def with_measured(self, **figures: Any) -> "Checkpoint":
        """The same model with more measured figures."""
        return replace(self, measured={**self.measured, **figures})


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a model file. Equal checkpoints give equal bytes. Raises StorageError."""
    header = {
        "format_version": FORMAT_VERSION,
        "task": checkpoint.task,
        "declaration": asdict(checkpoint.declaration),
        "preparation": checkpoint.preparation.to_dict(),
        "classes": checkpoint.classes,
        "recipe": checkpoint.recipe,
        "measured": checkpoint.measured,
    }
    tensors = {WEIGHT + name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.weights.items()}
    tensors[SEEN] = checkpoint.seen
    write_whole(path, save(tensors, {HEADER: json.dumps(header, ensure_ascii=False)}))


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a model file, or that of a run directory. Raises ModelFileError with what is wrong with it."""
    file = model_path(path)
    header, tensors = _read(file)
    version = header.get("format_version")
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise ModelFileError(
            f"{file} has format version {version}; this striate reads up to {FORMAT_VERSION}: pip install -U striate"
        )
    try:
        declaration = _declaration(header["declaration"])
        weights = {key.removeprefix(WEIGHT): value for key, value in tensors.items() if key.startswith(WEIGHT)}
        checkpoint = Checkpoint(
            task=header["task"],
            declaration=declaration,
            preparation=Preparation.from_dict(header["preparation"]),
            classes=tuple(header["classes"]),
            recipe=header["recipe"],
            measured=header["measured"],
            weights=weights if version == FORMAT_VERSION else _renamed(weights, declaration),
            seen=tensors[SEEN],
        )
        _check_agreement(checkpoint)
        checkpoint.network()
    except (KeyError, TypeError, ValueError, RuntimeError, StriateError) as error:
        reason = " ".join(str(error).split())
        raise ModelFileError(f"{file} contradicts itself ({reason}); write it anew with striate train") from error
    return checkpoint


def _declaration(values: dict[str, Any]) -> Declaration:
    height, width = values["size"]
    stem = values.get("stem", "paper")
    return Declaration(values["name"], values["num_classes"], values["in_channels"], (height, width), stem)


def _renamed(weights: dict[str, Tensor], declaration: Declaration) -> dict[str, Tensor]:
    """Weights of an older version by today's names, those that have any."""
    needed = Needs(declaration, ZOO)
    found = match(list(needed.tensors), weights, needed.dialects)
    return {ours: weights[theirs] for ours, theirs in found.pairs.items()} | {
        name: weights[name] for name in found.unplaced
    }


def _check_agreement(checkpoint: Checkpoint) -> None:
    """Raise ValueError if classes, preparation and network are not of one another."""
    declaration, preparation = checkpoint.declaration, checkpoint.preparation
    channels = preparation.geometry.channels
    pairs = {
        "classes": (len(checkpoint.classes), declaration.num_classes),
        "size": (preparation.geometry.size, declaration.size),
        "channels": (channels, declaration.in_channels),
        "mean": (len(preparation.mean), channels),
        "std": (len(preparation.std), channels),
    }
    for what, (found, expected) in pairs.items():
        if found != expected:
            raise ValueError(f"{what}: {found}, but {expected} declared")
    names = checkpoint.classes
    if not isinstance(checkpoint.task, str) or len({name for name in names if isinstance(name, str)}) < len(names):
        raise ValueError("task and classes are not names, each of its own")
    numbers = torch.tensor([*preparation.mean, *preparation.std])
    if not (numbers.isfinite().all() and min(preparation.std) > 0):
        raise ValueError("mean and std are not numbers to divide by")
    if not all(weight.isfinite().all() for weight in checkpoint.weights.values()):
        raise ValueError("its weights are not all numbers")
    if checkpoint.seen.dtype != torch.int64 or checkpoint.seen.dim() != 1:
        raise ValueError("seen is not a list of fingerprints")


def model_path(path: str | Path) -> Path:
    """The model file itself, also when given the run directory that holds it. Raises ModelFileError."""
    given = Path(path)
    file = given / MODEL_FILE if given.is_dir() else given
    if not file.is_file():
        where = f"the folder {given} holds no {MODEL_FILE}" if given.is_dir() else f"there is no file {given}"
        raise ModelFileError(f"{where}; expected a model file or a run directory of striate train")
    return file


def _read(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The header and all tensors of a safetensors file written here."""
    try:
        with safe_open(file, framework="pt") as content:
            metadata = content.metadata() or {}
            tensors = {key: content.get_tensor(key) for key in content.keys()}
        header = json.loads(metadata.get(HEADER, "null"))
    except OSError as error:
        raise ModelFileError(f"{file} cannot be read: {error}; check its permissions") from error
    except (SafetensorError, ValueError) as error:
        raise ModelFileError(
            f"{file} is not a whole safetensors file ({error}); it may be cut off, or of another program: "
            f"expected the {MODEL_FILE} of striate train"
        ) from error
    if not isinstance(header, dict):
        raise ModelFileError(
            f"{file} is a safetensors file of another program: it has weights, but no declaration, preparation and "
            f"classes; expected the {MODEL_FILE} of striate train"
        )
    return header, tensors
