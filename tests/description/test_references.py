"""`package.module:function`: what the user's code gives, and what it raises, at its file and line."""

import re

import pytest

from striate.description.comparison import compare
from striate.description.describing import describe
from striate.errors import SettingsError

MODULE = """\
from functools import partial

from torch import nn

def network(num_classes=4):
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, num_classes))

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3), nn.ReLU())

class Nets:
    net = staticmethod(network)

ready = Net()
half = partial(network, num_classes=2)
number = 7

def plain():
    return Net()

def five(num_classes=5):
    return network(num_classes)

def of_width(width):
    return nn.Conv2d(3, width, 3)

def nothing():
    return None

def broken():
    return {}["width"]

def stops():
    raise RuntimeError("no weights here\\nand more lines")
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty working directory with one module of our own in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    (tmp_path / "our_networks.py").write_text(MODULE)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("network", 224 + 289 * 4),  # 27·8 + 8, and (8·6·6 + 1) for each class
        ("Nets.net", 224 + 289 * 4),
        ("five", 224 + 289 * 5),  # the function's own default, which is not striate's to change
        ("half", 224 + 289 * 2),
        ("Net", 224),
        ("ready", 224),
        ("plain", 224),
    ],
)
def test_a_function_a_class_and_a_module_that_is_ready_are_described(name, parameters):
    card = describe(f"our_networks:{name}", 8)
    assert (card.parameters, card.name) == (parameters, f"our_networks:{name}")


def test_classes_are_passed_only_if_they_are_asked_for():
    assert describe("our_networks:five", 8, num_classes=3).rows[-1].output == (3,)
    with pytest.raises(SettingsError, match="our_networks:plain cannot be called with num_classes: got an unexpected"):
        describe("our_networks:plain", 8, num_classes=3)


def test_a_size_may_stand_behind_the_reference():
    assert describe("our_networks:network@8").rows[0].output == (3, 8, 8)
    assert describe("our_networks:Net@8x12").size == (8, 12)
    assert compare("our_networks:Net@8", "our_networks:Net@16").rows[1].size == (16, 16)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("of_width", "cannot be called with no argument: missing a required argument: 'width'; give it defaults"),
        ("number", "is of type int; expected a function that builds a network"),
        ("nothing", "gives a NoneType; expected a torch.nn.Module"),
        ("broken", "raised KeyError: 'width' (our_networks.py, line 32)"),
        ("stops", "raised RuntimeError: no weights here (our_networks.py, line 35)"),
    ],
)
def test_what_builds_no_network_is_told_with_its_place(name, sentence):
    with pytest.raises(SettingsError, match=re.escape(f"our_networks:{name} {sentence}")):
        describe(f"our_networks:{name}", 8)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_package_here", "ModuleNotFoundError: No module named 'no_such_package_here'"),
        ("\nwidth = 1 / 0", "ZeroDivisionError: division by zero (broken_when_imported.py, line 2)"),
        ("def network(:", "SyntaxError: "),
    ],
)
def test_what_a_module_raises_when_it_is_imported_is_told(place, code, said):
    (place / "broken_when_imported.py").write_text(code)
    with pytest.raises(SettingsError) as caught:
        describe("broken_when_imported:network", 8)
    assert f"broken_when_imported:network cannot be imported: {said}" in str(caught.value)
    assert str(caught.value).endswith("expected package.module:function, which builds a network")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no_such_module_here:network", "our_networks:missing", "our_networks:", ":network"])
def test_what_is_not_there_is_told_with_what_was_expected(name):
    with pytest.raises(SettingsError, match=r"cannot be imported: .*expected package\.module:function"):
        describe(name, 8)


def test_a_file_of_python_is_answered_with_how_to_write_it(place):
    with pytest.raises(SettingsError, match=r"our_networks\.py is a Python file; write our_networks:function"):
        describe("our_networks.py", 8)
    with pytest.raises(SettingsError, match="write our_networks:function"):
        describe(place / "our_networks.py", 8)
