"""In how many parts a batch is taken: few enough images at once for the memory that a step is predicted to need."""

import math
from collections.abc import Callable

import torch

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import build
from striate.description.memory import Conditions, training_bytes
from striate.machine.choice import Machine, memory_limit
from striate.training.recipe import OptimizerName, Recipe
from striate.training.together import Together

_SHARE = 0.6  # of the memory for a step; the rest is for images, kernels and others
_REMEMBERS: dict[OptimizerName, str] = {  # in the words of the arithmetic, an optimizer that remembers as much
    "sgd": "momentum",
    "adagrad": "momentum",
    "rmsprop": "adamw",
    "adamw": "adamw",
    "muon": "momentum",
}


def parts_of(
    declaration: Declaration, recipe: Recipe, machine: Machine, together: Together, say: Callable[[str], None]
) -> int:
    """A power of two; 1 if the whole batch fits, or if a step with two images does not.

    Checkpointing is not predicted: whoever asks for it has the whole batch at once.
    """
    if recipe.checkpointing:
        return 1
    with torch.device("meta"):
        network = build(declaration)
    own = math.ceil(recipe.batch_size / together.size)
    budget, parts = int(_budget(machine) / together.here), 1

    def needed(images: int) -> int:
        shape = (declaration.in_channels, *declaration.size)
        return training_bytes(network, Conditions(shape, images, optimizer=_REMEMBERS[recipe.optimizer]))

    while own // parts >= 4 and needed(math.ceil(own / parts)) > budget:
        parts *= 2
    if parts > 1:
        say(
            f"memory   a step with {own} images needs {needed(own) / 1e9:.1f} GB and {budget / 1e9:.1f} are free: "
            f"taken in {parts} parts of {math.ceil(own / parts)}"
        )
    return parts


def _budget(machine: Machine) -> float:
    if machine.device.type == "cuda":
        return _SHARE * torch.cuda.mem_get_info(machine.device)[0]
    return _SHARE * memory_limit()
