"""One run in several processes: what each of them takes of the machine, and who reads the images first."""

import os
from dataclasses import replace

import torch

from striate.architectures.catalogue import build
from striate.datasets.dataset import TRAIN, Dataset
from striate.errors import SettingsError
from striate.machine.choice import Machine, choose
from striate.recipes.data import RunData, read_run_data
from striate.recipes.progress import Display
from striate.recipes.settings import Settings
from striate.training.recipe import ALL
from striate.training.together import Together


def machine_of(chosen: Settings, together: Together) -> Machine:
    """The machine, or this process's part of it: a GPU of its own, or its share of the threads."""
    device = chosen.device
    if together.size > 1 and device == "auto" and torch.cuda.is_available():
        device = f"cuda:{together.place}"
    machine = choose(device, chosen.number_format)
    if "OMP_NUM_THREADS" in os.environ:  # which says how many each process has; torchrun sets it to 1 if nobody else
        return machine
    return replace(machine, threads=max(1, machine.threads // together.here))


def suited(machine: Machine, chosen: Settings, run_data: RunData) -> Machine:
    """The machine with the number format in which this network trains faster, unless one is asked for.

    A head alone, on features that are there already, has too little to multiply.
    """
    if chosen.freeze == ALL:
        return machine
    declaration = run_data.declaration
    with torch.device("meta"):
        network = build(declaration)
    return machine.for_network(network, (declaration.in_channels, *declaration.size))


def read_together(chosen: Settings, display: Display, given: Dataset | None, together: Together) -> RunData:
    """The images of a run. Of several processes on a machine the first puts them on the disk, and the others map them.

    Raises SettingsError for more processes than there are images in a step or a part, and what reading raises.
    """
    if together.size == 1:
        return read_run_data(chosen, display, given)
    batch_size = chosen.to_recipe().batch_size
    if batch_size < 2 * together.size:
        raise SettingsError(
            f"batch_size is {batch_size} for {together.size} processes; expected at least two images for each in a step"
        )
    with together.in_turn("reading"):
        run_data = read_run_data(chosen.but(cache="disk") if chosen.cache == "auto" else chosen, display, given)
    if (count := len(run_data.parts[TRAIN])) < together.size:
        raise SettingsError(f"{count} training images are too few for {together.size} processes; start fewer")
    return run_data
