import os

import pytest

from striate.machine.waiting import let_idle_threads_sleep


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that it is put back as it was
        monkeypatch.delenv(name)


def test_idle_threads_are_told_to_sleep_soon():
    let_idle_threads_sleep()
    assert int(os.environ["GOMP_SPINCOUNT"]) <= 1000


@pytest.mark.parametrize(("name", "value"), [("GOMP_SPINCOUNT", "7"), ("OMP_WAIT_POLICY", "ACTIVE")])
def test_what_the_user_has_said_stands(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    let_idle_threads_sleep()
    assert os.environ[name] == value
    assert os.environ.get("GOMP_SPINCOUNT", "7") == "7"
