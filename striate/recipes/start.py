"""What a run starts with: a network whose weights depend on the seed and a file alone, and the course it follows."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from striate.architectures.catalogue import build
from striate.architectures.network import Network
from striate.datasets.dataset import TRAIN, VALIDATION
from striate.datasets.loading import ImageSet
from striate.datasets.pool import usual_workers
from striate.datasets.supply import Held, Streamed, Supply
from striate.images.batches import Batch
from striate.machine.choice import Machine, room_for_images
from striate.recipes.augmenting import policy_of
from striate.recipes.data import RunData
from striate.recipes.fitting import parts_of
from striate.recipes.outcome import task_of
from striate.recipes.pretrained import frozen_stages, with_weights
from striate.recipes.progress import Display
from striate.recipes.settings import Settings
from striate.tasks.prior import begin_at, log_odds
from striate.tasks.tagging import Tagging
from striate.training.course import AsTheyAre, Course
from striate.training.freezing import Divided, freeze
from striate.training.together import Together
from striate.training.whitening import enough, whiten, whitening_layer

_TOGETHER = 64  # images whose features are computed at once


@dataclass(frozen=True)
class Start:
    """The whole network, what of it learns, and from what: the images' features, if it is the head alone."""

    network: nn.Module
    learner: nn.Module
    course: Course
    shown: Course  # the same with the images themselves
    divided: Divided | None = None

    def weights(self, judged: nn.Module) -> dict[str, Tensor]:
        """Those of the whole network, once the learner has become `judged`."""
        if self.divided is None:
            return judged.state_dict()
        return self.divided.whole(judged)


def first_network(run_data: RunData, seed: int) -> nn.Module:
    """The declared network; the caller's random state is left as it was."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        if run_data.pretrained is None:
            return build(run_data.declaration)
        return with_weights(run_data.declaration, run_data.pretrained)


def _has_new_head(run_data: RunData) -> bool:
    known = run_data.pretrained
    return known is None or known.declaration.num_classes != run_data.declaration.num_classes


def start_of(run_data: RunData, chosen: Settings, machine: Machine, together: Together, display: Display) -> Start:
    """Everything that the settings ask for; with all stages frozen their features are computed here, once."""
    network = first_network(run_data, chosen.seed)
    if run_data.pretrained is None and (layer := whitening_layer(network)) is not None:
        images = run_data.parts[TRAIN].images  # which may lie class by class
        shown = images[:: max(1, len(images) // enough(*run_data.declaration.size))]
        whiten(layer, run_data.preparation.normalise(torch.from_numpy(shown)))
    course = course_of(run_data, chosen, machine, together, display)
    if isinstance(course.task, Tagging) and _has_new_head(run_data):
        begin_at(network, log_odds(run_data.parts[TRAIN].targets, course.task.positive_weights))
    stages = frozen_stages(chosen, network)
    if not stages:
        return Start(network, network, course, course)
    assert isinstance(network, Network)
    freeze(network, stages)
    if stages < len(network.stages):
        return Start(network, network, course, course)
    divided = Divided(network)
    machine.place(network)
    with display.reading(len(course.train) + len(course.validation), "computing features") as watch:
        train, validation = (
            _features(supply, divided, course, machine, watch.advance) for supply in (course.train, course.validation)
        )
    recipe = replace(course.recipe, progressive=None, checkpointing=False)  # which are for images and stages
    features = replace(
        course, train=train, validation=validation, preparation=AsTheyAre(), augmentation=None, parts=1, recipe=recipe
    )
    return Start(network, divided.head, features, course, divided)


def course_of(run_data: RunData, chosen: Settings, machine: Machine, together: Together, display: Display) -> Course:
    """The course that the settings ask for."""
    recipe = chosen.to_recipe()
    return Course(
        train=_supply(run_data.parts[TRAIN], machine, chosen, display.say_own),
        validation=_supply(run_data.parts[VALIDATION], machine, chosen, display.say_own),
        preparation=run_data.preparation,
        augmentation=policy_of(
            recipe.augment,
            run_data.parts[TRAIN].images,
            num_classes=len(run_data.classes),
            white=run_data.preparation.white,
        ),
        task=task_of(run_data, recipe),
        recipe=recipe,
        seed=chosen.seed,
        together=together,
        parts=1 if chosen.accumulate else parts_of(run_data.declaration, recipe, machine, together, display.say),
    )


def _features(
    supply: Supply, divided: Divided, course: Course, machine: Machine, advance: Callable[[int], None]
) -> Held:
    """What the frozen part gives for every image (N, ...), computed by all processes together."""
    divided.features.eval()
    targets: list[Tensor] = []

    def images() -> Generator[Tensor, None, None]:
        own = course.together.share(torch.arange(len(supply)))
        for _, batch in supply.batches(torch.split(own, _TOGETHER) if len(own) else ()):
            targets.append(batch.targets)
            yield course.preparation.normalise(batch.images)
            advance(len(batch))

    with closing(images()) as prepared:
        shown = len(course.together.share(torch.arange(len(supply))))
        features = machine.infer(divided.features, prepared) if shown else None
    join = course.together.join
    labels = join(torch.cat(targets) if targets else None)
    return Held(Batch(join(features).to(machine.device), labels.to(machine.device)))


def _supply(images: ImageSet, machine: Machine, chosen: Settings, say: Callable[[str], None]) -> Supply:
    """What is in memory goes to the device as a whole, if it has room; the rest is read ahead in parts."""
    stack = images.images
    if isinstance(stack, np.ndarray) and not isinstance(stack, np.memmap) and stack.nbytes <= room_for_images(machine):
        return Held(images.batch(machine.device), images.shards)
    workers = usual_workers() if chosen.workers is None else chosen.workers
    return Streamed(images, machine.device, workers, say)
