"""What one process of several takes of a machine, and how a batch is cut for its memory."""

import os
from dataclasses import replace

import pytest

from striate.architectures.catalogue import declare
from striate.errors import AnotherSaysError, RunError, SettingsError
from striate.machine.choice import choose
from striate.recipes import fitting
from striate.recipes.processes import machine_of, read_together
from striate.recipes.progress import Display
from striate.recipes.settings import Settings
from striate.training.meeting import answer_within, one_voice
from striate.training.recipe import Recipe
from striate.training.store import agree
from striate.training.together import ALONE, Together
from tests.training.several import in_processes

PAIR = Together(rank=1, size=2, place=1, here=2)


def test_processes_of_a_machine_divide_its_threads_unless_the_environment_says_how_many_each_has(monkeypatch):
    threads = choose("cpu").threads
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert machine_of(Settings(device="cpu"), PAIR).threads == max(1, threads // 2)
    assert machine_of(Settings(device="cpu"), ALONE).threads == threads
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    assert machine_of(Settings(device="cpu"), PAIR).threads == threads


def test_a_batch_with_fewer_than_two_images_for_each_process_is_refused():
    with pytest.raises(SettingsError, match="batch_size is 3 for 2 processes; expected at least two images for each"):
        read_together(Settings(batch_size=3), Display(quiet=True), None, PAIR)


def test_a_batch_is_cut_in_halves_until_what_a_step_is_predicted_to_need_fits(monkeypatch):
    """LeNet-5 on 32×32 needs less than 1 MB for its weights and some kB an image."""
    said = []
    declaration = declare("lenet5", num_classes=10)
    machine, recipe = replace(choose("cpu"), threads=1), Recipe(epochs=1, batch_size=1024, rate=0.1)
    parts = {}
    for limit in (2**40, 64 * 2**20, 16 * 2**20, 2**10):
        monkeypatch.setattr(fitting, "memory_limit", lambda limit=limit: limit)
        parts[limit] = fitting.parts_of(declaration, recipe, machine, ALONE, said.append)
    assert parts[2**40] == 1
    assert parts[64 * 2**20] < parts[16 * 2**20]
    assert parts[2**10] == 512
    assert all(number & (number - 1) == 0 for number in parts.values())
    assert "taken in 512 parts of 2" in said[-1]


@pytest.mark.parametrize("given", ["", "soon", "0", "-1", "1.5", "90000"])
def test_a_patience_that_is_no_number_of_seconds_is_refused(monkeypatch, given):
    monkeypatch.setenv("STRIATE_ANSWER_WITHIN", given)
    with pytest.raises(SettingsError, match="STRIATE_ANSWER_WITHIN"):
        answer_within()


def test_alone_every_error_is_ones_own():
    with pytest.raises(RunError, match=r"^mine$"), one_voice():
        raise RunError("mine")
    with pytest.raises(RuntimeError, match="not about processes"), one_voice():
        raise RuntimeError("not about processes")


def voices(together):
    """What both say when both fail, and the folder-like words of two starts in one store."""
    try:
        with one_voice():
            raise RunError("the disk is full")
    except AnotherSaysError:
        said = False
    except RunError:
        said = True
    together.wait()  # the first keeps the store until the other has spoken
    return said, os.environ["STRIATE_START"]


def test_of_two_processes_that_fail_alike_one_says_it_and_they_agree_on_the_name_of_their_start(tmp_path):
    (first, name), (second, other) = in_processes(2, voices, folder=tmp_path)
    assert {first, second} == {True, False}
    assert name == other


class Words:
    """A store of one process, with what those before it have left."""

    def __init__(self, left):
        self.words = dict(left)

    def set(self, key, value):
        self.words[key] = value.encode()

    def get(self, key):
        return self.words[key]

    def check(self, keys):
        return all(key in self.words for key in keys)

    def add(self, key, more):
        self.words[key] = self.words.get(key, 0) + more
        return self.words[key]


def test_the_words_of_dead_processes_are_not_taken_for_those_of_living_ones(monkeypatch):
    monkeypatch.setenv("STRIATE_START", "")
    left = {"striate/start/0": b"dead", "striate/start/1": b"dead too", "striate/start": b"dead dead too"}
    with pytest.raises(TimeoutError, match="2 were expected within 0 s"):
        agree(Words(left), 2, 0.2)
    alone = Words(left)
    assert agree(alone, 1, 5) != agree(alone, 1, 5)
