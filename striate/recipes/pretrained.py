"""What a run begins with: weights of others, and with them how images must be prepared for these."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import architecture, create_model, declare
from striate.architectures.network import Network
from striate.architectures.weights.files import is_model_file
from striate.checkpoints.model_file import MODEL_FILE, load_checkpoint
from striate.errors import ModelFileError, SettingsError
from striate.images.preparation import Geometry, Preparation
from striate.recipes.settings import Settings
from striate.training.freezing import parse_freeze
from striate.training.recipe import NONE

DEFAULT_MODEL = "lenet5"


@dataclass(frozen=True)
class Pretrained:
    """A file of weights, the network that they are of, and the preparation that this knows its images by."""

    path: Path
    declaration: Declaration
    preparation: Preparation
    seen: Tensor = field(
        default_factory=lambda: torch.empty(0, dtype=torch.int64)
    )  # fingerprints of what it learnt from

    @cached_property
    def digest(self) -> bytes:
        """Of the file as it is."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()

    def prepared(self, measured: Preparation) -> Preparation:
        """Images prepared with the mean and the spread that these weights know, if they are of as many channels."""
        if len(self.preparation.mean) != len(measured.mean):
            return measured
        return replace(measured, mean=self.preparation.mean, std=self.preparation.std)


def read_pretrained(settings: Settings) -> Pretrained | None:
    """What --weights names, if it is given. Raises ModelFileError or SettingsError for what cannot be begun with."""
    if settings.weights is None:
        return None
    path = Path(settings.weights)
    if path.is_dir():
        path = path / MODEL_FILE
    if not path.is_file():
        raise ModelFileError(f"there is no file {path}; expected a model file, a run directory, or weights of others")
    if is_model_file(path):
        checkpoint = load_checkpoint(path)
        if settings.model not in (None, checkpoint.declaration.name):
            raise SettingsError(
                f"{path} holds the weights of {checkpoint.declaration.name}, not of {settings.model}; leave out --model"
            )
        return Pretrained(path, checkpoint.declaration, checkpoint.preparation, checkpoint.seen)
    if settings.model is None:
        raise SettingsError(f"{path} does not say which network its weights are of; name it by --model")
    entry = architecture(settings.model)
    own = declare(settings.model, size=settings.size, stem=settings.stem)
    return Pretrained(path, own, Preparation(Geometry(own.size, own.in_channels), entry.mean, entry.std))


def declaration_of(settings: Settings, pretrained: Pretrained | None, num_classes: int) -> Declaration:
    """The network of a run."""
    if pretrained is None:
        return declare(settings.model or DEFAULT_MODEL, num_classes=num_classes, size=settings.size, stem=settings.stem)
    own = pretrained.declaration
    size = own.size if settings.size is None else (settings.size, settings.size)
    channels = own.in_channels if settings.channels is None else settings.channels
    return Declaration(own.name, num_classes, channels, size, own.stem)


def frozen_stages(settings: Settings, network: object) -> int:
    """How many stages of the network learn no more. Raises SettingsError."""
    words = settings.freeze or NONE
    if words == NONE:
        return 0
    if not isinstance(network, Network):
        raise SettingsError(f"freeze is {words!r}, but a layer pattern has no stages; leave out --freeze")
    return parse_freeze(words, len(network.stages))


def with_weights(declaration: Declaration, pretrained: Pretrained) -> nn.Module:
    """The declared network with these weights; what does not fit another number of classes is new. WeightsError."""
    return create_model(
        declaration.name,
        num_classes=declaration.num_classes,
        in_channels=declaration.in_channels,
        size=declaration.size,
        stem=declaration.stem,
        weights=pretrained.path,
    )
