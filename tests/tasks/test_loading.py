from dataclasses import replace

import numpy as np
import pytest
import torch

from striate.architectures.catalogue import Declaration, build
from striate.checkpoints.model_file import MODEL_FILE, Checkpoint, save_checkpoint
from striate.errors import ModelFileError, SettingsError, UnknownNameError
from striate.images.preparation import Geometry, Preparation
from striate.tasks.classification import Classifier
from striate.tasks.loading import load


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint, saved in the folder."""
    declaration, preparation = Declaration("linear", 2, 1, (4, 4)), Preparation(Geometry((4, 4), 1), (0.5,), (0.2,))
    weights = build(declaration).state_dict()
    one = Checkpoint("classification", declaration, preparation, ("cat", "dog"), {}, {}, weights, torch.arange(1))
    save_checkpoint(tmp_path / MODEL_FILE, one)
    return one


def test_load_gives_the_classifier_of_a_model_file_or_of_a_run_directory(checkpoint, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (5, 7), np.uint8)
    expected = Classifier.of(checkpoint, "cpu").predict(image)
    for place in (tmp_path, str(tmp_path), tmp_path / MODEL_FILE, str(tmp_path / MODEL_FILE)):
        assert load(place, device="cpu").predict(image) == expected


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"holds no model\.safetensors"):
        load(tmp_path)


def test_a_task_that_is_not_known_is_refused_with_the_nearest(checkpoint, tmp_path):
    save_checkpoint(tmp_path / MODEL_FILE, replace(checkpoint, task="clasification"))
    with pytest.raises(UnknownNameError, match="unknown task 'clasification'; did you mean classification"):
        load(tmp_path)


def test_a_device_that_is_not_known_is_refused(checkpoint, tmp_path):
    with pytest.raises(SettingsError, match="unknown device 'gpu'; expected auto, cpu, cuda or cuda:N"):
        load(tmp_path, device="gpu")
