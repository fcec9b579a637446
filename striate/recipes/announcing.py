"""What is said before a training: the images, the network, the recipe, the machine, and what to look at."""

from striate.datasets.dataset import TRAIN
from striate.description.describing import describe_network
from striate.machine.choice import Machine
from striate.machine.doctor import describe_choices
from striate.recipes.data import RunData
from striate.recipes.progress import Display
from striate.recipes.settings import Settings
from striate.training.course import steps_per_epoch
from striate.training.recipe import ALL
from striate.training.together import Together

_NAMED = 10  # skipped files
FEW_STEPS = 200  # in which few networks learn anything


def announce(run_data: RunData, chosen: Settings, machine: Machine, together: Together, display: Display) -> None:
    """Say it, a line each."""
    declaration, parts = run_data.declaration, run_data.parts
    counts = ", ".join(f"{len(images):,} {part}" for part, images in parts.items())
    height, width = declaration.size
    colour = {1: "grey", 3: "colour"}.get(declaration.in_channels, f"{declaration.in_channels} channels")
    classes = f"{len(run_data.classes)} {run_data.dataset.task}"
    display.say(f"data     {run_data.name}: {counts} images of {classes}, {run_data.where}")
    card = describe_network(declaration)
    display.say(
        f"network  {declaration.name} on {height}×{width} {colour}: "
        f"{card.parameters:,} parameters, {card.multiplies:,} multiplies an image"
    )
    display.say(f"recipe   {_in_words(chosen, run_data, together)}")
    if run_data.pretrained is not None:
        display.say(f"weights  of {run_data.pretrained.path}; frozen: {chosen.freeze or 'none'}")
    choices = {name: choice["value"] for name, choice in describe_choices(machine).items()}
    shown = ", ".join(choices[name] for name in ("device", "number_format", "memory_format", "threads"))
    processes = f" in each of {together.size} processes" if together.size > 1 else ""
    display.say(f"machine  {shown} threads{processes} (striate doctor says why)")
    steps = _steps(chosen, run_data, together)
    if steps < FEW_STEPS and chosen.freeze != ALL:
        display.say(f"look     only {steps:,} steps in all: use more --epochs, or a smaller --batch-size")
    to_look_at = [finding for finding in run_data.findings if finding.level != "note"]
    for finding in to_look_at:
        display.say(
            f"look     {finding.title}: {finding.count:,} {finding.unit}, as {finding.example}; {finding.advice}"
        )
    if to_look_at:
        display.say("look     `striate check` shows these as pictures, and writes exclude.txt and check.html")
    for file in run_data.skipped[:_NAMED]:
        display.say(f"skipped  {file.name}: {file.reason}")
    if run_data.skipped:
        display.say(f"skipped  {len(run_data.skipped):,} files in all; the report names each")


def _in_words(chosen: Settings, run_data: RunData, together: Together) -> str:
    """The recipe's main numbers."""
    recipe = chosen.to_recipe()
    steps = _steps(chosen, run_data, together) // recipe.epochs
    name = chosen.recipe_name
    return (
        f"{name}: {recipe.epochs} epochs of {steps} steps of {recipe.batch_size} images, {recipe.optimizer} at "
        f"{recipe.rate:g}, {recipe.schedule}, augmentation {recipe.augment}"
    )


def _steps(chosen: Settings, run_data: RunData, together: Together) -> int:
    recipe = chosen.to_recipe()
    return recipe.epochs * steps_per_epoch(len(run_data.parts[TRAIN]), recipe.batch_size, together.size)
