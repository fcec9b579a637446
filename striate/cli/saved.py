"""`--config run.toml` fills in what the command line leaves out; `--resume RUN` takes no other setting beside it."""

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
    if "--config" in given:
        path = given["--config"].tokens[0].value
        Dict(read_settings(path).to_dict(), source=path, use_commands_as_keys=False)(app, commands, arguments)
