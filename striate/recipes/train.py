"""`striate train`: from images to a run directory with a trained network, its logbook and its report."""

import os
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import torch
from torch import nn

from striate.checkpoints.model_file import MODEL_FILE, Checkpoint, load_checkpoint, save_checkpoint
from striate.datasets.dataset import VALIDATION, Dataset
from striate.datasets.dividing import split_csv
from striate.datasets.loading import Skipped
from striate.errors import RunError, SettingsError, StorageError
from striate.machine.choice import Machine
from striate.machine.doctor import describe_choices, versions
from striate.recipes.announcing import announce
from striate.recipes.augmented import augmented_images
from striate.recipes.data import RunData
from striate.recipes.first_batch import draw_first_batch
from striate.recipes.given import settings_for
from striate.recipes.outcome import Model, Outcome, measure, sentences, task_name, truth
from striate.recipes.processes import machine_of, read_together, suited
from striate.recipes.progress import Display
from striate.recipes.report import Results, make_report
from striate.recipes.run_folder import (
    DEFAULT_PARENT,
    FIRST_BATCH_FILE,
    REPORT_FILE,
    RUN_FILE,
    SPLIT_FILE,
    begin_run,
    check_free,
    read_run,
    recipe_numbers,
)
from striate.recipes.sample import write_sample
from striate.recipes.settings import Settings, read_settings
from striate.recipes.start import Start, start_of
from striate.recipes.tensorboard import check_tensorboard
from striate.recipes.watching import Watches, boards
from striate.training.fit import fit
from striate.training.logbook import Epoch, read_rows
from striate.training.meeting import meet, one_voice
from striate.training.memory import is_out_of_memory
from striate.training.state import read_progress
from striate.training.store import remember, remembered, restarts
from striate.training.together import Together
from striate.writing import write_whole


@dataclass(frozen=True)
class Run:
    """A finished run: where it is, and how its best network does on the part that its figures are of."""

    folder: Path
    model: Model
    part: str  # "test", or "validation" where the data have no test
    evaluation: Outcome
    skipped: tuple[Skipped, ...]
    leaked: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "run": str(self.folder),
            "model": str(self.folder / MODEL_FILE),
            "report": str(self.folder / REPORT_FILE),
            "part": self.part,
            **self.evaluation.to_dict(),
            "skipped": [asdict(file) for file in self.skipped],
            "leaked": list(self.leaked),
        }


def train(
    data: str | os.PathLike[str] | Dataset | None = None,
    *,
    config: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    **settings: Any,
) -> Run:
    """Train a network on images and write a run directory; the settings are those of `Settings`.

    Args:
        data: whatever `open_dataset` opens, "digits" if not given; or a data set made in Python, as of arrays, which
            must be given again to resume.
        config: a run.toml to repeat; `data` and `settings` given besides it win.
        resume: a run directory to go on with, as it was set up; nothing else can be given with it.
        quiet: show no progress.
        **settings: any of the fields of `Settings`.

    Raises:
        StriateError: with one sentence that says what came, what was expected and how to repair it.
        KeyboardInterrupt: the run directory is then ready to be resumed.
    """
    given = data if isinstance(data, Dataset) else None
    if resume is not None and (settings or config is not None or (data is not None and given is None)):
        raise SettingsError("a resumed run goes on as it was set up; give no other setting with --resume")
    with one_voice():
        together = meet()
        display = Display(quiet=quiet, leads=together.leads)
        begun = remembered() if resume is None else Path(resume)
        if begun is not None and (resume is not None or (begun / RUN_FILE).exists()):
            if resume is None:
                display.say(f"restart {restarts()}: going on with {begun}, from step {read_progress(begun).step}")
            return _resume(begun, given, together, display)
        chosen, _ = settings_for(data, settings, None if config is None else read_settings(Path(config)))
        if restarts() and chosen.out is not None and (Path(chosen.out) / RUN_FILE).exists():
            return _resume(Path(chosen.out), given, together, display)  # torchrun has lost its memory with its machine
        return _begin(chosen if begun is None else chosen.but(out=begun), given, together, display)


def _begin(chosen: Settings, given: Dataset | None, together: Together, display: Display) -> Run:
    if chosen.tensorboard:
        check_tensorboard()
    machine = machine_of(chosen, together)
    check_free(Path(chosen.out or DEFAULT_PARENT / "new"), chosen.data)
    run_data = read_together(chosen, display, given, together)
    machine = suited(machine, chosen, run_data)
    folder = Path(together.told(str(begin_run(chosen, run_data, machine, remember)) if together.leads else None))
    return _run(folder, chosen, run_data, machine, together, display)


