"""One step of a policy as words: its name, then its knobs, each after a colon.

shift               as it comes
shift:2:edge        values, in the order of the class's fields
shift:border=edge   by name, after the values
"""

from dataclasses import MISSING, fields
from typing import Any, get_args, get_type_hints

from striate.errors import SettingsError, UnknownNameError

NO_STEPS = "none"
FROM_DATA = {  # knobs that no text holds, and what they are
    "num_classes": "the number of classes",
    "components": "the principal components of the training images, Components.measured(images)",
}


def read_step(word: str, kind: Any, given: dict[str, Any]) -> Any:
    """The step of a dataclass `kind` that `word` writes, with what is `given` by the data.

    Raises SettingsError or UnknownNameError with what is wrong with the word.
    """
    name, *settings = (part.strip() for part in word.split(":"))
    texts = _by_knob(name, settings, [field.name for field in fields(kind) if field.name not in FROM_DATA])
    hints = get_type_hints(kind)
    knobs = {knob: _read_value(f"{name}'s {knob}", text, hints[knob]) for knob, text in texts.items()}
    for knob in (field.name for field in fields(kind) if field.default is MISSING):
        if knob not in given:
            raise SettingsError(f"{name} needs {FROM_DATA[knob]}; give {knob}, or leave {name} out")
        knobs[knob] = given[knob]
    return kind(**knobs)


def write_step(name: str, step: Any) -> str:
    """The word that `read_step` reads: the knobs that are not as they come, by name."""
    knobs = [(field.name, getattr(step, field.name), field.default) for field in fields(step)]
    changed = [f"{knob}={value}" for knob, value, usual in knobs if knob not in FROM_DATA and value != usual]
    return ":".join([name, *changed])


def _by_knob(name: str, settings: list[str], knobs: list[str]) -> dict[str, str]:
    """What is written for each knob."""
    texts: dict[str, str] = {}
    named = False
    for place, setting in enumerate(settings):
        first, equals, last = (part.strip() for part in setting.partition("="))
        if named and not equals:
            raise SettingsError(f"{name} has the value {first!r} after a knob with its name; write such values first")
        if not equals and place >= len(knobs):
            raise SettingsError(f"{name} has {len(settings)} values; expected at most {len(knobs)}: {':'.join(knobs)}")
        named = bool(equals)
        knob, text = (first, last) if equals else (knobs[place], first)
        if knob not in knobs:
            raise UnknownNameError(f"knob of {name}", knob, knobs)
        if knob in texts:
            raise SettingsError(f"{name} has {knob} twice; leave one out")
        texts[knob] = text
    return texts


def _read_value(what: str, text: str, hint: Any) -> str | int | float:
    """A value of a knob's type; the class then checks its range."""
    kinds = [kind for kind in (int, float) if kind is hint or kind in get_args(hint)]
    if not kinds:
        return text
    try:
        value: int | float = kinds[0](text)
    except ValueError as error:
        expected = "a whole number" if kinds[0] is int else "a number"
        raise SettingsError(f"{what} is {text!r}; expected {expected}") from error
    return value
