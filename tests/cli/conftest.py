"""The command line called in this process, and a model to call it with."""

import pytest

import striate
from striate.cli.main import main


@pytest.fixture(scope="session", autouse=True)
def _alone(one_thread):
    """Every test here runs on one thread."""


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The directory of a linear network trained on the digits for two epochs."""
    out = tmp_path_factory.mktemp("cli") / "digits run"
    return striate.train("digits", model="linear", size=8, epochs=2, out=str(out), quiet=True).folder


@pytest.fixture
def cli(capsys):
    """Call `striate` with these words; gives the exit code, the standard output and the standard error."""

    def call(*words):
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return call
