"""`--config run.toml` fills in what the command line leaves out; `--resume RUN` takes no other setting beside it."""

from typing import get_args

from cyclopts import App
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Dict

from striate.errors import SettingsError
from striate.recipes.settings import read_settings

_BESIDE_RESUME = ("--resume", "--json")


def settle(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Cyclopts calls this between parsing and converting, when it is known what was given."""
    given = {argument.name: argument for argument in arguments if argument.tokens}
    if "--resume" in given and (others := sorted(set(given) - set(_BESIDE_RESUME))):
        raise SettingsError(f"a resumed run goes on as it was set up; leave out {', '.join(others)}")
    for name, argument in given.items():
        if int in (argument.hint, *get_args(argument.hint)):
            _check_whole(name, argument.tokens[0].value)
    if "--config" in given:
        path = given["--config"].tokens[0].value
        Dict(read_settings(path).to_dict(), source=path, use_commands_as_keys=False)(app, commands, arguments)


def _check_whole(name: str, value: str) -> None:
    """Cyclopts would round 1.5 to 2 without a word."""
    try:
        int(value)
    except ValueError:
        raise SettingsError(f"{name} is {value!r}; expected a whole number") from None
