"""What networks of the catalogue are, take and give, without a weight: on the meta device."""

import json
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model


@cache
def on_meta(name, **declared):
    with torch.device("meta"):
        return create_model(name, **declared).eval()


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def multiplies(module, side=224, channels=3):
    """Of convolutions and matrices, for one image."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, channels, side, side, device="meta"))
    return counter.get_total_flops() / 2


def maps_of(name, side=224):
    """The number of the maps of each stage, and their side."""
    with torch.no_grad():
        maps = on_meta(name).maps(torch.empty(1, 3, side, side, device="meta"))
    return {stage: tuple(values.shape[1:3]) for stage, values in maps.items()}


def shapes_by_torchvisions_names(name):
    tensors = on_meta(name).state_dict()
    names = CATALOGUE[name].names["torchvision"](list(tensors))
    return [[theirs, list(tensor.shape)] for theirs, tensor in zip(names, tensors.values(), strict=True)]


def oracle(shared, name):
    """What torchvision 0.28 publishes of a network: its figures, and its tensors' names and shapes."""
    figures, shapes = (
        json.loads((shared / "oracle" / f"torchvision_0.28.0_{file}.json").read_text())[name]
        for file in ("meta", "state_dict_shapes")
    )
    return figures["IMAGENET1K_V1"], shapes["state_dict"]
