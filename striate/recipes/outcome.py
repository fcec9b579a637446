"""What a run is for and what it comes to, by what is known of its images: one class for each, or tags."""

from dataclasses import replace
from typing import Any

import numpy as np

from striate.checkpoints.model_file import Checkpoint
from striate.datasets.dataset import TRAIN, VALIDATION
from striate.machine.choice import Machine
from striate.recipes.data import RunData
from striate.tasks.classification import Classification, Classifier, Evaluation
from striate.tasks.loading import TASKS
from striate.tasks.tagger import TagEvaluation, Tagger
from striate.tasks.tagging import Tagging, positive_weights
from striate.training.balance import class_weights
from striate.training.course import Task
from striate.training.recipe import Recipe

Model = Classifier | Tagger
Outcome = Evaluation | TagEvaluation


def task_name(run_data: RunData) -> str:
    """What model files call the task."""
    return "tagging" if run_data.dataset.task == "tags" else "classification"


def task_of(run_data: RunData, recipe: Recipe) -> Task:
    """What training is handed: the loss, weighted where classes of unequal size are to count the same."""
    targets = run_data.parts[TRAIN].targets
    if targets.ndim == 2:
        costs = None if recipe.balance == "none" else positive_weights(targets.sum(axis=0, dtype=int), len(targets))
        return Tagging(recipe.label_smoothing, costs if recipe.balance == "loss" else None, costs)
    counts = np.bincount(targets, minlength=len(run_data.classes))
    weights = None if recipe.balance == "none" else class_weights(counts)
    return Classification(recipe.label_smoothing, weights if recipe.balance == "loss" else None, weights)


def measure(checkpoint: Checkpoint, run_data: RunData, machine: Machine) -> tuple[Model, Outcome]:
    """The model, its figures on the final part in its checkpoint; a tagger with thresholds of the validation images."""
    model: Model = TASKS[checkpoint.task].of(checkpoint, str(machine.device))
    if isinstance(model, Tagger):
        model = model.with_thresholds(run_data.parts[VALIDATION])
    outcome = model.evaluate(run_data.parts[run_data.final])
    known = model.checkpoint.with_measured(final={"part": run_data.final, **figures(outcome)})
    return replace(model, checkpoint=known), outcome


def figures(outcome: Outcome) -> dict[str, Any]:
    """The main ones, for the model file."""
    names = ["accuracy", "balanced_accuracy"]
    if isinstance(outcome, TagEvaluation):
        names = ["mean_average_precision", "f1_micro", "f1_macro", "exact_match"]
    return {name: getattr(outcome, name) for name in names} | {"interval_95": outcome.interval, "n": outcome.n}


def sentences(outcome: Outcome, part: str) -> list[str]:
    """The main ones for a person, and whether they are better than chance."""
    low, high = (100 * end for end in outcome.interval)
    right = f"{outcome.right:,} of {outcome.n:,} right (95 % interval {low:.1f} to {high:.1f} %)"
    if isinstance(outcome, TagEvaluation):
        return [
            f"{part} mean average precision {100 * outcome.mean_average_precision:.1f} % (by chance "
            f"{100 * outcome.guessing:.1f} %), F1 {100 * outcome.f1_micro:.1f} % over all tags, "
            f"{100 * outcome.f1_macro:.1f} % in the mean over tags",
            f"all tags of an image: {right}",
        ]
    said = [
        f"{part} accuracy {100 * outcome.accuracy:.1f} %: {right}; balanced {100 * outcome.balanced_accuracy:.1f} %"
    ]
    if outcome.interval[0] <= outcome.guessing:
        said.append(
            f"that is not surely better than always saying the commonest class ({100 * outcome.guessing:.1f} %): "
            "look at the report, try more epochs, another --rate or more images"
        )
    return said


def truth(outcome: Outcome, place: int) -> str:
    """The class of an image, or its tags, in quotation marks."""
    if isinstance(outcome, TagEvaluation):
        return ", ".join(repr(outcome.classes[number]) for number in np.flatnonzero(outcome.truth[place])) or "no tag"
    return repr(outcome.classes[outcome.images.targets[place]])
