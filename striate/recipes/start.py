"""What a run starts with: a network whose weights depend on the seed alone, and the course that it is to follow."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from striate.architectures.catalogue import build
from striate.datasets.dataset import TRAIN, VALIDATION
from striate.datasets.loading import ImageSet
from striate.datasets.pool import usual_workers
from striate.datasets.supply import Held, Streamed, Supply
from striate.machine.choice import Machine, room_for_images
from striate.recipes.augmenting import policy_of
from striate.recipes.data import RunData
from striate.recipes.settings import Settings
from striate.tasks.classification import Classification
from striate.training.balance import class_weights
from striate.training.course import Course


def first_network(run_data: RunData, seed: int) -> nn.Module:
    """The declared network; the caller's random state is left as it was."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        return build(run_data.declaration)


def course_of(run_data: RunData, chosen: Settings, machine: Machine, say: Callable[[str], None]) -> Course:
    """The course that the settings ask for."""
    recipe = chosen.recipe()
    counts = np.bincount(run_data.parts[TRAIN].targets, minlength=len(run_data.classes))
    weights = None if recipe.balance == "none" else class_weights(counts)
    return Course(
        train=_supply(run_data.parts[TRAIN], machine, chosen, say),
        validation=_supply(run_data.parts[VALIDATION], machine, chosen, say),
        preparation=run_data.preparation,
        augmentation=policy_of(
            chosen.augment,
            run_data.parts[TRAIN].images,
            num_classes=len(run_data.classes),
            white=run_data.preparation.white,
        ),
        task=Classification(recipe.label_smoothing, weights if recipe.balance == "loss" else None, weights),
        recipe=recipe,
        seed=chosen.seed,
    )


def _supply(images: ImageSet, machine: Machine, chosen: Settings, say: Callable[[str], None]) -> Supply:
    """What is in memory goes to the device as a whole, if it has room; the rest is read ahead in parts."""
    stack = images.images
    if isinstance(stack, np.ndarray) and not isinstance(stack, np.memmap) and stack.nbytes <= room_for_images(machine):
        return Held(images.batch(machine.device), images.shards)
    workers = usual_workers() if chosen.workers is None else chosen.workers
    return Streamed(images, machine.device, workers, say)