def _resume(folder: Path, given: Dataset | None, together: Together, display: Display) -> Run:
    began = read_run(folder)
    chosen = read_settings(folder / RUN_FILE)
    if began["recipe"] != recipe_numbers(chosen):
        raise RunError(
            f"{folder} began with another recipe, of striate {began['versions']['striate']}; finish it with that"
        )
    run_data = read_together(chosen, display, given, together)
    if run_data.digest != began["data"].get("digest"):
        raise RunError(
            f"the images of {chosen.data}{' or the --weights' if chosen.weights else ''} changed since {folder} began; "
            f"train anew: --config {folder / RUN_FILE}"
        )
    machine = suited(machine_of(chosen, together), chosen, run_data)
    display.say(f"resumed  {folder}, from step {read_progress(folder).step}")
    if (describe_choices(machine), versions()) != (began["machine"], began["versions"]):
        display.say("machine or versions are not quite those of run.toml: the last digits may differ")
    return _run(folder, chosen, run_data, machine, together, display)


def _run(
    folder: Path, chosen: Settings, run_data: RunData, machine: Machine, together: Together, display: Display
) -> Run:
    """Train from the state in `folder`, or from the start, to the end; then measure and report."""
    announce(run_data, chosen, machine, together, display)
    start = start_of(run_data, chosen, machine, together, display)
    if together.leads:
        write_whole(folder / SPLIT_FILE, split_csv(run_data.dataset))
        with closing(start.shown.views(0)) as views:
            write_whole(folder / FIRST_BATCH_FILE, draw_first_batch(next(views), run_data.classes))
    seen = torch.from_numpy(run_data.seen)

    def keep(judged: nn.Module, epoch: Epoch) -> None:
        """Write the network of the best epoch so far."""
        checkpoint = Checkpoint(
            task=task_name(run_data),
            declaration=run_data.declaration,
            preparation=run_data.preparation,
            classes=run_data.classes,
            recipe={"data": run_data.name, "seed": chosen.seed, **recipe_numbers(chosen)},
            measured={"epoch": epoch.epoch, "validation": dict(epoch.validation)},
            weights=start.weights(judged),
            seen=seen,
        )
        save_checkpoint(folder / MODEL_FILE, checkpoint)

    try:
        done = read_progress(folder).step
        with display.training(start.course, done) as shown, boards(folder, chosen, together, done) as written:
            fit(start.learner, start.course, machine, folder, Watches(shown, *written), keep)
        together.wait()
        return _finish(folder, chosen, run_data, start, machine, display)
    except KeyboardInterrupt:
        display.say(f"stopped; go on with: striate train --resume {quote(str(folder))}")
        raise
    except StorageError as error:
        raise StorageError(f"{error}; then go on with: striate train --resume {quote(str(folder))}") from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise RunError(
            f"memory ran out while the result was measured ({' '.join(str(error).split())[:100]}); where there is "
            f"more, go on with: striate train --resume {quote(str(folder))}"
        ) from error


def _finish(folder: Path, chosen: Settings, run_data: RunData, start: Start, machine: Machine, display: Display) -> Run:
    """Measure the best network on the final part; the first process writes that into its file, and the report."""
    model, evaluation = measure(load_checkpoint(folder), run_data, machine)
    checkpoint = model.checkpoint
    run = Run(folder, model, run_data.final, evaluation, run_data.skipped, run_data.leaked)
    if not start.course.together.leads:
        return run
    save_checkpoint(folder / MODEL_FILE, checkpoint)
    right = [place for place in range(len(evaluation.images)) if place not in set(evaluation.mistakes)]
    sample = right[0] if right else 0
    sample_file = folder / write_sample(folder, evaluation.images.images[sample], checkpoint.preparation.geometry)
    results = Results(
        title=f"{run_data.name} · {checkpoint.declaration.name}",
        model=model,
        part=run.part,
        evaluation=evaluation,
        epochs=read_rows(folder),
        run_file=(folder / RUN_FILE).read_text(encoding="utf-8"),
        skipped=run.skipped,
        leaked=run.leaked,
        findings=run_data.findings,
        augmented=augmented_images(start.course, run_data.classes),
        folder=Path(chosen.data) if Path(chosen.data).is_dir() else None,
        processes=start.course.together.size,
        parts=read_progress(folder).parts,
    )
    write_whole(folder / REPORT_FILE, make_report(results).encode())
    epochs = chosen.to_recipe().epochs
    display.say(f"kept     epoch {checkpoint.measured['epoch']} of {epochs}, whose validation loss is the lowest")
    said, *further = sentences(evaluation, run.part)
    display.say(said)
    if run.part == VALIDATION:
        display.say("these images also chose the best epoch, so expect a little less on others: add a test/ folder")
    for sentence in further:
        display.say(sentence)
    if run.leaked:
        display.say(f"{len(run.leaked)} test images are exact copies of images trained on, {run.leaked[0]} among them")
    display.say(f"report   {folder / REPORT_FILE}")
    display.say(f"sample   {sample_file} is {truth(evaluation, sample)}")
    display.say(f"try it   striate predict {quote(str(folder))} {quote(str(sample_file))}")
    return run
