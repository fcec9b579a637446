"""`striate.load`: from a model file to something that answers, by the task it was trained for."""

import os
from pathlib import Path

from striate.checkpoints.model_file import load_checkpoint
from striate.errors import UnknownNameError
from striate.tasks.classification import Classifier

TASKS = {"classification": Classifier}


def load(path: str | os.PathLike[str], *, device: str = "auto") -> Classifier:
    """The trained model of a model file or run directory, ready to `predict`.

    Raises ModelFileError if the file is missing, cut off, of another program or from a newer striate.
    """
    checkpoint = load_checkpoint(Path(path))
    if checkpoint.task not in TASKS:
        raise UnknownNameError("task", checkpoint.task, TASKS)
    return TASKS[checkpoint.task].of(checkpoint, device)
