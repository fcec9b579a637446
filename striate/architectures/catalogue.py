"""The catalogue: a visible dictionary from a name to its builder, its paper and the image it was made for."""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from torch import nn

from striate.architectures import (
    airbench,
    alexnet,
    amoebanet,
    dense,
    densenet,
    dilated,
    efficientnet,
    enas,
    googlenet,
    inception,
    inception_v4,
    lenet,
    mobilenet,
    nasnet,
    neocognitron,
    preactivation,
    resnet,
    resnet_cifar,
    segnet,
    senet,
    shufflenet,
    squeezenet,
    unet,
    vgg,
    xception,
)
from striate.architectures.architecture import Architecture, Declaration, Paper
from striate.architectures.network import Network, expect_to_fit
from striate.architectures.patterns.pattern import IN_CHANNELS, SIZE, is_pattern, parse
from striate.architectures.stem import Stem
from striate.architectures.weights.files import read_weights
from striate.architectures.weights.loading import Loaded, load_into, network_with
from striate.architectures.weights.needs import Zoo
from striate.errors import SettingsError, UnknownNameError, expect_whole

CATALOGUE: dict[str, Architecture] = {
    **dense.NETWORKS,
    **neocognitron.NETWORKS,
    **lenet.NETWORKS,
    **alexnet.NETWORKS,
    **vgg.NETWORKS,
    **googlenet.NETWORKS,
    **unet.NETWORKS,
    **segnet.NETWORKS,
    **dilated.NETWORKS,
    **resnet.NETWORKS,
    **resnet_cifar.NETWORKS,
    **preactivation.NETWORKS,
    **inception.NETWORKS,
    **inception_v4.NETWORKS,
    **squeezenet.NETWORKS,
    **densenet.NETWORKS,
    **xception.NETWORKS,
    **senet.NETWORKS,
    **mobilenet.NETWORKS,
    **shufflenet.NETWORKS,
    **nasnet.NETWORKS,
    **amoebanet.NETWORKS,
    **enas.NETWORKS,
    **efficientnet.NETWORKS,
    **airbench.NETWORKS,
}

PATTERNED: dict[str, Callable[..., Architecture]] = {  # names that hold numbers, and what takes these
    r"efficientnet_d([^_]*)_w([^_]*)": efficientnet.by_factors,
}


def architecture(name: str) -> Architecture:
    """The catalogue's entry, or what a name with numbers or a layer pattern stands for.

    Raises UnknownNameError with the nearest names, SettingsError for a number that makes no sense, or PatternError with
    a caret under the mistake.
    """
    if is_pattern(name):
        pattern = parse(name)
        return Architecture(
            lambda asked: pattern.build(asked.num_classes, asked.in_channels, asked.size),
            Paper("a layer pattern", 0, "", ""),
            num_classes=pattern.num_classes or 10,
            in_channels=pattern.in_channels or IN_CHANNELS,
            size=pattern.size or SIZE,
        )
    for numbered, entry in PATTERNED.items():
        if found := re.fullmatch(numbered, name):
            return entry(*found.groups())
    if name not in CATALOGUE:
        raise unknown(name)
    return CATALOGUE[name]


def unknown(name: str) -> UnknownNameError:
    """What to raise for a name that the catalogue does not have."""
    return UnknownNameError("model", name, CATALOGUE, listed_by="striate models")


def is_known(name: str) -> bool:
    """Whether a text is meant as one that `architecture` takes, and not as a file."""
    return name in CATALOGUE or is_pattern(name) or any(re.fullmatch(numbered, name) for numbered in PATTERNED)


def build(asked: Declaration) -> nn.Module:
    """A new network with random weights, mapping images (N, in_channels, *size) to what its architecture gives."""
    for name, value, most in (
        ("num_classes", asked.num_classes, 1_000_000),
        ("in_channels", asked.in_channels, 1_024),
        ("size", min(asked.size), 16_384),
        ("size", max(asked.size), 16_384),
    ):
        expect_whole(name, value, most)
    entry = architecture(asked.name)
    if asked.stem not in get_args(Stem):
        raise SettingsError(f"stem is {asked.stem!r}; expected {' or '.join(get_args(Stem))}")
    if asked.stem == "small" and not entry.small_stem:
        first, *others = (name for name, other in CATALOGUE.items() if other.small_stem)
        raise SettingsError(f"{asked.name} has no small stem; {first} and {len(others)} others have one")
    network = entry.build(asked)
    if isinstance(network, Network) and asked.size != entry.size:
        expect_to_fit(asked, network.stages)
    return network


ZOO = Zoo(CATALOGUE, build, architecture)


def declare(
    name: str,
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    size: int | tuple[int, int] | None = None,
    stem: Stem = "paper",
) -> Declaration:
    """A declaration, with the source's own classes, channels and size where none are given; one number is a square."""
    entry = architecture(name)
    sides = entry.size if size is None else (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2:
        raise SettingsError(f"size is {size}; expected pixels, one number or (height, width)")
    classes = entry.num_classes if num_classes is None else num_classes
    channels = entry.in_channels if in_channels is None else in_channels
    return Declaration(name, classes, channels, sides, stem)


def create_model(
    name: str,
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    size: int | tuple[int, int] | None = None,
    stem: Stem = "paper",
    weights: str | os.PathLike[str] | None = None,
) -> nn.Module:
    """A network of the catalogue as an ordinary module, its weights drawn from torch's random state or of a file.

    Args:
        name: a key of `CATALOGUE`, a name with numbers, as "efficientnet_d1.4_w1.2", or a layer pattern, as
            "INPUT 3x32x32 -> [CONV 32 -> RELU -> POOL]*2 -> FC 10".
        num_classes: the number K of scores it gives; the source's own if not given, 1000 for those made for ImageNet.
        in_channels: 1 for grey, 3 for colour; the source's own if not given.
        size: pixels, one number or (height, width); the source's own if not given.
        stem: "paper", or "small" for 32x32 images: one 3x3 convolution that keeps the size.
        weights: a file as `load_weights` takes it; what was done with it is kept as `network.loaded`.

    Raises:
        UnknownNameError: no such network; the sentence offers the nearest.
        PatternError: a mistake in a pattern; the sentence has a caret under it.
        SizeError: the network collapses at this size; the sentence names the layer.
        WeightsError: the file cannot be read, or is of another network; the sentence says which, if it is known here.

    >>> sum(p.numel() for p in create_model("lenet5").parameters())
    61706
    """
    asked = declare(name, num_classes=num_classes, in_channels=in_channels, size=size, stem=stem)
    if weights is None:
        return build(asked)
    network, loaded = network_with(read_weights(Path(weights)), asked, ZOO)
    return _told(network, loaded)


def load_weights(
    network: nn.Module, path: str | os.PathLike[str], declaration: Declaration, *, part: str | None = None
) -> Loaded:
    """Give a network that was built as declared the weights of a file, under our names or those of its dialects.

    The file is safetensors, a state dict of torch.save, an .npz, or a model file; nothing of it is run. Of several
    state dicts in one file the largest is taken, or `part`. Weights for other channels are adapted, those for other
    classes are left out. Raises WeightsError for what does not fit, and leaves the network as it was.
    """
    loaded = load_into(network, read_weights(Path(path), part), declaration, ZOO)
    _told(network, loaded)
    return loaded


def _told(network: nn.Module, loaded: Loaded) -> nn.Module:
    """The network with what was done for it, which is logged: as a warning where it is more than loading."""
    vars(network)["loaded"] = loaded
    logging.getLogger("striate").log(logging.INFO if loaded.as_it_is else logging.WARNING, "%s", loaded)
    return network
